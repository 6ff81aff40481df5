import type { CacheOutcome } from "../model/exchange.ts";

interface Told {
  readonly cache: CacheOutcome | undefined;
  /** Milliseconds for which the answer is still fresh here; below zero: it is stale. */
  readonly freshFor?: number | undefined;
  /** Named only where that is configured. */
  readonly key?: string | undefined;
}

/**
 * `Cache-Status` (RFC 9211): `hit` and `fwd` exclude each other; a `ttl` below zero means served past its time. The
 * parameter `detail` names the cache that answered, or says that the origin confirmed what was kept.
 */
export function cacheStatus({ cache, freshFor, key }: Told): string {
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

/** A token where it may be one, else a string (RFC 9651 §3.3.3–3.3.4). */
function itemOf(text: string): string {
  if (/^[A-Za-z*][\w!#$%&'*+.^`|~:/-]*$/.test(text)) return text;
  return `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
