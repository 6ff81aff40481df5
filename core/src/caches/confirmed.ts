import type { Body, RenditionRecord } from "../model/rendition.ts";

/** What a cache knows of an entry without looking where it lies. */
export interface KnownEntry {
  /** Its record, as it was confirmed last. */
  readonly record: RenditionRecord;
  /** Until when it is fresh by the record that lies there, in milliseconds since 1970. */
  readonly freshUntil: number;
  readonly hasBody: boolean;
}

/** Milliseconds: a confirmation that makes an entry fresh for less than this is not worth writing it again. */
const WORTH = 60_000;

/**
 * Whether what a cache is handed only confirms what lies there already, and for hardly longer than its record says there: to
 * remember the new record is enough.
 */
export function isOnlyConfirmed(
  known: KnownEntry | undefined,
  record: RenditionRecord,
  body: Body | undefined,
): known is KnownEntry {
  if (!known || (body && !known.hasBody) || record.freshUntil - known.freshUntil > WORTH) return false;
  return record.etag !== undefined && isSameButTimes(known.record, record);
}

function isSameButTimes(a: RenditionRecord, b: RenditionRecord): boolean {
  const text = (record: RenditionRecord) => JSON.stringify({ ...record, stored: 0, freshUntil: 0 });
  return text(a) === text(b);
}
