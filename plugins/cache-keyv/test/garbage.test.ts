import assert from "node:assert/strict";
import { bytesOf, type CacheHost, newRecord } from "@mediatap/test";
import fc from "fast-check";
import { makeHosts, newEntry } from "./places.ts";

describe("cache-keyv: values that are not what was written", () => {
  const hosts = makeHosts();
  let store: Map<string, string>;
  let host: CacheHost;
  beforeEach(async () => {
    store = new Map();
    host = await hosts.open({ store, namespace: "n" });
  });
  afterEach(() => hosts.close());

  async function stored(length = 1000) {
    const entry = newEntry("a/b.jpg", length);
    await host.store(entry.record, entry.bytes);
    const names = [...store.keys()];
    const name = names.find((key) => key.startsWith("n:rendition-2:")) ?? "";
    return { ...entry, name, value: store.get(name) ?? "" };
  }
  const NOTHING = { found: undefined, stale: undefined };

  it("are misses, whichever character was changed, and whatever stands there", async () => {
    const { record, bytes, name, value } = await stored();
    const changed = fc.tuple(fc.nat(value.length - 1), fc.string({ maxLength: 3 })).map(([at, text]) => {
      return value.slice(0, at) + text + value.slice(at + 1);
    });
    const cut = fc.nat(value.length).map((at) => value.slice(0, at));
    const values = fc.oneof(
      changed,
      cut,
      fc.string(),
      fc.json(),
      fc.json().map((text) => `\n${text}`),
    );
    await fc.assert(
      fc.asyncProperty(values, async (text) => {
        store.set(name, text);
        for (const fresh of [true, false]) {
          const { found, stale } = await host.find(record.key, fresh);
          const entry = found ?? stale;
          // A change that changes nothing: white space of JSON, a character for itself, when the entry ends.
          if (entry) assert((await bytesOf(entry)).equals(bytes) && entry.record.etag === record.etag, text);
        }
      }),
      { numRuns: 500 },
    );
    store.set(name, value);
    assert((await bytesOf((await host.find(record.key)).found)).equals(bytes));
  });

  it("are misses where they are no text", async () => {
    const { record, name } = await stored();
    for (const value of [5, null, {}, [], { value: 5 }, { value: { a: 1 } }, Buffer.from("x"), true]) {
      store.set(name, value as never);
      assert.deepEqual(await host.find(record.key), NOTHING);
    }
  });

  it("are misses where they belong to another key", async () => {
    const { record, value } = await stored();
    const other = newRecord();
    await host.store(other, Buffer.from("x"));
    for (const key of store.keys()) if (key.startsWith("n:rendition")) store.set(key, value);
    assert.deepEqual(await host.find(other.key), NOTHING);
    assert((await host.find(record.key)).found);
  });

  it("are misses where another release wrote them", async () => {
    const { record, name, value } = await stored();
    store.set(name, value.replace('"engines"', '"motors"'));
    assert.deepEqual(await host.find(record.key), NOTHING);
    store.set(name.replace("rendition-2", "rendition-3"), "x");
    await host.store(record, Buffer.from("again"));
    assert.equal((await bytesOf((await host.find(record.key)).found)).toString(), "again");
  });

  it("bring nothing back that was purged, where the journal is lost or changed", async () => {
    const { record, bytes, name, value } = await stored();
    await host.purge("source", "a/b.jpg");
    const journal = [...store.keys()].filter((key) => key.startsWith("n:purges-1"));
    assert.equal(journal.length, 2, "its head, and the rule");
    for (const part of journal) {
      for (const text of [undefined, "", "{}", "garbage", '{"epoch":"x","last":1}']) {
        const before = new Map(store);
        // As a process writes it that has not heard of the purge.
        store.set(name, value);
        if (text === undefined) store.delete(part);
        else store.set(part, text);
        for (const reader of [host, await hosts.open({ store, namespace: "n" })]) {
          assert.deepEqual(await reader.find(record.key), NOTHING, `${part}: ${text}`);
        }
        store.clear();
        for (const [key, kept] of before) store.set(key, kept);
      }
    }
    const next = await hosts.open({ store, namespace: "n" });
    await next.store(record, bytes);
    assert((await bytesOf((await next.find(record.key)).found)).equals(bytes));
  });

  it("keeps apart what has another namespace", async () => {
    const { record } = await stored();
    const other = await hosts.open({ store, namespace: "other" });
    assert.deepEqual(await other.find(record.key), NOTHING);
    await other.purge("all", "");
    assert((await host.find(record.key)).found);
  });
});
