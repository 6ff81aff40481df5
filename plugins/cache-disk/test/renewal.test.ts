import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { bytesOf, type CacheHost, newRecord, until } from "@mediatap/test";
import { makePlace, newEntry, type Place } from "./place.ts";

describe("cache-disk: confirmed entries", () => {
  let place: Place;
  let host: CacheHost;
  beforeEach(async () => {
    place = await makePlace();
    host = await place.open();
  });
  afterEach(() => place.close());

  const later = (milliseconds: number) => Date.now() + milliseconds;
  async function inode() {
    const [path = ""] = await place.entries();
    return (await stat(path)).ino;
  }

  for (const length of [1000, 700_000]) {
    it(`keep their body of ${length} bytes, also for the next process`, async () => {
      const { record, bytes } = newEntry("a.jpg", length);
      await host.store(record, bytes);
      // By a client that holds the body: the record comes alone.
      const renewed = { ...record, stored: later(0), freshUntil: later(3_600_000) };
      await host.store(renewed);
      for (const process of [host, await place.open()]) {
        const { found } = await process.find(record.key);
        assert.deepEqual(found?.record, renewed);
        assert((await bytesOf(found)).equals(bytes));
      }
    });

    it(`are kept again with a body of ${length} bytes that they gave themselves`, async () => {
      const { record, bytes } = newEntry("a.jpg", length);
      await host.store(record, bytes);
      const { stale } = await host.find(record.key, false);
      const renewed = { ...record, freshUntil: later(3_600_000) };
      // As the core does: with the body that was offered.
      await host.findWhole("other", { record: renewed, body: stale?.body as never });
      const { found } = await (await place.open()).find(record.key);
      assert.deepEqual(found?.record, renewed);
      assert((await bytesOf(found)).equals(bytes));
    });
  }

  it("are not written again for a moment: a folder's files are confirmed each second", async () => {
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    const before = await inode();
    let renewed = record;
    for (let i = 1; i <= 5; i++) {
      renewed = { ...record, stored: later(i), freshUntil: record.freshUntil + 1000 * i };
      await host.store(renewed, bytes);
    }
    assert.equal(await inode(), before);
    assert.deepEqual((await host.find(record.key)).found?.record, renewed);
    // A restart forgets it, and no more.
    assert.deepEqual((await (await place.open()).find(record.key)).found?.record, record);
  });

  it("are written again once that adds up", async () => {
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    const renewed = { ...record, freshUntil: record.freshUntil + 61_000 };
    await host.store(renewed, bytes);
    assert.deepEqual((await (await place.open()).find(record.key)).found?.record, renewed);
  });

  it("are stored where another process has removed them meanwhile", async () => {
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    const since = host.now();
    await (await place.open()).purge("key", record.key);
    assert.equal((await host.find(record.key)).found, undefined);
    // What was made before the purge stays away, what was made afterwards is kept.
    await host.store({ ...record, freshUntil: record.freshUntil + 1 }, bytes, since);
    assert.equal((await host.find(record.key)).found, undefined);
    // While the purge is being carried out here, too, nothing is stored.
    await until(async () => {
      await host.store({ ...record, stored: later(0) }, bytes);
      return (await host.find(record.key)).found !== undefined;
    }, "it is kept");
    assert((await bytesOf((await host.find(record.key)).found)).equals(bytes));
  });

  it("are not mixed with what another process has put there", async () => {
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    await host.store({ ...record, freshUntil: record.freshUntil + 1 }, bytes);
    const other = newRecord(record.key);
    await (await place.open()).store(other, Buffer.from("other"));
    const { found } = await host.find(record.key);
    assert.deepEqual(found?.record, other);
    assert.equal((await bytesOf(found)).toString(), "other");
  });

  it("make room for a failure: what is gone does not come back", async () => {
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    assert((await host.find(record.key, false)).stale);
    const gone = newRecord(record.key, { error: { code: "ENOENT", status: 404, message: "No file" } });
    await host.store(gone);
    assert.deepEqual((await host.find(record.key)).found?.record, gone);
    assert.equal((await (await place.open()).find(record.key)).found, undefined);
    await host.store(record, bytes);
    assert((await host.find(record.key)).found?.body);
  });

  it("stay while an origin is in trouble", async () => {
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    assert((await host.find(record.key, false)).stale);
    await host.store(
      newRecord(record.key, { error: { code: "ECONNREFUSED", status: 404, message: "x", outage: true } }),
    );
    assert((await (await place.open()).find(record.key)).found?.body);
  });
});
