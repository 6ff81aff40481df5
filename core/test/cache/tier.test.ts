import assert from "node:assert/strict";
import { pino } from "pino";
import { newRuleId } from "../../src/cache/journal-rule.ts";
import { createPurgeRules, type NewRule } from "../../src/cache/purge-rules.ts";
import { createTier, type Tier } from "../../src/cache/tier.ts";
import type { PurgeRule } from "../../src/model/purge-rule.ts";
import type { CacheBackend, CacheOptions } from "../../src/plugin/cache-backend.ts";
import { bodyWith, type FakeClock, fakeClock, mapBackend, newMetadata, newStore } from "./support.ts";

const COOLDOWN = 5_000;
const log = pino({ level: "silent" });
const signal = new AbortController().signal;

/** A process that uses a backend: its tier, and its purge rules. */
function processWith(backend: CacheBackend, clock: FakeClock, options: Partial<CacheOptions> = {}) {
  const rules = createPurgeRules();
  const tier = createTier({
    name: "cache-test",
    backend,
    options: { tier: "network", timeout: 60_000, maxEntryBytes: 1_000, ...options },
    log,
    clock,
    cooldown: COOLDOWN,
    isPurged: rules.isPurged,
  });
  async function carryOut(rule: NewRule) {
    const added = rules.add(rule);
    await tier.purge(added);
    rules.done(added);
  }
  return {
    tier,
    now: rules.now,
    /** Begins a purge here. Others hear of it when `hear` is called there with what this returns. */
    async purge(rule: PurgeRule): Promise<NewRule> {
      const announced = { ...rule, id: newRuleId(clock.now()) };
      await carryOut(announced);
      return announced;
    },
    hear: (announced: NewRule) => carryOut({ ...announced, remote: true }),
  };
}

type B = ReturnType<typeof mapBackend>;
type R = PromiseWithResolvers<void>;

const textOf = async (tier: Tier, key: string, body = true) => {
  const entry = await tier.find(key, body, { signal });
  return entry && (entry.body ? Buffer.from(entry.body.bytes ?? []).toString() : "");
};

