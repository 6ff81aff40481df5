import { once } from "node:events";
import { codeOf, isMediaError, type PluginApi } from "@mediatap/core";
import { withTimeout } from "@mediatap/core/cache";
import type { Job } from "bullmq";
import { type Outcome, parseWork } from "./messages.ts";

export interface WorkParts {
  readonly url: string;
  /** Of the queue. */
  readonly name: string;
  /** Jobs at once. */
  readonly concurrency: number;
  /** Milliseconds after which the job of a silent worker is reassigned. */
  readonly takeOver: number;
  /** Milliseconds that running jobs have after the signal; then they are returned to the queue. */
  readonly drain: number;
  readonly obtain: PluginApi["jobs"]["obtain"];
  readonly logger: PluginApi["logger"];
}

/** How often a job can lose its worker and be reassigned; the next time it fails. */
const MAX_TAKE_OVERS = 1;

/** Milliseconds that a worker that stops waits for Redis after its last job. */
const CLOSE_TIMEOUT_MS = 5_000;

/** Takes jobs from the queue until the signal; then finishes the running ones or returns them. It waits for Redis during an outage. */
export async function work(parts: WorkParts, signal: AbortSignal): Promise<void> {
  const { url, name, concurrency, takeOver, drain, obtain, logger } = parts;
  const { Worker, WaitingError } = await import("bullmq");
  const stop = new AbortController();

  async function process(queued: Job, token?: string): Promise<Outcome> {
    const { job, key, trusted } = parseWork(queued.data);
    const started = performance.now();
    const note = { path: job.asset.path, ...(queued.stalledCounter > 0 && { takenOver: true }) };
    logger.debug(note, "a job begins");
    try {
      const { record, body } = await obtain(job, { signal: stop.signal, trusted });
      await body?.close?.();
      logger.info({ ...note, ms: Math.round(performance.now() - started) }, "a job is done");
      return record.key === key ? {} : { isOther: true };
    } catch (error) {
      if (stop.signal.aborted) {
        await queued.moveToWait(token);
        logger.info(note, "a job was returned to the queue");
        throw new WaitingError();
      }
      logger.warn({ ...note, err: error }, "a job failed");
      if (!isMediaError(error)) return { error: INTERNAL };
      const { code, message, status, outage } = error;
      return { error: { code, message, status, outage } };
    }
  }

  const worker = new Worker(name, process, {
    connection: { url, maxRetriesPerRequest: null },
    prefix: "mediatap",
    concurrency,
    lockDuration: takeOver,
    // An expired lock is noticed only by these checks.
    stalledInterval: Math.ceil(takeOver / 5),
    maxStalledCount: MAX_TAKE_OVERS,
  });
  let isUnavailable = false;
  worker.on("error", (error) => {
    const reason = error.message || codeOf(error);
    if (isUnavailable) logger.debug({ reason }, "the Redis of the queue failed");
    else logger.warn({ reason }, "the Redis of the queue failed");
    isUnavailable = true;
  });
  worker.on("stalled", (job) => logger.warn({ job }, "a worker was lost, its job is reassigned"));
  worker.on("ready", () => {
    isUnavailable = false;
    logger.info({ queue: name, concurrency }, "this worker is ready");
  });
  if (!signal.aborted) await once(signal, "abort");
  logger.info("finishing running jobs");
  const timer = setTimeout(() => stop.abort(), drain);
  await withTimeout(drain + CLOSE_TIMEOUT_MS, worker.close()).catch(() =>
    logger.warn("Redis does not respond: running jobs will be reassigned"),
  );
  clearTimeout(timer);
}

const INTERNAL = { code: "EINTERNAL", message: "Internal error", status: 500, outage: false } as const;
