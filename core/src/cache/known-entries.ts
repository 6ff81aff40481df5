import { LRUCache } from "lru-cache";
import { matchesRule, type PurgeRule } from "../model/purge-rule.ts";
import type { RenditionRecord } from "../model/rendition.ts";
import { atMost } from "../util/entries.ts";

const MAX_ENTRIES = 5_000;

/** A revalidation that moves the end of freshness by less than this is not worth a write, in milliseconds. */
const MIN_EXTENSION_MS = 60_000;

interface Known {
  /** As the backend has it. */
  readonly stored: number;
  readonly freshUntil: number;
  readonly hasBody: boolean;
  /** As it was revalidated last. */
  readonly metadata: RenditionRecord;
}

/** What is known of the entries of a backend without asking it. */
export function createKnownEntries() {
  const known = new LRUCache<string, Known>(atMost(MAX_ENTRIES));

  /** The backend has this entry. */
  function note(metadata: RenditionRecord, hasBody: boolean): void {
    const { key, stored, freshUntil } = metadata;
    known.set(key, { stored, freshUntil, hasBody, metadata });
  }

  return {
    note,
    has: (key: string) => known.has(key),
    forget: (key: string) => known.delete(key),
    forgetMatching(rule: PurgeRule): void {
      for (const [key, { metadata }] of known.entries()) if (matchesRule(metadata, rule)) known.delete(key);
    },
    /** The metadata of an entry as it was revalidated last; the backend may have an older state of the same entry. */
    latest(metadata: RenditionRecord, hasBody: boolean): RenditionRecord {
      const before = known.get(metadata.key);
      if (before && before.stored === metadata.stored && before.metadata.etag === metadata.etag)
        return before.metadata;
      note(metadata, hasBody);
      return metadata;
    },
    /** Whether the backend has this entry already, fresh for about as long: then it need not be written, only noted here. */
    noteIfUnchanged(metadata: RenditionRecord, hasBody: boolean): boolean {
      const before = known.get(metadata.key);
      if (!before || (hasBody && !before.hasBody)) return false;
      if (Math.abs(metadata.freshUntil - before.freshUntil) > MIN_EXTENSION_MS) return false;
      if (metadata.etag === undefined || !isSameButTimes(before.metadata, metadata)) return false;
      known.set(metadata.key, { ...before, metadata });
      return true;
    },
  };
}

function isSameButTimes(a: RenditionRecord, b: RenditionRecord): boolean {
  const text = (metadata: RenditionRecord) => JSON.stringify({ ...metadata, stored: 0, freshUntil: 0 });
  return text(a) === text(b);
}
