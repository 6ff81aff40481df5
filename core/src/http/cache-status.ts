import type { CacheOutcome } from "../model/exchange.ts";

interface Status {
  readonly cache: CacheOutcome | undefined;
  /** Milliseconds for which the response is still fresh here; below zero: it is stale. */
  readonly freshFor?: number | undefined;
  /** Left out: it is not configured that responses name it. */
  readonly key?: string | undefined;
}

/**
 * `Cache-Status` (RFC 9211): `hit` and `fwd` exclude each other; a `ttl` below zero means served past its time. The
 * parameter `detail` names the cache that had it, or is `revalidated` if the stored entry was revalidated.
 */
export function cacheStatus({ cache, freshFor, key }: Status): string {
  if (!cache) return "mediatap; fwd=bypass";
  const { hit, forward, forwardStatus, stored } = cache;
  const left = freshFor ?? cache.freshFor;
  const detail = cache.cache ?? (cache.revalidated ? "revalidated" : undefined);
  let status = hit ? "mediatap; hit" : `mediatap; fwd=${forward ?? "miss"}`;
  if (stored) status += "; stored";
  if (cache.collapsed) status += "; collapsed";
  if (!hit && forwardStatus !== undefined) status += `; fwd-status=${forwardStatus}`;
  if ((hit || stored || forward === "stale") && left !== undefined)
    status += `; ttl=${Math.floor(left / 1000)}`;
  if (key !== undefined) status += `; key="${key}"`;
  if (detail !== undefined) status += `; detail=${itemOf(detail)}`;
  return status;
}

/** A token if it can be one, else a string (RFC 9651 §3.3.3–3.3.4). */
function itemOf(text: string): string {
  if (/^[A-Za-z*][\w!#$%&'*+.^`|~:/-]*$/.test(text)) return text;
  return `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
