import { hash } from "node:crypto";
import { type BackgroundWork, codeOf, MediaError, type PluginApi } from "@mediatap/core";
import { withTimeout } from "@mediatap/core/cache";
import type { Queue } from "bullmq";
import { type Outcome, parseOutcome, type QueuedWork } from "./messages.ts";

export interface ClientParts {
  readonly url: string;
  /** Of the queue. */
  readonly name: string;
  /** Jobs for which the process waits at once. */
  readonly waiting: number;
  /** Milliseconds that a job waits for a worker. */
  readonly wait: number;
  /** Milliseconds without Redis after a failure. */
  readonly cooldown: number;
  readonly logger: PluginApi["logger"];
}

/** Timeout of Redis in milliseconds; no request waits for it. */
const REDIS_TIMEOUT_MS = 2_000;

/** Milliseconds between two checks of pending jobs: events can be lost, and workers can die. */
const CHECK_INTERVAL_MS = 1_000;

/** Milliseconds for which the number of workers is cached. */
const WORKERS_LIFETIME_MS = 1_000;

/** Milliseconds for which a job that has lost two workers is not queued again. */
const GIVEN_UP_LIFETIME_MS = 10 * 60_000;

/** Failed jobs that Redis keeps. */
const MAX_FAILED = 1_000;

/** `undefined`: the server does the work itself. */
type Result = true | undefined;

interface Pending {
  readonly result: PromiseWithResolvers<Result>;
  readonly started: number;
  /** It is in the queue. */
  isQueued: boolean;
}

