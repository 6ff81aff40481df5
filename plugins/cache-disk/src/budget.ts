import type { PluginApi } from "@mediatap/core";
import type { CacheContents } from "@mediatap/core/cache";
import { costOf } from "./format.ts";
import { createSweeper } from "./sweeper.ts";

/** Part of the budget after which all is counted again: other processes write, too. */
const RECOUNT_AFTER = 0.05;

/** Milliseconds between two records on the disk of what was used, and uses that are remembered until then. */
const RECORD_INTERVAL_MS = 10 * 60 * 1000;
const MAX_USES = 20_000;

/** Milliseconds after which a count that failed is tried again. */
const RETRY_MS = 60_000;

/** Keeps the entries of a folder within a number of bytes: those used least recently go, whoever wrote them. */
export function createBudget(root: string, maxBytes: number, logger: PluginApi["logger"]) {
  const sweeper = createSweeper(root);
  const uses = new Map<string, number>();
  /** Bytes on the disk as far as is known; written since the last count. */
  let total = 0;
  let written = 0;
  let running: Promise<void> | undefined;
  let restUntil = 0;
  let evictions = 0;
  const timer = setInterval(record, RECORD_INTERVAL_MS).unref();

  function takeUses(): [string, number][] {
    const taken = [...uses];
    uses.clear();
    return taken;
  }

  function record(): void {
    if (uses.size > 0) sweeper.run({ uses: takeUses() }).catch(() => undefined);
  }

  async function count(): Promise<void> {
    try {
      const before = written;
      const { bytes, removed } = await sweeper.run({ uses: takeUses(), maxBytes });
      // What was written during the count may be in it or not.
      written -= before;
      total = bytes + written;
      evictions += removed;
      if (removed > 0) logger.debug({ removed, bytes }, "entries were evicted");
    } catch (err) {
      restUntil = performance.now() + RETRY_MS;
      logger.warn({ err }, "enforcing the budget of the cache failed");
    }
  }

  const isDue = () =>
    (total > maxBytes || written > maxBytes * RECOUNT_AFTER) && performance.now() >= restUntil;

  /** Counts, and again where so much was written meanwhile that it is due again. */
  function run(): Promise<void> {
    running ??= count().finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    contents: (): CacheContents => ({ bytes: total, maxBytes, evictions }),
    /** Counts what is there now. */
    start(): void {
      // A count that is running may have passed by what is to be removed.
      if (running) void running.then(run);
      else void run();
    },
    /** Resolves once the budget holds again. */
    async added(size: number): Promise<void> {
      total += costOf(size);
      written += costOf(size);
      while (isDue()) await run();
    },
    used(name: string): void {
      // Their order does not matter; to delete here would have the map laid out again all the time, for the full collector.
      uses.set(name, Date.now());
      if (uses.size > MAX_USES) record();
    },
    async close(): Promise<void> {
      clearInterval(timer);
      await running;
      record();
      await sweeper.close();
    },
  };
}
