import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { buffer } from "node:stream/consumers";
import { ownerText, thisOwner } from "@mediatap/core/cache";
import { type CacheHost, until } from "@mediatap/test";
import { makePlace, newEntry, type Place } from "./place.ts";

const KB = 1024;
const HOUR = 60 * 60;

describe("cache-disk: the budget", () => {
  let place: Place;
  beforeEach(async () => {
    place = await makePlace();
  });
  afterEach(() => place.close());

  /** Stores entries of 10 KB in order; resolves with their keys. */
  async function fill(host: CacheHost, count: number) {
    const keys: string[] = [];
    for (let i = 0; i < count; i++) {
      const { record, bytes } = newEntry("a.jpg", 10 * KB);
      await host.store(record, bytes);
      keys.push(record.key);
    }
    return keys;
  }

  /** As `fill`, each an hour before the next one, the last an hour ago. */
  async function fillSlowly(host: CacheHost, count: number) {
    const keys: string[] = [];
    for (let i = 0; i < count; i++) {
      const before = new Set(await place.entries());
      keys.push(...(await fill(host, 1)));
      const [entry = ""] = (await place.entries()).filter((path) => !before.has(path));
      const time = Date.now() / 1000 - (count - i) * HOUR;
      await utimes(entry, time, time);
    }
    return keys;
  }
  const has = async (host: CacheHost, key: string) => (await host.find(key)).found !== undefined;

  async function bytesOnDisk() {
    const sizeOf = async (path: string) => (await stat(path).catch(() => ({ size: 0 }))).size;
    const sizes = await Promise.all((await place.entries()).map(sizeOf));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  it("lets those go first that were used least recently, across restarts", async () => {
    const first = await place.open({ maxBytes: 10_000 * KB });
    const keys = await fillSlowly(first, 20);
    assert(await has(first, keys[0] as string));
    await first.close();
    // The oldest was used before a restart, the next after it.
    const second = await place.open({ maxBytes: 10_000 * KB });
    assert(await has(second, keys[1] as string));
    await second.close();
    const third = await place.open({ maxBytes: 200 * KB });
    keys.push(...(await fill(third, 3)));
    const kept = await Promise.all(keys.map((key) => has(third, key)));
    assert.deepEqual(
      [kept[0], kept[1], kept[2], kept[3], kept[19], kept.at(-1)],
      [true, true, false, false, true, true],
    );
  });

  it("counts what lies there at start, and holds soon after", async () => {
    await fill(await place.open(), 40);
    assert((await bytesOnDisk()) > 400 * KB);
    const host = await place.open({ maxBytes: 100 * KB });
    await until(async () => (await bytesOnDisk()) <= 100 * KB, "the budget holds");
    assert((await place.entries()).length > 0);
    // It is in use meanwhile, and afterwards.
    const [key = ""] = await fill(host, 1);
    assert(await has(host, key));
  });

  it("counts what another process writes", async () => {
    const one = await place.open({ maxBytes: 400 * KB });
    const two = await place.open({ maxBytes: 400 * KB });
    for (let i = 0; i < 30; i++) {
      await fill(one, 1);
      await fill(two, 1);
    }
    await fill(one, 3);
    assert((await bytesOnDisk()) <= 400 * KB, `${await bytesOnDisk()}`);
    assert((await place.entries()).length >= 20);
  });

  it("counts disk blocks, not only bytes", async () => {
    const host = await place.open({ maxBytes: 100 * KB });
    for (let i = 0; i < 100; i++) {
      const { record, bytes } = newEntry("a.jpg", 10);
      await host.store(record, bytes);
    }
    assert((await place.entries()).length <= 25);
  });

  it("takes no file from who is reading it", async () => {
    const host = await place.open({ maxBytes: 4000 * KB, maxEntryBytes: 2000 * KB });
    const { record, bytes } = newEntry("a.jpg", 1500 * KB);
    await host.store(record, bytes);
    const stream = await (await host.find(record.key)).found?.body?.stream();
    assert(stream);
    await fill(host, 400);
    assert.equal(await has(host, record.key), false);
    assert((await buffer(stream)).equals(bytes));
  });

  it("says so where a body went between lookup and reading", async () => {
    const host = await place.open();
    const { record, bytes } = newEntry("a.jpg", 1500 * KB);
    await host.store(record, bytes);
    const { found } = await host.find(record.key);
    await host.purge("all", "");
    await assert.rejects(async () => found?.body?.stream(), /changed while it was read/);
  });

  it("keeps the record alone of a body that is too large", async () => {
    const host = await place.open({ maxBytes: 1000 * KB, maxEntryBytes: 10 * KB });
    const { record, bytes } = newEntry("a.jpg", 11 * KB);
    await host.store(record, bytes);
    const { found } = await host.find(record.key);
    assert.deepEqual([found?.record, found?.body], [record, undefined]);
  });

  it("removes what was begun long ago and never finished, and nothing younger", async () => {
    const host = await place.open();
    const [key = ""] = await fill(host, 1);
    const [entry = ""] = await place.entries();
    const past = Date.now() / 1000 - 2 * HOUR;
    const names = ["old", "new"].map((name) => `${dirname(entry)}/${"0".repeat(64)}.${name}.tmp`);
    for (const name of names) await writeFile(name, randomBytes(5000));
    await utimes(names[0] as string, past, past);
    await mkdir(`${place.path}/trash-0123/entries/ab`, { recursive: true });
    await host.close();
    const next = await place.open();
    await next.close();
    assert.deepEqual(await place.files(/\.tmp$/), [names[1]]);
    assert.deepEqual((await readdir(place.path)).sort(), ["v2"]);
    assert(await has(await place.open(), key));
  });

  it("counts what is being written, and leaves that alone", async () => {
    const host = await place.open({ maxBytes: 1000 * KB });
    await fill(host, 3);
    const [entry = ""] = await place.entries();
    const elsewhere = { ...thisOwner(), space: "0".repeat(12) };
    const names = [thisOwner(), elsewhere].map(
      (owner) => `${entry}.${ownerText(owner)}.${"0".repeat(12)}.tmp`,
    );
    for (const name of names) await writeFile(name, randomBytes(250 * KB));
    await host.close();
    // Together with the entries they are more than the budget.
    await (await place.open({ maxBytes: 520 * KB })).close();
    assert.deepEqual(await place.entries(), []);
    assert.deepEqual((await place.files(/\.tmp$/)).sort(), names.sort());
  });

  it("removes what processes were writing that are gone", async () => {
    const host = await place.open();
    await fill(host, 1);
    const [entry = ""] = await place.entries();
    await host.close();
    const gone = { ...thisOwner(), pid: 2 ** 22 + 1 };
    const reused = { ...thisOwner(), began: "1" };
    for (const owner of [gone, reused]) {
      await writeFile(`${entry}.${ownerText(owner)}.${"0".repeat(12)}.tmp`, randomBytes(5000));
    }
    await (await place.open()).close();
    assert.deepEqual(await place.files(/\.tmp$/), []);
    assert.equal((await place.entries()).length, 1);
  });

  it("is for nobody but the user of the process", async () => {
    await fill(await place.open(), 3);
    await (await place.open()).purge("source", "none");
    const all = await place.files(/./);
    assert(all.length > 6);
    for (const path of [place.path, ...all]) {
      const stats = await stat(path);
      assert.equal(stats.mode & 0o777, stats.isDirectory() ? 0o700 : 0o600, path);
    }
  });
});
