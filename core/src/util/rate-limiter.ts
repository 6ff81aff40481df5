import { LRUCache } from "lru-cache";
import { type Clock, systemClock } from "./clock.ts";
import { atMost } from "./entries.ts";
import type { MaybePromise } from "./maybe.ts";

/** Limits how often something happens per key. */
export interface RateLimiter {
  /**
   * Counts one event of a key, of which `perMinute` are allowed in a minute. Returns 0, or the milliseconds after which the next one is
   * allowed; then nothing is counted.
   */
  take(key: string, perMinute: number): MaybePromise<number>;
}

const MINUTE_MS = 60_000;

/** Keys in memory at most, some 10 MB; the one that was used least recently begins again. */
const MAX_KEYS = 50_000;

/**
 * The generic cell rate algorithm (ITU-T I.371): one time for each key, at which all of its events would be due if they came evenly. A
 * minute's worth may come at once.
 */
export function createRateLimiter(
  clock: Pick<Clock, "monotonic"> = systemClock,
  { maxKeys = MAX_KEYS } = {},
) {
  const dueTimes = new LRUCache<string, number>(atMost(maxKeys));
  return {
    take(key: string, perMinute: number): number {
      const now = clock.monotonic();
      const interval = MINUTE_MS / perMinute;
      const due = Math.max(now, dueTimes.get(key) ?? now) + interval;
      const wait = due - now - MINUTE_MS;
      // Sums of intervals are not exact.
      if (wait > 1e-6) return wait;
      dueTimes.set(key, due);
      return 0;
    },
  } satisfies RateLimiter;
}
