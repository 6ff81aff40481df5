import type { Logger } from "pino";
import type { Cache } from "../cache/cache.ts";
import type { PurgeRules } from "../cache/purge-rules.ts";
import type { Hooks } from "../hooks.ts";
import { loopKey } from "../origin/loop.ts";
import type { RenderRequest } from "../work/render.ts";
import type { CompleteLookup, Lookup } from "./lookup.ts";

export interface OffloadParts {
  readonly hooks: Pick<Hooks, "background">;
  readonly cache: Pick<Cache, "isUsed">;
  readonly purgeRules: Pick<PurgeRules, "timeOfJob">;
  readonly log: Logger;
  readonly lookupComplete: Lookup["lookupComplete"];
}

/** Has work that no request waits for done by other processes. */
export function createOffload({ hooks, cache, purgeRules, log, lookupComplete }: OffloadParts) {
  let isReported = false;

  /** The result of another process, from the caches; `undefined`: this process is to do it. Rejects if the work failed there. */
  return async function offload(
    { job, key, trusted }: RenderRequest,
    signal: AbortSignal,
  ): Promise<CompleteLookup["found"]> {
    // What comes of work for a request that passed this server before depends on the request.
    if (!hooks.background.isUsed() || !cache.isUsed || loopKey() !== "") return undefined;
    const since = purgeRules.timeOfJob(job, key);
    const isDone = await hooks.background.promise({ job, key, trusted, since }, signal);
    if (!isDone) return undefined;
    const { found } = await lookupComplete(key);
    if (!found && !isReported && purgeRules.timeOfJob(job, key) === since) {
      isReported = true;
      log.warn({ key }, "the result of background work is in no cache: do the processes share one?");
    }
    return found;
  };
}

export type Offload = ReturnType<typeof createOffload>;
