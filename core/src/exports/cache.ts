// What cache backends need beside the root: the contract of a backend, entries, purge rules, tags.

export { createCacheBreaker } from "../cache/breaker.ts";
export { addRule, decodeRule, encodeRule, timeOfRule } from "../cache/journal-rule.ts";
export { createOriginalsBackend } from "../cache/originals-backend.ts";
export { createStorageBackend } from "../cache/storage-backend.ts";
export { cacheStorageOf, diagnoseCacheStorage } from "../cache/storage-option.ts";
export { decodeMetadata, encodeMetadata } from "../cache/stored-file.ts";
export type { ActiveRule, PurgeRule } from "../model/purge-rule.ts";
export { matchesRule } from "../model/purge-rule.ts";
export { foldersOf, folderTagOf, sourceTagOf } from "../model/tags.ts";
export type {
  CacheBackend,
  CacheContents,
  CacheEntry,
  CacheTier,
  JournalRule,
  PurgeJournal,
  StoredMetadata,
} from "../plugin/cache-backend.ts";
export { monotonicNow } from "../util/monotonic.ts";
export { isGone, ownerText, parseOwner, thisOwner } from "../util/owner.ts";
export { withTimeout } from "../util/timeout.ts";
