import type { CacheContents } from "../plugin/cache-backend.ts";
import type { Metric, PluginApi } from "../plugin/plugin.ts";

export interface MeasuredCache {
  readonly cache: string;
  /** All workers use the same one. @default false */
  readonly shared?: boolean;
  /** `undefined`: it is not known yet. */
  readonly read: () => CacheContents | undefined;
}

/** Reports what a cache contains, under the names that all caches have in common. Call in `apply`. */
export function measureCache(
  api: Pick<PluginApi, "metric">,
  { cache, shared = false, read }: MeasuredCache,
): void {
  const add = (name: string, help: string, type: Metric["type"], value: keyof CacheContents) =>
    api.metric({
      name,
      help,
      type,
      // Each process removes some.
      shared: shared && type === "gauge",
      read: () => {
        const found = read()?.[value];
        return found === undefined ? [] : [[{ cache }, found]];
      },
    });
  add("cache_bytes", "Bytes that a cache holds.", "gauge", "bytes");
  add("cache_max_bytes", "Bytes that a cache may hold.", "gauge", "maxBytes");
  add("cache_entries", "Entries that a cache holds.", "gauge", "entries");
  add("cache_evictions_total", "Entries that a cache removed to make room.", "counter", "evictions");
}
