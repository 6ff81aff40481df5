import { randomUUID } from "node:crypto";
import { codeOf, isMediaError, MediaError, type PluginApi } from "@mediatap/core";
import type { Job } from "bullmq";
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

export interface RedisOptions {
  /** Of Redis. */
  readonly url: string;
  /** Of the queue; also part of its keys' prefix. */
  readonly name: string;
  readonly retries: number;
  readonly waiting: number;
  /** Milliseconds after which the item of a silent worker is reassigned. */
  readonly takeOver: number;
}

/** A batch is the parent of its items: BullMQ counts which of them are done. */
interface Parent extends Pick<Batch, "endpoints"> {
  readonly refused: readonly Failure[];
}
const BATCH = "batch";
/** Jobs of a state among which batches are searched. */
const MAX_LISTED = 200;
const ITEM = "item";

/** Seconds for which a batch and the errors of its items are stored. */
const BATCH_LIFETIME_SECONDS = 24 * 60 * 60;

/** Milliseconds within which Redis must be reached. */
const CONNECT_TIMEOUT_MS = 5_000;

/** How often an item can lose its worker before it fails. */
const MAX_LOST_WORKERS = 3;

/** BullMQ is large, and needed only with Redis. */
async function bullmq() {
  try {
    return await import("bullmq");
  } catch (cause) {
    if (codeOf(cause) !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new MediaError("ECONFIG", "warm.queue: Expected bullmq and ioredis: npm install bullmq ioredis", {
      cause,
    });
  }
}

/** Adds items to a queue in Redis for its workers. Connects on first use. */
export function createRedisQueue({ url, name, retries, waiting }: RedisOptions, logger: PluginApi["logger"]) {
  let opened: ReturnType<typeof open> | undefined;

  async function open() {
    const { FlowProducer, Queue } = await bullmq();
    const connection = { url, enableOfflineQueue: false, maxRetriesPerRequest: 1 };
    const settings = { connection, prefix: "mediatap" };
    const queue = new Queue<Item | Parent>(name, settings);
    const flows = new FlowProducer(settings);
    const onError = (err: Error) =>
      logger.warn({ reason: err.message || codeOf(err) }, "the Redis of the queue failed");
    queue.on("error", onError);
    flows.on("error", onError);
    const close = () => Promise.all([queue.close(), flows.close()]);
    try {
      await ready(Promise.all([queue.waitUntilReady(), flows.waitUntilReady()]));
    } catch (error) {
      close().catch(() => {});
      throw error;
    }
    return { queue, flows, close };
  }

  async function connected() {
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw isMediaError(error) ? error : unreachable();
    });
    return await opened;
  }

  const redis: Queue = {
    async add({ endpoints, items, refused }) {
      const { flows, queue } = await connected();
      const { wait = 0, prioritized = 0, delayed = 0 } = await queue.getJobCounts("wait", "delayed");
      if (wait + prioritized + delayed + items.length > waiting) throw queueFull();
      const id = randomUUID().replaceAll("-", "");
      const backoff = { type: "exponential", delay: 5_000, jitter: 0.5 };
      await flows.add({
        name: BATCH,
        queueName: name,
        data: { endpoints, refused } satisfies Parent,
        opts: {
          jobId: id,
          removeOnComplete: { age: BATCH_LIFETIME_SECONDS },
          removeOnFail: { age: BATCH_LIFETIME_SECONDS },
        },
        children: items.map((data) => ({
          name: ITEM,
          queueName: name,
          data,
          opts: {
            attempts: retries + 1,
            backoff,
            ignoreDependencyOnFailure: true,
            removeOnComplete: true,
            removeOnFail: { age: BATCH_LIFETIME_SECONDS },
          },
        })),
      });
      return id;
    },

    async progress(id) {
      const { queue } = await connected();
      const batch = await queue.getJob(id);
      return batch && progressOf(batch);
    },

    async list(limit) {
      const { queue } = await connected();
      // In the order in which a batch passes through them, so that none is missed that moves on meanwhile: its items are rendered, a
      // worker is about to take it, it is done.
      const rendering = await queue.getJobs("waiting-children", 0, MAX_LISTED - 1);
      const rendered = await queue.getJobs(["wait", "active"], 0, MAX_LISTED - 1, true);
      const done = await queue.getJobs("completed", 0, MAX_LISTED - 1);
      const byId = new Map([...rendering, ...rendered, ...done].map((job) => [job?.id, job]));
      const newest = [...byId.values()]
        .filter((job) => job?.name === BATCH)
        .sort((a, b) => b.timestamp - a.timestamp)
        .slice(0, limit);
      const found = await Promise.all(
        newest.map(async (job) => [job.id ?? "", await progressOf(job)] as const),
      );
      return found.filter((entry): entry is [string, OwnProgress] => entry[1] !== undefined);
    },
  };

  async function progressOf(batch: Job): Promise<OwnProgress | undefined> {
    if (batch.name !== BATCH) return undefined;
    const { queue } = await connected();
    const { endpoints, refused } = batch.data as Parent;
    // Queued by an older version: whose it is cannot be known.
    if (!endpoints) return undefined;
    const counts = await batch.getDependenciesCount({
      processed: true,
      unprocessed: true,
      ignored: true,
      failed: true,
    });
    const { processed = 0, unprocessed = 0, ignored = 0, failed = 0 } = counts;
    const errors = ignored > 0 ? await failures(batch, queue) : [];
    const progress = {
      total: processed + unprocessed + ignored + failed + refused.length,
      done: processed,
      failed: ignored + failed + refused.length,
      errors: [...refused, ...errors].slice(0, MAX_ERRORS),
    };
    return { endpoints, added: batch.timestamp, progress };
  }

  return {
    ...redis,
    async close(): Promise<void> {
      await (await opened?.catch(() => undefined))?.close();
    },
  };

  async function failures(
    batch: Job,
    queue: { getJob(id: string): Promise<Job | undefined> },
  ): Promise<Failure[]> {
    const reasons = Object.entries(await batch.getIgnoredChildrenFailures()).slice(0, MAX_ERRORS);
    return await Promise.all(
      reasons.map(async ([key, reason]) => {
        const item = await queue.getJob(key.slice(key.lastIndexOf(":") + 1));
        const [, code = "EINTERNAL", message = reason] = /^(E[A-Z]+|UNIDENTIFIED): (.*)$/s.exec(reason) ?? [];
        return { url: (item?.data as Item | undefined)?.url ?? "", code, message };
      }),
    );
  }
}

