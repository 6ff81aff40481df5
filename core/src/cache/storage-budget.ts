import type { Logger } from "pino";
import type { CacheContents } from "../plugin/cache-backend.ts";
import type { StorageFiles } from "./storage-files.ts";
import type { MetadataFile } from "./stored-file.ts";

/** Part of the budget that is left after an eviction: not every new entry should cost a search. */
const LEVEL_AFTER_EVICTION = 0.9;
/** Part of the budget after which everything is counted again: other processes write, too. */
const RECOUNT_AFTER = 0.05;
/** Milliseconds between two records in the storage that an entry is used. */
const RECORD_USE_MS = 60 * 60 * 1000;
/** Milliseconds after which a body without metadata is what an interrupted write left behind. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

interface Known {
  readonly version: string;
  readonly size: number;
  readonly used: number;
}

/** Keeps the entries of a storage within a number of bytes: the least recently used are evicted. */
export function createStorageBudget(files: StorageFiles, maxBytes: number, log: Logger) {
  const known = new Map<string, Known>();
  const end = new AbortController();
  /** Bytes in the storage; not known before the first count. */
  let total = Number.POSITIVE_INFINITY;
  let written = 0;
  let evictions = 0;
  let running: Promise<void> | undefined;

  function note(key: string, { body, used = 0 }: MetadataFile): void {
    if (!body) return;
    const before = known.get(key);
    known.set(key, { version: body.version, size: body.length, used: Math.max(used, before?.used ?? 0) });
  }

  async function read(key: string): Promise<MetadataFile | undefined> {
    const file = await files.read(key, end.signal);
    if (file) note(key, file);
    return file;
  }

  /** Counts all entries, also those of other processes. */
  async function count(): Promise<void> {
    const found = await files.list("");
    for (const key of known.keys()) if (!found.has(key)) known.delete(key);
    // What was written meanwhile may be among them or not.
    total = written;
    for (const [key, { hasMetadata, versions }] of found) {
      end.signal.throwIfAborted();
      if (hasMetadata && !versions.includes(known.get(key)?.version ?? "")) await read(key);
      for (const version of versions) {
        const entry = known.get(key);
        if (entry?.version === version) total += entry.size;
        else await files.removeOld(key, version, ABANDONED_MS);
      }
    }
  }

  async function evict(): Promise<void> {
    if (total <= maxBytes) return;
    const oldest = [...known].sort(([, a], [, b]) => a.used - b.used);
    let removed = 0;
    for (const [key, { used, size }] of oldest) {
      if (total <= maxBytes * LEVEL_AFTER_EVICTION) break;
      end.signal.throwIfAborted();
      const file = await read(key);
      // Another process has used it since.
      if ((file?.used ?? 0) > used) continue;
      await files.remove(key, file?.body);
      total -= size;
      known.delete(key);
      removed++;
      evictions++;
    }
    log.info({ removed, bytes: total }, "saved copies were evicted");
  }

  function run(): void {
    if (running || end.signal.aborted) return;
    written = 0;
    running = count()
      .then(evict)
      .catch((err: unknown) => {
        if (!end.signal.aborted) log.warn({ err }, "enforcing the budget of saved copies failed");
      })
      .finally(() => {
        running = undefined;
        if (written > 0 && total > maxBytes) run();
      });
  }

  return {
    contents: (): CacheContents | undefined =>
      Number.isFinite(total) ? { bytes: total, maxBytes, entries: known.size, evictions } : undefined,
    added(key: string, file: MetadataFile): void {
      const size = file.body?.length ?? 0;
      note(key, file);
      total += size;
      written += size;
      if (total > maxBytes || written > maxBytes * RECOUNT_AFTER) run();
    },
    /** Notes that an entry is used. Returns the time if the storage is to record it. */
    used(key: string, file: MetadataFile): number | undefined {
      const used = Date.now();
      note(key, { ...file, used });
      return used - (file.used ?? 0) > RECORD_USE_MS ? used : undefined;
    },
    async close(): Promise<void> {
      end.abort();
      await running;
    },
  };
}
