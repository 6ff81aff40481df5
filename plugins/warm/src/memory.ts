import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type Bus, isMediaError, type Load, type PluginApi } from "@mediatap/core";
import { LRUCache } from "lru-cache";
import PQueue from "p-queue";
import {
  type Batch,
  type Failure,
  failureOf,
  full,
  type Item,
  isPassing,
  type MakeItem,
  type OwnProgress,
  type Queue,
  TOLD,
} from "./batch.ts";

export interface MemoryOptions {
  /** URLs that are made at once. */
  readonly concurrency: number;
  /** How often an item is tried again. */
  readonly retries: number;
  /** URLs that may wait. */
  readonly waiting: number;
}

/** What it needs of the server; each runtime brings its own. */
export interface Server extends Pick<PluginApi, "logger"> {
  readonly make: MakeItem;
  readonly load: () => Load;
  /** Milliseconds for which failures are remembered: earlier, another try fails as well. */
  readonly rest: number;
}

const TOPIC = "warm";

/** Batches whose progress is remembered, and for how long, in milliseconds. */
const REMEMBERED = 1_000;
const HOUR = 60 * 60_000;

/** Milliseconds between two looks whether the server has time, and between announcements of progress. */
const LOOK = 50;
const TELL = 250;

/** Milliseconds for which the word of another process is waited for. */
const HEARSAY = 300;

interface Own extends OwnProgress {
  readonly progress: { total: number; done: number; failed: number; errors: Failure[] };
}

/**
 * Items wait in the memory of the process. One begins only while nothing that requests wait for stands in the server's own
 * queue; the other processes of the server hear of the progress.
 */
export function createMemoryQueue({ concurrency, retries, waiting }: MemoryOptions, bus: Bus) {
  const queue = new PQueue({ concurrency });
  const stop = new AbortController();
  const batches = new LRUCache<string, OwnProgress>({ max: REMEMBERED, ttl: HOUR });
  const untold = new Set<string>();
  let telling: NodeJS.Timeout | undefined;
  let server: Server | undefined;

  const silence = bus.subscribe(TOPIC, (message) => {
    const { id, batch } = message as { id: string; batch: OwnProgress };
    batches.set(id, batch);
  });

  function tellSoon(id: string): void {
    untold.add(id);
    telling ??= setTimeout(() => {
      telling = undefined;
      for (const one of untold) bus.publish(TOPIC, { id: one, batch: batches.get(one) });
      untold.clear();
    }, TELL);
  }

  async function run(item: Item, batch: Own, id: string): Promise<void> {
    const of = batch.progress;
    try {
      await attempts(item);
      of.done++;
    } catch (error) {
      if (stop.signal.aborted) return;
      const failure = failureOf(item.url, error);
      if (failure.code === "EINTERNAL") server?.logger.error({ err: error }, "a URL could not be rendered");
      of.failed++;
      if (of.errors.length < TOLD) of.errors.push(failure);
    }
    // It is remembered from its last news on.
    batches.set(id, batch);
    tellSoon(id);
  }

  async function attempts(item: Item): Promise<void> {
    for (let tries = 0; ; tries++) {
      await quiet();
      const { make, rest } = server as Server;
      try {
        return await make(item, stop.signal);
      } catch (error) {
        if (stop.signal.aborted || tries >= retries || !isPassing(error)) throw error;
        const asked = isMediaError(error) ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
        const backoff = Math.max(rest, 1_000) * 2 ** tries * (1 + Math.random() / 2);
        await pause(Math.max(asked, backoff), undefined, { signal: stop.signal });
      }
    }
  }

  /** Resolves when no request waits for its turn. */
  async function quiet(): Promise<void> {
    stop.signal.throwIfAborted();
    while (server && server.load().waiting > 0) await pause(LOOK, undefined, { signal: stop.signal });
  }

  const memory: Queue = {
    async add({ endpoints, items, refused }: Batch) {
      if (queue.size + items.length > waiting) throw full();
      const id = randomUUID().replaceAll("-", "");
      const batch: Own = {
        endpoints,
        added: Date.now(),
        progress: {
          total: items.length + refused.length,
          done: 0,
          failed: refused.length,
          errors: refused.slice(0, TOLD),
        },
      };
      batches.set(id, batch);
      bus.publish(TOPIC, { id, batch });
      for (const item of items) void queue.add(() => run(item, batch, id)).catch(() => {});
      return id;
    },
    async progress(id) {
      if (!batches.has(id)) await pause(HEARSAY);
      return batches.get(id);
    },
    list: async (limit) => [...batches.entries()].sort(([, a], [, b]) => b.added - a.added).slice(0, limit),
  };

  return {
    ...memory,
    /** The newest runtime's. */
    use(next: Server): void {
      server = next;
    },
    close(): void {
      silence();
      clearTimeout(telling);
      queue.clear();
      stop.abort();
    },
  };
}

export type MemoryQueue = ReturnType<typeof createMemoryQueue>;
