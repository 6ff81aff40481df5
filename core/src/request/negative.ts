import type { Cache } from "../cache/cache.ts";
import { errorLifetime, errorRecord } from "../cache/entry.ts";
import type { PurgeRules } from "../cache/purge-rules.ts";
import { lifetimeOf } from "../model/control.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import { isChanged, isMediaError } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import type { LimitsOf } from "../model/limits.ts";
import type { OriginEntry } from "../origin/entry.ts";
import { isLoopFailure } from "../origin/loop.ts";

export interface CacheFailureParts {
  readonly cache: Pick<Cache, "isUsed" | "store">;
  readonly purgeRules: Pick<PurgeRules, "isPurged">;
  readonly engines: string;
  readonly limitsOf: LimitsOf;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly origins: ReadonlyMap<string, OriginEntry>;
}

export type CacheFailure = ReturnType<typeof createCacheFailure>;

/** Stores failures in the negative cache: an origin that is down is not asked again for every request. */
export function createCacheFailure({
  cache,
  endpoints,
  origins,
  limitsOf,
  engines,
  purgeRules,
}: CacheFailureParts) {
  /** `since`: when the work that failed began. */
  return function cacheFailure(key: string, job: Job, error: unknown, since: number): void {
    if (
      !isMediaError(error) ||
      error.status >= 500 ||
      isChanged(error) ||
      isLoopFailure(error) ||
      !cache.isUsed
    )
      return;
    const endpoint = endpoints.get(endpointId(job.asset));
    const lifetimes =
      endpoint?.origins.map((name) => origins.get(name)?.storage.freshFor ?? Number.POSITIVE_INFINITY) ?? [];
    // In an outage the failure is stored, even if a success would be revalidated each time.
    const success = error.outage || !endpoint ? Number.POSITIVE_INFINITY : lifetimeOf(endpoint.cacheControl);
    const lifetime = Math.min(errorLifetime(error, limitsOf(job.asset.tenant)), success, ...lifetimes);
    if (lifetime <= 0) return;
    const tags = endpoint && endpoint.tags.length > 0 ? { tags: endpoint.tags } : {};
    const record = { ...errorRecord(key, job.asset, engines, error, lifetime), ...tags };
    if (!purgeRules.isPurged(record, since)) void cache.store(record, undefined, since);
  };
}

/** A failure of an origin other than "not here" and "denied": a stale copy serves better than it. */
export function isOriginFailure(error: unknown): boolean {
  return isMediaError(error) && ["ECONNREFUSED", "UNIDENTIFIED", "ETIMEDOUT", "EBUSY"].includes(error.code);
}
