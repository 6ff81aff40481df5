import { buffer } from "node:stream/consumers";
import { bodyOf, type Plugin } from "@mediatap/core";
import { type CacheEntry, matchesRule } from "@mediatap/core/cache";

/** Renditions in a map. Replace it by your place; everything else about caching is done by the core. */
export function cacheExample(): Plugin {
  return {
    name: "cache-example",
    version: "0.1.0",
    apiVersion: 1,
    apply({ cache }) {
      cache({
        tier: "memory",
        settings: {},
        maxEntryBytes: 10_000_000,
        open() {
          const entries = new Map<string, CacheEntry>();
          return {
            get: (key) => entries.get(key),
            async put(key, metadata, body) {
              const before = entries.get(key);
              const same = before?.metadata.etag === metadata.etag ? before?.body : undefined;
              const stored = body ? bodyOf(await buffer(await body.stream())) : same;
              entries.set(key, { metadata, ...(stored && { body: stored }) });
            },
            delete: (key) => void entries.delete(key),
            deleteMatching(rule) {
              for (const [key, { metadata }] of entries) if (matchesRule(metadata, rule)) entries.delete(key);
            },
          };
        },
      });
    },
  };
}

export default cacheExample;
