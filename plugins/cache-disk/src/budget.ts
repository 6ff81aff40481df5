import type { PluginApi } from "@mediatap/core";
import type { CacheContents } from "@mediatap/core/cache";
import { diskBytesOf } from "./format.ts";
import { createSweeper } from "./sweeper.ts";

/** Fraction of the budget after which all entries are counted again: other processes write, too. */
const RECOUNT_FRACTION = 0.05;

/** Milliseconds between two writes of access times to the disk, and accesses that are buffered until then. */
const RECORD_INTERVAL_MS = 10 * 60 * 1000;
const MAX_USES = 20_000;

/** Milliseconds until a failed count is retried. */
const RETRY_MS = 60_000;

/** Keeps the entries of a folder within a number of bytes: the least recently used ones of all processes are evicted. */
export function createBudget(root: string, maxBytes: number, logger: PluginApi["logger"]) {
  const sweeper = createSweeper(root);
  const uses = new Map<string, number>();
  /** Known bytes on the disk, and bytes written since the last count. */
  let total = 0;
  let written = 0;
  let runningCount: Promise<void> | undefined;
  let retryAt = 0;
  let evictions = 0;
  const timer = setInterval(record, RECORD_INTERVAL_MS).unref();

  function takeUses(): [string, number][] {
    const entries = [...uses];
    uses.clear();
    return entries;
  }

  function record(): void {
    if (uses.size > 0) sweeper.run({ uses: takeUses() }).catch(() => undefined);
  }

  async function count(): Promise<void> {
    try {
      const before = written;
      const { bytes, removed } = await sweeper.run({ uses: takeUses(), maxBytes });
      // Entries written during the count may be included or not.
      written -= before;
      total = bytes + written;
      evictions += removed;
      if (removed > 0) logger.debug({ removed, bytes }, "entries were evicted");
    } catch (err) {
      retryAt = performance.now() + RETRY_MS;
      logger.warn({ err }, "enforcing the budget of the cache failed");
    }
  }

  const isDue = () =>
    (total > maxBytes || written > maxBytes * RECOUNT_FRACTION) && performance.now() >= retryAt;

  /** Counts, or joins the running count. */
  function run(): Promise<void> {
    runningCount ??= count().finally(() => {
      runningCount = undefined;
    });
    return runningCount;
  }

  return {
    contents: (): CacheContents => ({ bytes: total, maxBytes, evictions }),
    /** Counts the current entries. */
    start(): void {
      // A running count may have passed the entries to remove.
      if (runningCount) void runningCount.then(run);
      else void run();
    },
    /** Resolves when the entries are within the budget again. */
    async added(size: number): Promise<void> {
      total += diskBytesOf(size);
      written += diskBytesOf(size);
      while (isDue()) await run();
    },
    used(name: string): void {
      // Their order does not matter; to delete here would have the map laid out again all the time, for the full collector.
      uses.set(name, Date.now());
      if (uses.size > MAX_USES) record();
    },
    async close(): Promise<void> {
      clearInterval(timer);
      record();
      await sweeper.close();
    },
  };
}
