import assert from "node:assert/strict";
import { pino } from "pino";
import { type CacheQuery, createCache, createNegativeCache } from "../../src/cache/cache.ts";
import { createTier, type Tier } from "../../src/cache/tier.ts";
import type { RenditionRecord } from "../../src/model/rendition.ts";
import { bodyWith, fakeClock, mapBackend, newMetadata, newStore } from "./support.ts";

const signal = new AbortController().signal;

/** A cache of a tier in memory and one on the network, which is given first; each over a Map. */
function twoTiers() {
  const clock = fakeClock();
  const tiers = (["network", "memory"] as const).map(
    (tier): { tier: Tier; store: ReturnType<typeof newStore> } => {
      const store = newStore();
      const options = { tier, maxEntryBytes: 1_000, ...(tier === "network" && { timeout: 60_000 }) };
      const log = pino({ level: "silent" });
      const parts = {
        backend: mapBackend(store),
        options,
        log,
        clock,
        cooldown: 5_000,
        isPurged: () => false,
      };
      return { tier: createTier({ name: `cache-${tier}`, ...parts }), store };
    },
  );
  const [far, near] = tiers as [(typeof tiers)[0], (typeof tiers)[0]];
  const failures = createNegativeCache();
  const cache = createCache({ isUsed: true, failures, now: () => 0 });
  cache.open([far.tier, near.tier]);
  const judge = ({ freshUntil }: RenditionRecord) => (freshUntil > clock.now() ? "fresh" : "stale");
  const find = async (key: string, more: Partial<CacheQuery> = {}) =>
    cache.find({ key, body: "wanted", client: { signal }, judge, ...more });
  return { cache, clock, far, near, failures, find };
}

const fresh = (metadata: RenditionRecord, cache: string) => ({ key: metadata.key, cache });
const seen = (result: Awaited<ReturnType<ReturnType<typeof twoTiers>["find"]>>) =>
  result.found && { key: result.found.metadata.key, cache: result.found.cache };

describe("a lookup in the tiers of the cache", () => {
  it("begins with the nearest, and stores in all", async () => {
    const { cache, clock, far, near, find } = twoTiers();
    const metadata = newMetadata(clock);
    await cache.store(metadata, bodyWith("bytes"));
    assert.deepEqual([far.store.entries.size, near.store.entries.size], [1, 1]);
    assert.deepEqual(seen(await find(metadata.key)), fresh(metadata, "cache-memory"));
  });

  it("fills the tiers that were searched and did not have the entry, and no other", async () => {
    const { clock, far, near, find } = twoTiers();
    const metadata = newMetadata(clock);
    await far.tier.put(metadata, bodyWith("bytes"), 0);
    const result = await find(metadata.key);
    assert.deepEqual(seen(result), fresh(metadata, "cache-network"));
    assert.equal(near.store.entries.size, 0);
    if (result.found) await result.fill(result.found);
    assert.deepEqual(seen(await find(metadata.key)), fresh(metadata, "cache-memory"));
    assert.equal(far.store.entries.size, 1);
  });

  it("passes over a stale entry if a farther tier has a fresh one", async () => {
    const { clock, far, near, find } = twoTiers();
    const metadata = newMetadata(clock);
    await near.tier.put({ ...metadata, freshUntil: clock.now() }, bodyWith("old"), 0);
    await far.tier.put(metadata, bodyWith("new"), 0);
    assert.deepEqual(seen(await find(metadata.key)), fresh(metadata, "cache-network"));
  });

  it("gives the nearest stale entry, one with a body before one without", async () => {
    const { clock, far, near, find } = twoTiers();
    const stale = newMetadata(clock, { freshUntil: clock.now() });
    await near.tier.put(stale, undefined, 0);
    assert.equal((await find(stale.key)).stale?.body, undefined);
    await far.tier.put(stale, bodyWith("far"), 0);
    const result = await find(stale.key);
    assert.equal(result.found, undefined);
    assert.equal(result.stale?.body?.length, 3);
  });

  it("passes over metadata alone if the body is required", async () => {
    const { clock, far, near, find } = twoTiers();
    const metadata = newMetadata(clock);
    await near.tier.put(metadata, undefined, 0);
    await far.tier.put(metadata, bodyWith("bytes"), 0);
    assert.equal(seen(await find(metadata.key))?.cache, "cache-memory");
    assert.equal(seen(await find(metadata.key, { body: "required" }))?.cache, "cache-network");
  });

  it("finds nothing in an entry that is unusable", async () => {
    const { cache, clock, find } = twoTiers();
    const metadata = newMetadata(clock);
    await cache.store(metadata, bodyWith("bytes"));
    const { found, stale } = await find(metadata.key, { judge: () => "unusable" });
    assert.deepEqual([found, stale], [undefined, undefined]);
  });
});

describe("a failure in the cache", () => {
  const failure = (metadata: RenditionRecord, outage: boolean): RenditionRecord => ({
    ...metadata,
    error: { code: "ENOENT", message: "missing", status: 404, ...(outage && { outage }) },
  });

  it("is found until it is no longer fresh, and replaces what was stored", async () => {
    const { cache, clock, far, near, find } = twoTiers();
    const metadata = newMetadata(clock);
    await cache.store(metadata, bodyWith("bytes"));
    await cache.store(failure(metadata, false), undefined);
    assert.equal((await find(metadata.key)).found?.metadata.error?.status, 404);
    assert.deepEqual([far.store.entries.size, near.store.entries.size], [0, 0]);
    clock.pass(3_600_000);
    assert.equal((await find(metadata.key)).found, undefined);
  });

  it("keeps the entry that was stored if it is an outage", async () => {
    const { cache, clock, near, find } = twoTiers();
    const metadata = newMetadata(clock);
    await cache.store(metadata, bodyWith("bytes"));
    await cache.store(failure(metadata, true), undefined);
    assert.equal((await find(metadata.key)).found?.metadata.error?.outage, true);
    assert.equal(near.store.entries.size, 1);
  });

  it("ends with a rendition, and with a purge that matches it", async () => {
    const { cache, clock, failures, find } = twoTiers();
    const metadata = newMetadata(clock);
    await cache.store(failure(metadata, false), undefined);
    await cache.store(metadata, bodyWith("bytes"));
    assert.equal((await find(metadata.key)).found?.metadata.error, undefined);
    await cache.store(failure(metadata, false), undefined);
    failures.purge({ kind: "key", value: "another", id: "1", sequence: 1 });
    assert.equal((await find(metadata.key)).found?.metadata.error?.status, 404);
    failures.purge({ kind: "key", value: metadata.key, id: "2", sequence: 2 });
    assert.equal((await find(metadata.key)).found, undefined);
  });
});
