import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import type { Bans } from "../cache/purge-rules.ts";
import { MediaError } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import type { LimitsOf } from "../model/limits.ts";
import type { Obtained } from "../model/rendition.ts";
import { wholeAndKept } from "../work/complete.ts";
import { errorOf } from "../work/failed.ts";
import type { RenderRequest } from "../work/render.ts";
import { coalescedBy, type Renders } from "../work/renders.ts";
import type { Lookup } from "./lookup.ts";
import { isOriginFailure, type Remember } from "./negative.ts";
import type { Resolve } from "./resolve.ts";

export interface BehindParts {
  readonly bans: Bans;
  readonly limitsOf: LimitsOf;
  readonly log: Logger;
  readonly complete: Resolve["complete"];
  readonly lookupWhole: Lookup["lookupWhole"];
  readonly engines: string;
  readonly renders: Renders;
  readonly remember: Remember;
}

export type Behind = ReturnType<typeof createBehind>;

/** The way of work that no request waits for. */
export function createBehind(parts: BehindParts) {
  const { bans, limitsOf, log, complete, lookupWhole, renders, remember } = parts;
  /** Work that failed behind an answer a moment ago. */
  const resting = new LRUCache<string, true>({ max: 10_000 });

  /** Asks behind an answer whether what was served still holds; one at a time, and not again at once where that fails. */
  function revalidate(request: RenderRequest): void {
    const { job, key } = request;
    const { key: name } = coalescedBy(request, parts);
    if (renders.isRunning(request) || resting.has(name)) return;
    const since = bans.now();
    renders
      .run(request, new AbortController().signal, { background: true })
      .then((made) => made.body?.close?.())
      .catch((error: unknown) => {
        resting.set(name, true, { ttl: Math.max(1, limitsOf(job.asset.tenant).failureLifetime) });
        log.debug({ err: error, key }, "revalidating a rendition in the background failed");
        if (!isOriginFailure(error)) remember(key, job, error, since);
      });
  }

  /** Makes a rendition for the caches, whatever they have. */
  async function make(asked: Job, signal: AbortSignal): Promise<void> {
    const request = { ...complete(asked), trusted: true };
    await renders.run(request, signal);
  }

  /** A rendition from a cache, else made; resolves once caches have been handed it whole. */
  async function obtain(asked: Job, signal: AbortSignal): Promise<Obtained> {
    const { job, key } = complete(asked);
    if (job.problem) throw new MediaError(job.problem.code, job.problem.message);
    const { found, error, stale } = await lookupWhole(key);
    if (error) throw errorOf(error);
    if (found) return { ...found, hit: true };
    const request: RenderRequest = { job, key, trusted: true, ...(stale?.body ? { stale } : {}) };
    const since = bans.now();
    try {
      const made = await renders.run(request, signal);
      return { ...(await wholeAndKept(made, signal)), hit: false };
    } catch (failure) {
      if (!signal.aborted) remember(key, job, failure, since);
      throw failure;
    }
  }

  return { revalidate, make, obtain };
}
