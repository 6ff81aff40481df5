import { LRUCache } from "lru-cache";

const MINUTE = 60_000;

/** Counts requests by name, so many a minute; the headers are the service's: limit, milliseconds left, interval. */
export function createRate(perMinute: number) {
  const counts = new LRUCache<string, { count: number; readonly until: number }>({ max: 10_000 });
  return (name: string): { readonly over: boolean; readonly headers: Record<string, string> } => {
    const now = performance.now();
    let entry = counts.get(name);
    if (!entry || entry.until <= now) {
      entry = { count: 0, until: now + MINUTE };
      counts.set(name, entry);
    }
    entry.count++;
    return {
      over: entry.count > perMinute,
      headers: {
        "X-RateLimit-Limit": String(perMinute),
        "X-RateLimit-Reset": String(Math.ceil(entry.until - now)),
        "X-RateLimit-Interval": String(MINUTE),
      },
    };
  };
}
