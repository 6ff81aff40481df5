import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import type { Plugin } from "@mediatap/core";
import type { CacheBackend, PurgeRule, StoredMetadata } from "@mediatap/core/cache";
import { describeCache } from "@mediatap/test";
import { failuresOf } from "../../helpers/failures.ts";

/** What a backend does instead: the methods that differ, and the backend below them. */
type Change = (backend: CacheBackend) => Partial<CacheBackend>;

/** A plugin whose cache backend does something else: a mutant. */
function mutated(plugin: Plugin, change: Change): Plugin {
  return {
    ...plugin,
    apply(api) {
      plugin.apply({
        ...api,
        cache(registration) {
          assert(!registration.originals);
          api.cache({
            ...registration,
            open(runtime) {
              const backend = registration.open(runtime);
              return { ...backend, ...change(backend) };
            },
          });
        },
      });
    },
  };
}

const metadata =
  (change: (metadata: StoredMetadata) => StoredMetadata): Change =>
  (backend) => ({ put: (key, stored, body) => backend.put(key, change(stored), body) });
const purge =
  (change: (rule: PurgeRule) => PurgeRule | undefined): Change =>
  (backend) => ({
    deleteMatching(rule) {
      const other = change(rule);
      return other && backend.deleteMatching?.(other);
    },
  });

const MUTANTS: Readonly<Record<string, Change>> = {
  "has nothing": () => ({ get: () => undefined }),
  "stores nothing": () => ({ put: () => {} }),
  "forgets that a record is private": metadata((stored) => ({ ...stored, private: false })),
  "forgets sources": metadata((stored) => ({ ...stored, sources: stored.sources.slice(0, 1) })),
  "loses bodies": (backend) => ({ put: (key, stored) => backend.put(key, stored, undefined) }),
  "mixes up keys": (backend) => ({
    get: (key, options) => backend.get(key.toLowerCase(), options),
    put: (key, stored, body) => backend.put(key.toLowerCase(), stored, body),
  }),
  "keeps an old body under a new entity tag": (backend) => {
    const bodies = new Map<string, Parameters<CacheBackend["put"]>[2]>();
    return {
      put(key, stored, body) {
        if (body) bodies.set(key, body);
        return backend.put(key, stored, body ?? bodies.get(key));
      },
    };
  },
  "cannot delete": () => ({ delete: () => {} }),
  "cannot be purged": purge(() => undefined),
  "hears no purges of tags": purge((rule) => (rule.kind === "tag" ? undefined : rule)),
  "purges for others": purge(({ tenant: _, ...rule }) => rule),
  "purges everything": purge((rule) => ({ ...rule, kind: "all" })),
};

describe("describeCache", () => {
  const suite = (change: Change) => () =>
    describeCache("mutant", () => ({
      plugin: mutated(cacheMemory(), change),
      small: (maxBytes) => mutated(cacheMemory({ maxBytes }), change),
    }));

  it("passes a cache that keeps every promise", async () => {
    assert.deepEqual(await failuresOf(suite(() => ({}))), []);
  });

  for (const [what, change] of Object.entries(MUTANTS)) {
    it(`fails a cache that ${what}`, async () => {
      assert((await failuresOf(suite(change))).length > 0, "no test failed");
    });
  }
});
