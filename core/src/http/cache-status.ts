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
  const left = freshFor ?? cache.freshFor;
  const isKept = cache.hit || cache.stored || cache.forward === "stale";
  const detail = cache.cache ?? (cache.revalidated ? "revalidated" : undefined);
  return [
    "mediatap",
    cache.hit ? "hit" : `fwd=${cache.forward ?? "miss"}`,
    cache.stored ? "stored" : undefined,
    cache.collapsed ? "collapsed" : undefined,
    cache.hit || cache.forwardStatus === undefined ? undefined : `fwd-status=${cache.forwardStatus}`,
    isKept && left !== undefined ? `ttl=${Math.floor(left / 1000)}` : undefined,
    key === undefined ? undefined : `key="${key}"`,
    detail === undefined ? undefined : `detail=${itemOf(detail)}`,
  ]
    .filter((part) => part !== undefined)
    .join("; ");
}

/** A token where it may be one, else a string (RFC 9651 §3.3.3–3.3.4). */
function itemOf(text: string): string {
  if (/^[A-Za-z*][\w!#$%&'*+.^`|~:/-]*$/.test(text)) return text;
  return `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
