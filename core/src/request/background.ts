import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import type { PurgeRules } from "../cache/purge-rules.ts";
import { MediaError } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import type { LimitsOf } from "../model/limits.ts";
import type { Obtained } from "../model/rendition.ts";
import type { CacheState } from "../plugin/cache-state.ts";
import { atMost } from "../util/entries.ts";
import { completeAndStored } from "../work/complete.ts";
import { errorOf } from "../work/failed.ts";
import type { RenderRequest } from "../work/render.ts";
import { coalescedBy, type Renders } from "../work/renders.ts";
import type { Lookup } from "./lookup.ts";
import { type CacheFailure, isOriginFailure } from "./negative.ts";
import type { Offload } from "./offload.ts";
import type { Resolve } from "./resolve.ts";

export interface BackgroundParts {
  readonly purgeRules: PurgeRules;
  readonly limitsOf: LimitsOf;
  readonly log: Logger;
  readonly complete: Resolve["complete"];
  readonly lookupComplete: Lookup["lookupComplete"];
  readonly peek: Lookup["peek"];
  readonly engines: string;
  readonly renders: Renders;
  readonly cacheFailure: CacheFailure;
  readonly offload: Offload;
}

export type Background = ReturnType<typeof createBackground>;

/** Work that no request waits for. */
export function createBackground(parts: BackgroundParts) {
  const { purgeRules, limitsOf, log, complete, lookupComplete, peek, renders, cacheFailure, offload } = parts;
  /** Revalidations that failed a moment ago. */
  const coolingDown = new LRUCache<string, true>(atMost(10_000));

  /** Revalidates what was served stale: one at a time, and not again at once if that fails. */
  function revalidate(request: RenderRequest): void {
    const { job, key } = request;
    const { key: name } = coalescedBy(request, parts);
    if (renders.isRunning(request) || coolingDown.has(name)) return;
    const since = purgeRules.now();
    renders
      .run(request, new AbortController().signal, { background: true })
      .then((rendered) => rendered.body?.close?.())
      .catch((error: unknown) => {
        coolingDown.set(name, true, { ttl: Math.max(1, limitsOf(job.asset.tenant).failureLifetime) });
        log.debug({ err: error, key }, "revalidating a rendition in the background failed");
        if (!isOriginFailure(error)) cacheFailure(key, job, error, since);
      });
  }

  /** Renders for the caches, whatever they have, when no client waits for other work. */
  async function make(requested: Job, signal: AbortSignal): Promise<void> {
    const request = { ...complete(requested), trusted: true, isBackground: true };
    const found = await offload(request, signal);
    if (found) await found.body.close?.();
    else await renders.run(request, signal);
  }

  /** A rendition from a cache, else rendered; resolves once it is complete and caches have it. */
  async function obtain(requested: Job, signal: AbortSignal, trusted: boolean): Promise<Obtained> {
    const { job, key } = valid(requested);
    const { found, error, stale } = await lookupComplete(key);
    if (error) throw errorOf(error);
    if (found) return { ...found, hit: true };
    const request: RenderRequest = { job, key, trusted, ...(stale?.body ? { stale } : {}) };
    const since = purgeRules.now();
    try {
      const offloaded = await offload(request, signal);
      if (offloaded) return { ...offloaded, hit: false };
      const rendered = await renders.run(request, signal);
      return { ...(await completeAndStored(rendered, signal)), hit: false };
    } catch (failure) {
      if (!signal.aborted) cacheFailure(key, job, failure, since);
      throw failure;
    }
  }

  /** What caches have of a rendition. */
  async function cached(requested: Job): Promise<CacheState["state"]> {
    const { state, error } = await peek(valid(requested).key);
    if (error) throw errorOf(error);
    return state;
  }

  /** Throws what is wrong with a job. */
  function valid(requested: Job) {
    const completed = complete(requested);
    const { problem } = completed.job;
    if (problem) throw new MediaError(problem.code, problem.message);
    return completed;
  }

  return { revalidate, make, obtain, cached };
}
