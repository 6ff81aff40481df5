import type { Body, RenditionRecord } from "../model/rendition.ts";

/** What a cache knows of an entry without looking where it lies. */
export interface KnownEntry {
  /** Its record, as it was confirmed last. */
  readonly record: RenditionRecord;
  /** Until when it is fresh by the record that lies there, in milliseconds since 1970. */
  readonly freshUntil: number;
  readonly hasBody: boolean;
}

/** Milliseconds: a confirmation that moves the end of freshness by less than this is not worth a new write. */
const MIN_CHANGE_MS = 60_000;

/**
 * Whether a record only confirms the entry that a cache has already, and is fresh for about as long as the stored one: then it
 * is enough to remember the new record.
 */
export function isOnlyConfirmed(
  known: KnownEntry | undefined,
  record: RenditionRecord,
  body: Body | undefined,
): known is KnownEntry {
  if (!known || (body && !known.hasBody)) return false;
  if (Math.abs(record.freshUntil - known.freshUntil) > MIN_CHANGE_MS) return false;
  return record.etag !== undefined && isSameButTimes(known.record, record);
}

function isSameButTimes(a: RenditionRecord, b: RenditionRecord): boolean {
  const text = (record: RenditionRecord) => JSON.stringify({ ...record, stored: 0, freshUntil: 0 });
  return text(a) === text(b);
}
