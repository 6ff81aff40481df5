import assert from "node:assert/strict";
import { utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { bytesOf, type CacheHost, newKey, newRecord, sourcesOf } from "@mediatap/test";
import { makePlace, newEntry, type Place } from "./place.ts";

describe("cache-disk: purges, by several processes", () => {
  let place: Place;
  let one: CacheHost;
  let two: CacheHost;
  beforeEach(async () => {
    place = await makePlace();
    [one, two] = [await place.open(), await place.open()];
  });
  afterEach(() => place.close());

  async function stored(host: CacheHost, path: string, tags: string[] = []) {
    const record = newRecord(undefined, { sources: sourcesOf(path), tags });
    await host.store(record, Buffer.from(path));
    return record.key;
  }
  const has = async (host: CacheHost, key: string) => (await host.find(key)).found !== undefined;

  for (const [kind, value] of [
    ["source", "a/b.jpg"],
    ["prefix", "a/"],
    ["prefix", ""],
    ["tag", "spring"],
    ["all", ""],
  ] as const) {
    it(`forgets by ${kind} '${value}' what another process wrote, also where it was read before`, async () => {
      const key = await stored(one, "a/b.jpg", ["spring"]);
      const other = await stored(one, "c.jpg", ["summer"]);
      assert(await has(one, key));
      await two.purge(kind, value);
      assert.deepEqual([await has(one, key), await has(two, key)], [false, false]);
      assert.equal(await has(one, other), value !== "");
      assert(await has(two, await stored(one, "a/b.jpg")), "what is stored after it is kept");
    });
  }

  it("forgets one key", async () => {
    const key = await stored(one, "a.jpg");
    await two.purge("key", key);
    assert.equal(await has(one, key), false);
  });

  it("survives restarts: nothing comes back", async () => {
    const keys = [await stored(one, "a/b.jpg"), await stored(one, "a/c.jpg")];
    await two.purge("prefix", "a/");
    await Promise.all([one.close(), two.close()]);
    const next = await place.open();
    for (const key of keys) assert.equal(await has(next, key), false);
  });

  it("holds an entry back that is being written meanwhile", async () => {
    for (const [kind, value] of [
      ["key", ""],
      ["source", "race/a.jpg"],
      ["prefix", "race/"],
      ["all", ""],
    ] as const) {
      // The purge begins after each entry began and must win, however far that is.
      for (let round = 0; round < 25; round++) {
        const entry = newEntry("race/a.jpg", 200_000);
        const storing = one.store(entry.record, entry.bytes);
        for (let turns = round; turns > 0; turns--) await turn();
        await two.purge(kind, kind === "key" ? entry.record.key : value);
        await storing;
        assert.equal(await has(one, entry.record.key), false, `${kind} after ${round} turns`);
      }
    }
  });

  it("holds while both write and purge", async () => {
    const paths = ["x/a.jpg", "x/b.jpg", "y/a.jpg"];
    /** What was stored before a purge of its source began. */
    const gone = new Set<string>();
    await Promise.all(
      Array.from({ length: 120 }, async (_, at) => {
        const [host, other] = at % 2 ? [one, two] : [two, one];
        const path = paths[at % 3] as string;
        const key = await stored(host, path);
        if (at % 5) return;
        await other.purge(at % 2 ? "source" : "prefix", path);
        gone.add(key);
      }),
    );
    for (const key of gone) assert.deepEqual([await has(one, key), await has(two, key)], [false, false]);
  });

  it("finds entries by what they were made of last", async () => {
    const key = newKey();
    await one.store(newRecord(key, { sources: sourcesOf("before.jpg") }), Buffer.from("1"));
    await one.store(newRecord(key, { sources: sourcesOf("main.jpg", "layer.png") }), Buffer.from("2"));
    await two.purge("source", "layer.png");
    assert.equal(await has(one, key), false);
  });

  it("is carried out on the disk once its rules are older than all work, and they are removed", async () => {
    const [gone, stays] = [await stored(one, "a.jpg"), await stored(one, "b.jpg")];
    await one.purge("source", "a.jpg");
    const later = await stored(one, "a.jpg");
    await Promise.all([one.close(), two.close()]);
    const [journal = ""] = await place.files(/purges\/\d+\.log$/);
    const next = join(dirname(journal), "00000002.log");
    await writeFile(next, "");
    const past = Date.now() / 1000 - 2 * 60 * 60;
    await utimes(journal, past, past);
    assert.equal((await place.entries()).length, 3);
    // Whoever starts counts, and clears up.
    await (await place.open()).close();
    assert.equal((await place.entries()).length, 2);
    assert.deepEqual(await place.files(/purges\/\d+\.log$/), [next]);
    const host = await place.open();
    assert.deepEqual(await Promise.all([gone, stays, later].map((key) => has(host, key))), [
      false,
      true,
      true,
    ]);
  });

  it("leaves nothing behind of all", async () => {
    for (let i = 0; i < 20; i++) await stored(one, `${i}.jpg`);
    await one.purge("all", "");
    const key = await stored(one, "new.jpg");
    await Promise.all([one.close(), two.close()]);
    await (await place.open()).close();
    assert.deepEqual(await place.files(/trash|\.tmp$/), []);
    assert.equal((await place.entries()).length, 1);
    assert.equal((await bytesOf((await (await place.open()).find(key)).found)).toString(), "new.jpg");
  });
});
