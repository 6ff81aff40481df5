import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type Bus, isMediaError, type Load, type PluginApi } from "@mediatap/core";
import { LRUCache } from "lru-cache";
import PQueue from "p-queue";
import {
  type Batch,
  type Failure,
  failureOf,
  type Item,
  isTransient,
  MAX_ERRORS,
  type MakeItem,
  type OwnProgress,
  type Queue,
  queueFull,
} from "./batch.ts";

export interface MemoryOptions {
  /** URLs that are rendered at once. */
  readonly concurrency: number;
  /** Retries of an item. */
  readonly retries: number;
  /** URLs that can wait. */
  readonly waiting: number;
}

/** The server that renders; each runtime has its own. */
export interface Server extends Pick<PluginApi, "logger"> {
  readonly make: MakeItem;
  readonly load: () => Load;
  /** Milliseconds for which failures are cached: an earlier retry fails, too. */
  readonly cooldown: number;
}

const TOPIC = "warm";

/** Batches whose progress is stored, and milliseconds after their last progress until they expire. */
const MAX_BATCHES = 1_000;
const BATCH_LIFETIME_MS = 60 * 60_000;

/** Milliseconds between two polls of the server's load, and between messages about progress. */
const LOAD_POLL_INTERVAL_MS = 50;
const PUBLISH_DELAY_MS = 250;

/** Milliseconds that a call waits for a message of another process about an unknown batch. */
const PEER_WAIT_MS = 300;

interface OwnBatch extends OwnProgress {
  readonly progress: { total: number; done: number; failed: number; errors: Failure[] };
}

/**
 * Items wait in the memory of the process. One begins only while no work of requests waits in the server's own
 * queue. The other processes of the server receive the progress.
 */
export function createMemoryQueue({ concurrency, retries, waiting }: MemoryOptions, bus: Bus) {
  const queue = new PQueue({ concurrency });
  const stop = new AbortController();
  const batches = new LRUCache<string, OwnProgress>({ max: MAX_BATCHES, ttl: BATCH_LIFETIME_MS });
  const unpublished = new Set<string>();
  let publishTimer: NodeJS.Timeout | undefined;
  let server: Server | undefined;

  const unsubscribe = bus.subscribe(TOPIC, (message) => {
    const { id, batch } = message as { id: string; batch: OwnProgress };
    batches.set(id, batch);
  });

  function publishLater(id: string): void {
    unpublished.add(id);
    publishTimer ??= setTimeout(() => {
      publishTimer = undefined;
      for (const one of unpublished) bus.publish(TOPIC, { id: one, batch: batches.get(one) });
      unpublished.clear();
    }, PUBLISH_DELAY_MS);
  }

  async function run(item: Item, batch: OwnBatch, id: string): Promise<void> {
    const of = batch.progress;
    try {
      await attempts(item);
      of.done++;
    } catch (error) {
      if (stop.signal.aborted) return;
      const failure = failureOf(item.url, error);
      if (failure.code === "EINTERNAL") server?.logger.error({ err: error }, "a URL could not be rendered");
      of.failed++;
      if (of.errors.length < MAX_ERRORS) of.errors.push(failure);
    }
    // Its lifetime starts again.
    batches.set(id, batch);
    publishLater(id);
  }

  async function attempts(item: Item): Promise<void> {
    for (let tries = 0; ; tries++) {
      await waitForIdle();
      const { make, cooldown } = server as Server;
      try {
        return await make(item, stop.signal);
      } catch (error) {
        if (stop.signal.aborted || tries >= retries || !isTransient(error)) throw error;
        const retryAfterMs = isMediaError(error) ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
        const backoff = Math.max(cooldown, 1_000) * 2 ** tries * (1 + Math.random() / 2);
        await pause(Math.max(retryAfterMs, backoff), undefined, { signal: stop.signal });
      }
    }
  }

  /** Resolves when no request waits in the server's queue. */
  async function waitForIdle(): Promise<void> {
    stop.signal.throwIfAborted();
    while (server && server.load().waiting > 0)
      await pause(LOAD_POLL_INTERVAL_MS, undefined, { signal: stop.signal });
  }

  const memory: Queue = {
    async add({ endpoints, items, refused }: Batch) {
      if (queue.size + items.length > waiting) throw queueFull();
      const id = randomUUID().replaceAll("-", "");
      const batch: OwnBatch = {
        endpoints,
        added: Date.now(),
        progress: {
          total: items.length + refused.length,
          done: 0,
          failed: refused.length,
          errors: refused.slice(0, MAX_ERRORS),
        },
      };
      batches.set(id, batch);
      bus.publish(TOPIC, { id, batch });
      for (const item of items) void queue.add(() => run(item, batch, id)).catch(() => {});
      return id;
    },
    async progress(id) {
      if (!batches.has(id)) await pause(PEER_WAIT_MS);
      return batches.get(id);
    },
    list: async (limit) => [...batches.entries()].sort(([, a], [, b]) => b.added - a.added).slice(0, limit),
  };

  return {
    ...memory,
    /** Sets the server of the newest runtime. */
    use(next: Server): void {
      server = next;
    },
    close(): void {
      unsubscribe();
      clearTimeout(publishTimer);
      queue.clear();
      stop.abort();
    },
  };
}

export type MemoryQueue = ReturnType<typeof createMemoryQueue>;
