import assert from "node:assert/strict";
import {
  type CacheHost,
  describeWith,
  newRecord,
  REDIS,
  type Redis,
  sourcesOf,
  startRedis,
  until,
} from "@mediatap/test";
import { makeHosts, newEntry, recorder } from "./places.ts";

describeWith(REDIS, "cache-keyv: purges, by several processes", () => {
  const hosts = makeHosts();
  let redis: Redis;
  let one: CacheHost;
  let two: CacheHost;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis?.close());
  beforeEach(async () => {
    await redis.command("flushall");
    [one, two] = [await hosts.open({ redis: redis.url }), await hosts.open({ redis: redis.url })];
  });
  afterEach(() => hosts.close());

  async function stored(host: CacheHost, path: string, tags: string[] = []) {
    const record = newRecord(undefined, { sources: sourcesOf(path), tags });
    await host.store(record, Buffer.from(path));
    return record.key;
  }
  const has = async (host: CacheHost, key: string) => (await host.find(key)).found !== undefined;

  for (const [kind, value] of [
    ["source", "a/b/c.jpg"],
    ["prefix", "a/b/"],
    ["prefix", "a/"],
    ["prefix", "a/b/c"],
    ["prefix", "a"],
    ["prefix", ""],
    ["tag", "spring"],
    ["all", ""],
  ] as const) {
    it(`forgets by ${kind} '${value}' what another process wrote, also where it was read before`, async () => {
      const key = await stored(one, "a/b/c.jpg", ["spring"]);
      const other = await stored(one, "c.jpg", ["summer"]);
      assert(await has(one, key));
      await two.purge(kind, value);
      assert.deepEqual([await has(one, key), await has(two, key)], [false, false]);
      assert.equal(await has(one, other), value !== "");
      assert(await has(two, await stored(one, "a/b/c.jpg")), "what is stored after it is kept");
    });
  }

  it("forgets one key", async () => {
    const key = await stored(one, "a.jpg");
    await two.purge("key", key);
    assert.equal(await has(one, key), false);
  });

  it("holds an entry back that was being written when the purge came", async () => {
    for (const [kind, value, rounds] of [
      ["source", "race/a.jpg", 25],
      ["prefix", "race/", 25],
      ["prefix", "rac", 5],
      ["all", "", 25],
    ] as const) {
      for (let round = 0; round < rounds; round++) {
        // There is a mark already, as there is in the long run.
        await stored(two, "race/a.jpg");
        const entry = newEntry("race/a.jpg", 200_000);
        const storing = one.store(entry.record, entry.bytes);
        // As the core does, which tells every process.
        await Promise.all([two.purge(kind, value), one.purge(kind, value)]);
        await storing;
        assert.equal(await has(one, entry.record.key), false, kind);
      }
    }
  });

  it("holds an entry of a purged key back that was being written", async () => {
    for (let round = 0; round < 25; round++) {
      const entry = newEntry("race/a.jpg", 300_000);
      const storing = one.store(entry.record, entry.bytes);
      await one.purge("key", entry.record.key);
      await storing;
      assert.equal(await has(one, entry.record.key), false);
    }
  });

  it("holds where the first entry of a source is being written, and its mark is made over that of the purge", async () => {
    const keys: string[] = [];
    for (let round = 0; round < 40; round++) {
      const entry = newEntry(`first/${round}.jpg`, 50_000);
      const storing = one.store(entry.record, entry.bytes);
      await two.purge("source", `first/${round}.jpg`);
      await storing;
      keys.push(entry.record.key);
    }
    // What came in between is found when the purge is looked at once more.
    await two.close();
    for (const key of keys) assert.equal(await has(one, key), false);
  });

  it("loses none of the prefixes that several processes purge at once", async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, (_, at) => stored(one, `p${at}x.jpg`)));
    await Promise.all(keys.map((_, at) => (at % 2 ? one : two).purge("prefix", `p${at}x`)));
    const next = await hosts.open({ redis: redis.url });
    for (const key of keys) assert.equal(await has(next, key), false);
    assert(await has(next, await stored(next, "p3x.jpg")));
  });

  it("does not bring entries back where Redis evicts", async () => {
    const keys = await Promise.all(["a.jpg", "b/c.jpg"].map((path) => stored(one, path)));
    await two.purge("all", "");
    const names = (await redis.command("keys", "mediatap:purges-1*")).split("\n");
    assert(names.length > 1);
    await redis.command("del", ...names);
    const next = await hosts.open({ redis: redis.url });
    for (const key of keys) for (const host of [one, next]) assert.equal(await has(host, key), false);
    await stored(one, "a.jpg");
    for (const key of keys) assert.equal(await has(one, key), false);
  });

  it("is made up for when Redis is back, and holds until then", async () => {
    const { lines, log } = recorder();
    const away = await startRedis();
    const host = await hosts.open({ redis: away.url }, { log, limits: { failureLifetime: 50 } });
    const key = await stored(host, "a/b.jpg");
    const other = await stored(host, "c.jpg");
    away.signal("SIGSTOP");
    const purging = host.purge("source", "a/b.jpg");
    away.signal("SIGCONT");
    await purging;
    assert.equal(await has(host, key), false);
    // The same with an answer that never comes.
    away.signal("SIGSTOP");
    const port = away.port;
    void host.purge("source", "c.jpg");
    await new Promise(setImmediate);
    away.signal("SIGKILL");
    await away.close();
    const back = await startRedis({ port });
    try {
      await until(async () => has(host, await stored(host, "d.jpg")), "it is back");
      assert.equal(await has(host, other), false);
      await until(async () => has(host, await stored(host, "c.jpg")), "what comes after it is kept");
      assert(lines.length > 0);
    } finally {
      await hosts.close();
      await back.close();
    }
  });
});
