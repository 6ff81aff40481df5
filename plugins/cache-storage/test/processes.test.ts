import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { MediaError } from "@mediatap/core";
import { bytesOf, type CacheHost, newRecord, sourcesOf, until } from "@mediatap/test";
import { cacheStorage } from "../src/index.ts";
import { folderPlace, makeHosts, recorder } from "./places.ts";

describe("cache-storage: several processes, and damage", () => {
  const hosts = makeHosts();
  let place: Awaited<ReturnType<typeof folderPlace>>;
  beforeEach(async () => {
    place = await folderPlace();
  });
  afterEach(async () => {
    await hosts.close();
    await place.close();
  });

  async function stored(host: CacheHost, path: string, length = 1000, tags: string[] = []) {
    const bytes = randomBytes(length);
    const record = newRecord(undefined, { sources: sourcesOf(path), length, tags });
    await host.store(record, bytes);
    return { key: record.key, record, bytes };
  }
  const has = async (host: CacheHost, key: string) => (await host.find(key)).found !== undefined;
  async function files(pattern: RegExp) {
    const entries = await readdir(place.path, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    return paths.filter((path) => pattern.test(path));
  }

  it("share what one has stored, and what one has purged before the other began", async () => {
    const one = await hosts.open(place);
    const kept = await stored(one, "a/b.jpg");
    for (const [kind, value] of [
      ["source", "a/x.jpg"],
      ["source", `a/${"long".repeat(300)}.jpg`],
      ["prefix", "p/"],
      ["tag", "spring"],
    ] as const) {
      const gone = await stored(one, kind === "prefix" ? "p/a.jpg" : value, 100, [value]);
      await one.purge(kind, value);
      const two = await hosts.open(place);
      assert.equal(await has(two, gone.key), false, kind);
      assert((await bytesOf((await two.find(kept.key)).found)).equals(kept.bytes) || value.length > 1000);
      const after = await stored(two, "p/a.jpg", 100, [value]);
      assert(await has(await hosts.open(place), after.key), "what is stored after it is kept");
    }
  });

  it("void what was being written when the purge came", async () => {
    const one = await hosts.open(place);
    for (let round = 0; round < 20; round++) {
      const storing = stored(one, "race.jpg", 100_000);
      await one.purge("source", "race.jpg");
      assert.equal(await has(one, (await storing).key), false);
    }
  });

  it("stream what is large, by ranges, too, and send nothing of what is damaged", async () => {
    const one = await hosts.open(place);
    const { key, record, bytes } = await stored(one, "film.mp4", 9_000_000);
    const { found } = await one.find(key);
    assert(found?.body?.complete && found.body.bytes === undefined);
    assert((await bytesOf(found)).equals(bytes));
    const part = await buffer(await found.body.stream({ start: 5_000_000, end: 5_000_999 }));
    assert(part.equals(bytes.subarray(5_000_000, 5_001_000)));
    const [file = ""] = await files(/\.[0-9a-f]{32}$/);
    const damaged = Buffer.from(bytes);
    damaged[8_000_000] = (damaged[8_000_000] ?? 0) ^ 1;
    await writeFile(file, damaged);
    assert.equal((await one.find(key)).found, undefined);
    await until(() => !existsSync(file), "it is deleted");
    await one.store(record, bytes);
    assert((await bytesOf((await one.find(key)).found)).equals(bytes));
    const [again = ""] = await files(/\.[0-9a-f]{32}$/);
    await utimes(again, 0, 0);
    await until(() => has(one, key), "the same bytes are found again after they were touched");
    assert((await bytesOf((await one.find(key)).found)).equals(bytes));
    await writeFile(again, bytes.subarray(0, 8_000_000));
    assert.equal((await one.find(key)).found, undefined);
  });

  it("take what is damaged, empty, missing or another's for a miss", async () => {
    const one = await hosts.open(place);
    const other = await stored(one, "b.jpg");
    const [otherRecord = ""] = await files(/\.json$/);
    const foreign = await readFile(otherRecord);
    const { key, record, bytes } = await stored(one, "a.jpg");
    const [file = ""] = (await files(/\.json$/)).filter((path) => path !== otherRecord);
    const text = await readFile(file, "utf8");
    for (const spoilt of [
      "",
      "{}",
      "garbage\n{}",
      text.slice(0, -5),
      text.replace("a.jpg", "c.jpg"),
      foreign,
    ]) {
      await writeFile(file, spoilt);
      assert.equal((await one.find(key)).found, undefined);
    }
    await writeFile(file, text);
    assert((await bytesOf((await one.find(key)).found)).equals(bytes));
    const [body = ""] = (await files(/\.[0-9a-f]{32}$/)).filter((path) => path.startsWith(file.slice(0, -5)));
    for (const spoilt of [Buffer.of(), bytes.subarray(1), randomBytes(1000)]) {
      await writeFile(body, spoilt);
      assert.equal((await one.find(key)).found, undefined);
    }
    await rm(body);
    assert.equal((await one.find(key)).found, undefined);
    await one.store(record, bytes);
    assert((await bytesOf((await one.find(key)).found)).equals(bytes));
    assert(await has(one, other.key));
  });

  it("go on where the storage cannot be written to, or is away", async () => {
    if (process.getuid?.() === 0) {
      // Root may write anywhere: a file where a folder should be.
      await writeFile(join(place.path, "renditions"), "x");
    } else await chmod(place.path, 0o500);
    const { log, lines } = recorder();
    const one = await hosts.open(place, {}, { log, limits: { failureLifetime: 50 } });
    for (let i = 0; i < 10; i++) {
      const { key } = await stored(one, "a.jpg");
      assert.equal(await has(one, key), false);
    }
    assert.equal(lines.filter(({ level, msg }) => level >= 40 && /cannot be written/.test(msg)).length, 1);
    if (process.getuid?.() === 0) await rm(join(place.path, "renditions"));
    else await chmod(place.path, 0o700);
    await until(async () => has(one, (await stored(one, "a.jpg")).key), "it comes back by itself");
  });

  it("refuse what they do not understand", async () => {
    for (const [options, message] of [
      [{}, /cache-storage\.origin/],
      [{ origin: "a", prefix: "x" }, /Expected folders/],
      [{ origin: "a", ttl: 0 }, /cache-storage\.ttl/],
    ] as const) {
      assert.throws(() => cacheStorage(options as never), message);
    }
    await assert.rejects(
      hosts.open(place, { origin: "none" }),
      /cache-storage\.origin: unknown origin 'none'/,
    );
    await assert.rejects(
      hosts.open(place, { origin: "files" }),
      (error) => error instanceof MediaError && /cache-storage\.origin/.test(error.message),
    );
  });
});