describe("a tier of the cache", () => {
  let clock: FakeClock;
  beforeEach(() => {
    clock = fakeClock();
  });

  it("gives back what was stored", async () => {
    const { tier, now } = processWith(mapBackend(newStore()), clock);
    const metadata = newMetadata(clock);
    await tier.put(metadata, bodyWith("bytes"), now());
    assert.deepEqual((await tier.find(metadata.key, true, { signal }))?.metadata, metadata);
    assert.equal(await textOf(tier, metadata.key), "bytes");
    assert.equal(await textOf(tier, "another"), undefined);
  });

  it("stores no body above its limit, and nothing private unless it may", async () => {
    const store = newStore();
    const open = processWith(mapBackend(store), clock).tier;
    const shared = processWith(mapBackend(store), clock, { private: false }).tier;
    const large = newMetadata(clock);
    await open.put(large, bodyWith("x".repeat(1_001)), 0);
    assert.equal(await textOf(open, large.key), "");
    const secret = newMetadata(clock, { private: true });
    await open.put(secret, bodyWith("secret"), 0);
    assert.equal(await textOf(open, secret.key), "secret");
    await shared.put(secret, bodyWith("secret"), 0);
    assert.equal(await textOf(open, secret.key), undefined);
  });

  it("gives up an entry after its time, and one from the future", async () => {
    const { tier } = processWith(mapBackend(newStore()), clock, { ttl: 60_000 });
    const metadata = newMetadata(clock);
    await tier.put(metadata, bodyWith("x"), 0);
    clock.pass(60_000);
    assert.equal(await textOf(tier, metadata.key), "x");
    clock.pass(1);
    assert.equal(await textOf(tier, metadata.key), undefined);
    clock.set(metadata.stored - 1);
    assert.equal(await textOf(tier, metadata.key), undefined);
  });

  it("bypasses a backend that fails, and tries it again after the cooldown", async () => {
    const backend = mapBackend(newStore());
    const { tier } = processWith(backend, clock);
    const metadata = newMetadata(clock);
    await tier.put(metadata, bodyWith("x"), 0);
    backend.fails = new Error("down");
    for (let request = 0; request < 3; request++) assert.equal(await textOf(tier, metadata.key), undefined);
    backend.fails = undefined;
    assert.equal(await textOf(tier, metadata.key), undefined);
    clock.pass(COOLDOWN);
    assert.equal(await textOf(tier, metadata.key), "x");
  });

  it("ends a read that takes too long, and aborts its signal", async () => {
    let ended: AbortSignal | undefined;
    const backend: CacheBackend = {
      get: (_, { signal }) => {
        ended = signal;
        return new Promise(() => {});
      },
      put: () => {},
      delete: () => {},
    };
    const { tier } = processWith(backend, clock, { timeout: 1 });
    assert.equal(await textOf(tier, "key"), undefined);
    assert.equal(ended?.aborted, true);
  });

  it("notes a revalidation that hardly extends an entry, and writes one that does", async () => {
    const store = newStore();
    const backend = mapBackend(store);
    const { tier } = processWith(backend, clock);
    const metadata = newMetadata(clock);
    await tier.put(metadata, bodyWith("x"), 0);
    const soon = { ...metadata, stored: metadata.stored + 10, freshUntil: metadata.freshUntil + 59_000 };
    await tier.put(soon, undefined, 0);
    assert.equal(store.entries.get(metadata.key)?.metadata.freshUntil, metadata.freshUntil);
    assert.deepEqual((await tier.find(metadata.key, true, { signal }))?.metadata, soon);
    const late = { ...metadata, stored: metadata.stored + 20, freshUntil: metadata.freshUntil + 61_000 };
    await tier.put(late, undefined, 0);
    assert.equal(store.entries.get(metadata.key)?.metadata.freshUntil, late.freshUntil);
    assert.equal(await textOf(tier, metadata.key), "x");
  });

  describe("purge", () => {
    const rule = { kind: "source", value: "a.jpg" } as const satisfies PurgeRule;

    it("deletes what it matches", async () => {
      const { tier, purge } = processWith(mapBackend(newStore(), { deletes: true }), clock);
      const [gone, stays] = [newMetadata(clock), newMetadata(clock, { sources: [] })];
      for (const metadata of [gone, stays]) await tier.put(metadata, bodyWith("x"), 0);
      await purge(rule);
      assert.equal(await textOf(tier, gone.key), undefined);
      assert.equal(await textOf(tier, stays.key), "x");
    });

    it("voids a write that began before it", async () => {
      for (const kind of ["deletes", "journal"]) {
        const store = newStore();
        const backend = mapBackend(store, { [kind]: true });
        const { tier, now, purge } = processWith(backend, clock);
        const metadata = newMetadata(clock);
        const since = now();
        const { promise, resolve } = Promise.withResolvers<void>();
        backend.hold = promise;
        const written = tier.put(metadata, bodyWith("old"), since);
        const purged = purge(rule);
        resolve();
        await Promise.all([written, purged]);
        assert.equal(await textOf(tier, metadata.key), undefined, kind);
        await tier.put(metadata, bodyWith("old"), since);
        assert.equal(await textOf(tier, metadata.key), undefined, kind);
        await tier.put(metadata, bodyWith("new"), now());
        assert.equal(await textOf(tier, metadata.key), "new", kind);
      }
    });

    it("hides a write that began before it until that is deleted again, in all processes that get its announcement", async () => {
      for (const kind of ["deletes", "journal"]) {
        const store = newStore();
        const [backend, other] = [0, 1].map(() => mapBackend(store, { [kind]: true })) as [B, B];
        const [a, b] = [processWith(backend, clock), processWith(other, clock)];
        const metadata = newMetadata(clock);
        const [begun, writing, deleting] = [0, 1, 2].map(() => Promise.withResolvers<void>()) as [R, R, R];
        const { put: putNow, delete: deleteNow } = backend;
        backend.put = async (...entry) => {
          begun.resolve();
          await writing.promise;
          await putNow(...entry);
        };
        backend.delete = async (key) => {
          await deleting.promise;
          await deleteNow(key);
        };
        const written = a.tier.put(metadata, bodyWith("old"), a.now());
        await begun.promise;
        await b.hear(await a.purge(rule));
        writing.resolve();
        await until(() => store.entries.has(metadata.key));
        for (const { tier } of [a, b]) assert.equal(await textOf(tier, metadata.key), undefined, kind);
        deleting.resolve();
        await written;
        await b.tier.put(metadata, bodyWith("new"), b.now());
        for (const { tier } of [a, b]) assert.equal(await textOf(tier, metadata.key), "new", kind);
      }
    });

    it("hides what a backend that fails still has, until that is gone", async () => {
      const store = newStore();
      const backend = mapBackend(store, { deletes: true });
      const { tier, purge } = processWith(backend, clock);
      const metadata = newMetadata(clock);
      await tier.put(metadata, bodyWith("x"), 0);
      backend.fails = new Error("down");
      await purge(rule);
      backend.fails = undefined;
      assert.equal(await textOf(tier, metadata.key), undefined);
      assert(store.entries.has(metadata.key));
      clock.pass(COOLDOWN);
      await until(() => !store.entries.has(metadata.key));
    });

    it("applies to other processes that share the backend and get its announcement", async () => {
      const store = newStore();
      const [a, b] = [0, 1].map(() => processWith(mapBackend(store, { journal: true }), clock)) as [P, P];
      const metadata = newMetadata(clock);
      const since = b.now();
      await a.tier.put(metadata, bodyWith("x"), a.now());
      assert.equal(await textOf(b.tier, metadata.key), "x");
      const announced = await a.purge(rule);
      assert.equal(await textOf(a.tier, metadata.key), undefined);
      // The other one has made the same from the old original meanwhile.
      await b.tier.put(metadata, bodyWith("old"), since);
      assert.equal(await textOf(a.tier, metadata.key), undefined);
      await b.hear(announced);
      assert.equal(await textOf(b.tier, metadata.key), undefined);
      await b.tier.put(metadata, bodyWith("new"), b.now());
      for (const { tier } of [a, b]) assert.equal(await textOf(tier, metadata.key), "new");
    });

    it("applies to those that miss its announcement, once they read the journal", async () => {
      const store = newStore();
      const [a, b] = [0, 1].map(() => processWith(mapBackend(store, { journal: true }), clock)) as [P, P];
      const metadata = newMetadata(clock);
      await a.tier.put(metadata, bodyWith("x"), a.now());
      await b.tier.start();
      await a.purge(rule);
      await b.tier.refresh();
      assert.equal(await textOf(b.tier, metadata.key), undefined);
    });

    it("applies within half a minute to those that always miss it", async () => {
      const store = newStore();
      const [a, b] = [0, 1].map(() => processWith(mapBackend(store, { journal: true }), clock)) as [P, P];
      const metadata = newMetadata(clock);
      await a.tier.put(metadata, bodyWith("x"), a.now());
      await b.tier.start();
      await a.purge(rule);
      clock.pass(30_000);
      while ((await textOf(b.tier, metadata.key)) !== undefined) await new Promise(setImmediate);
      await b.tier.close();
    });

    it("applies immediately if a read shows that the journal has changed", async () => {
      const store = newStore();
      const options = { journal: true, versions: true };
      const [a, b] = [0, 1].map(() => processWith(mapBackend(store, options), clock)) as [P, P];
      const metadata = newMetadata(clock);
      await a.tier.put(metadata, bodyWith("x"), a.now());
      assert.equal(await textOf(b.tier, metadata.key), "x");
      await a.purge(rule);
      assert.equal(await textOf(b.tier, metadata.key), undefined);
    });

    it("keeps one rule for one thing, and none below everything", async () => {
      const store = newStore();
      const { purge } = processWith(mapBackend(store, { journal: true }), clock);
      for (let round = 0; round < 3; round++) await purge(rule);
      await purge({ kind: "tag", value: "spring", tenant: "one" });
      await purge({ kind: "all", value: "", tenant: "two" });
      assert.equal(store.rules.size, 3);
      await purge({ kind: "all", value: "" });
      assert.deepEqual(
        [...store.rules.values()].map(({ kind }) => kind),
        ["all"],
      );
    });

    it("needs the journal before anything is trusted", async () => {
      const store = newStore();
      const a = processWith(mapBackend(store, { journal: true }), clock);
      const metadata = newMetadata(clock);
      await a.tier.put(metadata, bodyWith("x"), a.now());
      await a.purge(rule);
      // Started again, while the journal cannot be read.
      const backend = mapBackend(store, { journal: true });
      const b = processWith(backend, clock);
      backend.fails = new Error("down");
      await b.tier.start();
      assert.equal(await textOf(b.tier, metadata.key), undefined);
      backend.fails = undefined;
      assert.equal(await textOf(b.tier, metadata.key), undefined);
    });
  });
});

type P = ReturnType<typeof processWith>;

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
