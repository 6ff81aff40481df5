import assert from "node:assert/strict";
import { MediaError } from "@mediatap/core";
import { bytesOf, newRecord } from "@mediatap/test";
import { Keyv } from "keyv";
import { cacheKeyv } from "../src/index.ts";
import { makeHosts, newEntry } from "./places.ts";

const entriesIn = (map: Map<string, unknown>) => [...map.keys()].filter((key) => key.includes(":rendition-"));

describe("cacheKeyv", () => {
  const hosts = makeHosts();
  afterEach(() => hosts.close());

  for (const [options, message] of [
    [{}, "cache-keyv: Expected one of redis, store"],
    [{ redis: "redis://a", store: new Map() }, "cache-keyv: Expected one of redis, store"],
    [{ store: {} }, "cache-keyv.store: Expected a Keyv or a store for one but received an object"],
    [{ redis: "redis://a", tttl: 5 }, 'cache-keyv.tttl: unknown field, did you mean "ttl"?'],
    [{ redis: "redis://a", ttl: 0 }, "cache-keyv.ttl: Expected number of more than 0 but received 0"],
  ] as const) {
    it(`refuses what it does not understand: ${message}`, () => {
      assert.throws(() => cacheKeyv(options as never), new MediaError("ECONFIG", message));
    });
  }

  it("takes a Keyv as it is, with a namespace of its own", async () => {
    const map = new Map();
    const keyv = new Keyv({ store: map, namespace: "mine" });
    const host = await hosts.open({ store: keyv });
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    assert((await bytesOf((await host.find(record.key)).found)).equals(bytes));
    assert([...map.keys()].every((key) => key.startsWith("mine:mediatap:")));
    await host.purge("source", "a.jpg");
    assert.equal((await host.find(record.key)).found, undefined);
  });

  it("keeps an entry for as long as it is told", async () => {
    const map = new Map();
    const host = await hosts.open({ store: map, ttl: 60_000 });
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    const [name = "", value] = [...map].find(([key]) => key.includes("rendition")) ?? [];
    const ends = Number(value.split("\n")[0]);
    assert(Math.abs(ends - Date.now() - 60_000) < 30_000, `${ends}`);
    map.set(name, value.replace(String(ends), String(Date.now() - 1)));
    assert.equal((await host.find(record.key)).found, undefined);
    // Marks outlive what stands under them.
    const marks = [...map].filter(([key]) => key.includes("mark"));
    for (const [, text] of marks) assert(Number(text.split("\n")[0]) > ends);
  });

  it("keeps the record alone of a body that is too large", async () => {
    const host = await hosts.open({ store: new Map(), maxEntryBytes: 1000 });
    for (const length of [1000, 1001]) {
      const { record, bytes } = newEntry("a.jpg", length);
      await host.store(record, bytes);
      const { found } = await host.find(record.key);
      assert.deepEqual(found?.record, record);
      assert.equal(found?.body?.complete, length === 1000 || undefined);
    }
  });

  it("keeps nothing private, unless it is told to", async () => {
    const map = new Map();
    const host = await hosts.open({ store: map });
    const record = newRecord(undefined, { private: true });
    await host.store(record, Buffer.from("s3cret"));
    assert.equal((await host.find(record.key)).found, undefined);
    assert.deepEqual(entriesIn(map), []);
    // What became private goes.
    const before = { ...record, private: false };
    await host.store(before, Buffer.from("public"));
    assert((await host.find(record.key)).found);
    await host.store(record, Buffer.from("s3cret"));
    assert.equal((await host.find(record.key)).found, undefined);
    const own = await hosts.open({ store: map, private: true });
    await own.store(record, Buffer.from("s3cret"));
    assert((await own.find(record.key)).found);
  });

  it("keeps failures to itself: nobody could tell how many there will be", async () => {
    const map = new Map();
    const host = await hosts.open({ store: map });
    const error = { code: "ENOENT", status: 404, message: "No file" } as const;
    const record = newRecord(undefined, { error, sources: [] });
    await host.store(record);
    assert.deepEqual((await host.find(record.key)).found?.record, record);
    assert.deepEqual(entriesIn(map), []);
  });

  it("does not write again what was confirmed for a moment", async () => {
    const map = new Map();
    const host = await hosts.open({ store: map });
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    const before = [...map.values()];
    const moment = { ...record, freshUntil: record.freshUntil + 1000 };
    await host.store(moment, bytes);
    assert.deepEqual([...map.values()], before);
    assert.deepEqual((await host.find(record.key)).found?.record, moment);
    const longer = { ...record, freshUntil: record.freshUntil + 100_000 };
    await host.store(longer);
    const { found } = await (await hosts.open({ store: map })).find(record.key);
    assert.deepEqual(found?.record, longer);
    assert((await bytesOf(found)).equals(bytes));
  });
});
