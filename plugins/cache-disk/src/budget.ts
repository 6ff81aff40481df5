import type { PluginApi } from "@mediatap/core";
import type { CacheContents } from "@mediatap/core/cache";
import { costOf } from "./sweep.ts";
import type { Sweeper } from "./sweeper.ts";

/** Part of the budget after which all is counted again: other processes write, too. */
const RECOUNT = 0.05;

/** Milliseconds between two notes on the disk of what was used. */
const NOTE = 10 * 60 * 1000;

/** Uses that are remembered until then. */
const MOST = 20_000;

/** Milliseconds after which a count that failed is tried again. */
const AGAIN = 60_000;

/** Keeps the entries of a folder within a number of bytes: those used least recently go, whoever wrote them. */
export function createBudget(sweeper: Sweeper, maxBytes: number, logger: PluginApi["logger"]) {
  const uses = new Map<string, number>();
  /** Bytes on the disk as far as is known; written since the last count. */
  let total = 0;
  let written = 0;
  let running: Promise<void> | undefined;
  let restUntil = 0;
  let evictions = 0;
  const timer = setInterval(() => void note(), NOTE).unref();

  async function note(): Promise<void> {
    const taken = [...uses];
    uses.clear();
    if (taken.length > 0) await sweeper.ask({ what: "touch", uses: taken }).catch(() => undefined);
  }

  async function count(): Promise<void> {
    try {
      await note();
      const before = written;
      const { bytes, removed } = await sweeper.ask({ what: "count", maxBytes });
      // What was written during the count may be in it or not.
      written -= before;
      total = bytes + written;
      evictions += removed;
      if (removed > 0) logger.debug({ removed, bytes }, "entries were evicted");
    } catch (err) {
      restUntil = performance.now() + AGAIN;
      logger.warn({ err }, "enforcing the budget of the cache failed");
    }
  }

  const isDue = () => (total > maxBytes || written > maxBytes * RECOUNT) && performance.now() >= restUntil;

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
      if (uses.size > MOST) void note();
    },
    async close(): Promise<void> {
      clearInterval(timer);
      await running;
      await note();
    },
  };
}

export type Budget = ReturnType<typeof createBudget>;