/** Adds work to the queue, and waits for it. Connects on first use: BullMQ has hundreds of modules. */
export function createClient({ url, name, waiting, wait, cooldown, logger }: ClientParts) {
  const pending = new Map<string, Pending>();
  let opened: ReturnType<typeof open> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  let counted: { readonly at: number; readonly workers: Promise<number> } | undefined;
  let isOtherReported = false;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function open() {
    const { Queue, QueueEvents } = await import("bullmq");
    const settings = { prefix: "mediatap" };
    const queue = new Queue<QueuedWork>(name, {
      ...settings,
      connection: { url, enableOfflineQueue: false, maxRetriesPerRequest: 1 },
    });
    const events = new QueueEvents(name, { ...settings, connection: { url, maxRetriesPerRequest: null } });
    queue.on("error", onError);
    events.on("error", onError);
    events.on("completed", ({ jobId, returnvalue }) => finish(jobId, returnvalue));
    events.on("failed", ({ jobId }) => giveUp(jobId));
    queue.waitUntilReady().catch(() => {});
    events.waitUntilReady().catch(() => {});
    return { queue, events };
  }

  function onError(error: Error): void {
    logger.debug({ reason: error.message || codeOf(error) }, "the Redis of the queue failed");
  }

  /** Runs a command. After a failure Redis gets none until the cooldown ends. */
  async function ask<T>(command: (queue: Queue<QueuedWork>) => Promise<T>): Promise<T> {
    opened ??= open();
    const work = opened.then(async ({ queue }) => {
      await queue.waitUntilReady();
      return await command(queue);
    });
    try {
      return await withTimeout(REDIS_TIMEOUT_MS, work);
    } catch (error) {
      if (!isCoolingDown() && !isClosed) {
        const reason = (error as Error).message || codeOf(error);
        logger.warn(
          { reason },
          "the Redis of the queue cannot be reached: this server does background work itself",
        );
      }
      failedAt = performance.now();
      throw error;
    }
  }

  const isCoolingDown = () => performance.now() - failedAt < cooldown;

  function workers(maxAge = 0): Promise<number> {
    if (!counted || performance.now() - counted.at >= maxAge) {
      counted = { workers: ask((queue) => queue.getWorkersCount()), at: performance.now() };
    }
    return counted.workers;
  }

  async function add(id: string, work: QueuedWork): Promise<void> {
    if ((await workers(WORKERS_LIFETIME_MS)) === 0) {
      resolvePending(id, undefined);
      return;
    }
    const known = await ask((queue) => queue.getJob(id));
    if (known?.failedReason !== undefined && known.finishedOn !== undefined) {
      if (Date.now() - known.finishedOn < GIVEN_UP_LIFETIME_MS) {
        rejectPending(id, givenUp());
        return;
      }
      await ask(() => known.remove());
    }
    const keep = {
      removeOnComplete: true,
      removeOnFail: { age: GIVEN_UP_LIFETIME_MS / 1000, count: MAX_FAILED },
    };
    await ask((queue) => queue.add("render", work, { jobId: id, attempts: 1, ...keep }));
    const one = pending.get(id);
    if (one) one.isQueued = true;
  }

  function finish(id: string, returned: unknown): void {
    if (!pending.has(id)) return;
    const { error, isOther } = outcomeOf(returned);
    if (isOther && !isOtherReported) {
      isOtherReported = true;
      logger.warn("a worker has another configuration: its results are of no use here");
    }
    // A busy worker is no result of the work.
    if (isOther || error?.code === "EBUSY") resolvePending(id, undefined);
    else if (error) rejectPending(id, new MediaError(error.code, error.message, error));
    else resolvePending(id, true);
  }

  function outcomeOf(returned: unknown): Outcome {
    try {
      return parseOutcome(returned);
    } catch (err) {
      logger.warn({ err }, "a worker sent an unexpected result");
      return { isOther: true };
    }
  }

  /** Work that has crashed two workers would also crash this server. */
  function giveUp(id: string): void {
    if (!pending.has(id)) return;
    logger.warn({ job: id }, "a job has failed on the workers and is not repeated");
    rejectPending(id, givenUp());
  }

  function rejectPending(id: string, error: MediaError): void {
    pending.get(id)?.result.reject(error);
    pending.delete(id);
  }

  function resolvePending(id: string, result: Result): void {
    pending.get(id)?.result.resolve(result);
    pending.delete(id);
  }

  /** Ends the wait for jobs that no worker will do. */
  async function check(): Promise<void> {
    const queued = [...pending].filter(([, { isQueued }]) => isQueued);
    if (queued.length === 0) return;
    try {
      const count = await workers();
      await Promise.all(queued.map(([id, one]) => checkJob(id, one, count)));
    } catch {
      for (const [id] of queued) resolvePending(id, undefined);
    }
  }

  async function checkJob(id: string, { started }: Pending, workers: number): Promise<void> {
    const state = await ask((queue) => queue.getJobState(id));
    const isTimedOut = workers === 0 || performance.now() - started > wait;
    if (state === "failed") giveUp(id);
    // Completed jobs are removed; the event was lost.
    else if (state === "unknown" || state === "completed") resolvePending(id, true);
    else if (state === "active" ? workers === 0 : isTimedOut) {
      // A job that a worker has taken meanwhile is locked, and stays.
      const removed = await ask((queue) => queue.remove(id));
      if (removed > 0 || state === "active") resolvePending(id, undefined);
    }
  }

  function watch(): void {
    if (timer || isClosed) return;
    timer = setTimeout(async () => {
      await check();
      timer = undefined;
      if (pending.size > 0) watch();
    }, CHECK_INTERVAL_MS);
    timer.unref();
  }

  return {
    /** Resolves with `true` once a worker has done it; with `undefined` if this process is to do it. */
    async run({ job, key, trusted, since }: BackgroundWork, signal: AbortSignal): Promise<Result> {
      const id = hash("sha256", JSON.stringify([key, trusted, since]), "base64url");
      const known = pending.get(id);
      if (known) return await orAborted(known.result.promise, signal);
      if (isClosed || isCoolingDown() || pending.size >= waiting) return undefined;
      const one: Pending = { result: Promise.withResolvers(), started: performance.now(), isQueued: false };
      one.result.promise.catch(() => {});
      pending.set(id, one);
      watch();
      add(id, { job, key, trusted }).catch(() => resolvePending(id, undefined));
      return await orAborted(one.result.promise, signal);
    },
    /** Workers that are connected. */
    workers: () => workers(),
    /** Jobs in the queue by their states. Throws if Redis cannot be reached. */
    async counts(): Promise<{ waiting: number; active: number; failed: number }> {
      const {
        wait = 0,
        active = 0,
        failed = 0,
      } = await ask((queue) => queue.getJobCounts("wait", "active", "failed"));
      return { waiting: wait, active, failed };
    },
    async close(): Promise<void> {
      isClosed = true;
      clearTimeout(timer);
      for (const id of [...pending.keys()])
        rejectPending(id, new MediaError("ETIMEDOUT", "The server stopped"));
      const connection = await opened?.catch(() => undefined);
      if (!connection) return;
      const { queue, events } = connection;
      await withTimeout(REDIS_TIMEOUT_MS, Promise.all([queue.close(), events.close()])).catch(() => {});
    },
  };
}

const givenUp = () => new MediaError("EINTERNAL", "Internal error");

export type QueueClient = ReturnType<typeof createClient>;

/** Waits for work until the signal aborts; the work itself continues. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
