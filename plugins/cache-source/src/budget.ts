import type { PluginApi } from "@mediatap/core";
import type { CacheContents } from "@mediatap/core/cache";
import type { CopyRecord } from "./record.ts";
import type { CopyStore } from "./store.ts";

/** How much is left after copies were removed: not each new copy should cost a search. */
const LEAVE = 0.9;
/** Part of the budget after which all is counted again: other processes write, too. */
const RECOUNT = 0.05;
/** Milliseconds between two notes in the storage that a copy is used. */
const NOTE = 60 * 60 * 1000;
/** Milliseconds after which bytes without a record are what a broken off copy left behind. */
const ABANDONED = 24 * 60 * 60 * 1000;

interface Known {
  readonly version: string;
  readonly size: number;
  readonly used: number;
}

export interface BudgetParts {
  readonly store: CopyStore;
  readonly maxBytes: number;
  readonly logger: PluginApi["logger"];
}

/** Keeps the copies of a storage within a number of bytes: those used least recently go. */
export function createBudget({ store, maxBytes, logger }: BudgetParts) {
  const known = new Map<string, Known>();
  const end = new AbortController();
  /** Bytes in the storage; not known before the first count. */
  let total = Number.POSITIVE_INFINITY;
  let written = 0;
  let evictions = 0;
  let running: Promise<void> | undefined;

  /** All copies there are, those of other processes included, and their bytes. */
  async function count(): Promise<void> {
    const records = new Set<string>();
    const bytes: { name: string; version: string; path: string }[] = [];
    for await (const { name, version, path } of store.files("")) {
      end.signal.throwIfAborted();
      if (version === undefined) records.add(name);
      else bytes.push({ name, version, path });
    }
    for (const name of known.keys()) if (!records.has(name)) known.delete(name);
    total = 0;
    for (const { name, version, path } of bytes) {
      end.signal.throwIfAborted();
      if (known.get(name)?.version !== version && records.has(name)) await learn(name);
      const entry = known.get(name);
      if (entry?.version === version) total += entry.size;
      else await sweep(path);
    }
  }

  async function learn(name: string): Promise<CopyRecord | undefined> {
    const record = await store.peek(name, end.signal);
    if (!record) return undefined;
    const { version, size, used } = record;
    known.set(name, { version, size, used: Math.max(used, known.get(name)?.used ?? 0) });
    return record;
  }

  async function sweep(path: string): Promise<void> {
    const entry = await store.storage.open(path, { signal: end.signal, head: true });
    if (typeof entry !== "object") return;
    await entry.close?.();
    if (Date.now() - (entry.lastModified ?? Date.now()) > ABANDONED) await store.storage.remove(path);
  }

  async function evict(): Promise<void> {
    if (total <= maxBytes) return;
    const oldest = [...known].sort(([, a], [, b]) => a.used - b.used);
    let removed = 0;
    for (const [name, { used }] of oldest) {
      if (total <= maxBytes * LEAVE) break;
      end.signal.throwIfAborted();
      const record = await learn(name);
      // Another process has used it meanwhile.
      if (record && record.used > used) continue;
      await store.remove(name, record?.version);
      total -= known.get(name)?.size ?? 0;
      known.delete(name);
      removed++;
      evictions++;
    }
    logger.info({ removed, bytes: total }, "saved copies were evicted");
  }

  function run(): void {
    if (running || end.signal.aborted) return;
    written = 0;
    running = count()
      .then(evict)
      .catch((err: unknown) => {
        if (!end.signal.aborted) logger.warn({ err }, "enforcing the budget of saved copies failed");
      })
      .finally(() => {
        running = undefined;
        if (written > 0 && total > maxBytes) run();
      });
  }

  return {
    /** `undefined`: nothing was counted yet. */
    contents: (): CacheContents | undefined =>
      Number.isFinite(total) ? { bytes: total, maxBytes, entries: known.size, evictions } : undefined,
    saved(name: string, { version, size, used }: CopyRecord): void {
      known.set(name, { version, size, used });
      total += size;
      written += size;
      if (total > maxBytes || written > maxBytes * RECOUNT) run();
    },
    used(name: string, record: CopyRecord): void {
      const used = Date.now();
      const { version, size } = record;
      known.set(name, { version, size, used });
      if (used - record.used > NOTE) store.update(name, { ...record, used });
    },
    async stop(): Promise<void> {
      end.abort();
      await running;
    },
  };
}

export type Budget = ReturnType<typeof createBudget>;