export type RedisQueue = ReturnType<typeof createRedisQueue>;

export interface WorkOptions extends RedisOptions {
  readonly make: MakeItem;
  /** Items at once. */
  readonly concurrency: number;
  readonly logger: PluginApi["logger"];
}

/** Takes items from the queue and renders them until the signal; then finishes the running ones. */
export async function work(options: WorkOptions, signal: AbortSignal): Promise<void> {
  const { url, name, make, concurrency, takeOver, logger } = options;
  const { UnrecoverableError, Worker } = await bullmq();

  async function process(job: Job): Promise<void> {
    if (job.name !== ITEM) return;
    const item = job.data as Item;
    const started = performance.now();
    try {
      await make(item, new AbortController().signal);
      logger.info({ url: item.url, ms: Math.round(performance.now() - started) }, "a URL was rendered");
    } catch (error) {
      const { code, message } = failureOf(item.url, error);
      const isLast = !isTransient(error) || job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
      logger[isLast ? "warn" : "info"](
        { url: item.url, code, ...(code === "EINTERNAL" && { err: error }) },
        isLast ? "a URL could not be rendered" : "a URL could not be rendered yet",
      );
      const text = `${code}: ${message}`;
      throw isTransient(error) ? new Error(text) : new UnrecoverableError(text);
    }
  }

  const worker = new Worker(name, process, {
    connection: { url, maxRetriesPerRequest: null },
    prefix: "mediatap",
    concurrency,
    lockDuration: takeOver,
    stalledInterval: takeOver,
    maxStalledCount: MAX_LOST_WORKERS,
  });
  worker.on("error", (err) =>
    logger.warn({ reason: err.message || codeOf(err) }, "the Redis of the queue failed"),
  );
  worker.on("stalled", (job) => logger.warn({ job }, "a worker was lost, its job is reassigned"));
  try {
    await ready(worker.waitUntilReady());
  } catch {
    await worker.close(true).catch(() => {});
    throw unreachable();
  }
  logger.info({ queue: name, concurrency }, "this worker is ready");
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await worker.close();
}

async function ready(connected: Promise<unknown>): Promise<void> {
  connected.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("late")), CONNECT_TIMEOUT_MS);
  });
  await Promise.race([connected, timedOut]).finally(() => clearTimeout(timer));
}

const unreachable = () => new MediaError("EBUSY", "The queue cannot be reached", { retryAfterSeconds: 5 });
