import assert from "node:assert/strict";
import fs from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { bytesOf, type CacheHost, type Finding, passTime, resetTime, until } from "@mediatap/test";
import { makePlace, newEntry, type Place, recorder } from "./place.ts";

/** Milliseconds for which a folder that failed is left alone: longer than a test takes, and less than a log is quiet about it. */
const REST_MS = 40_000;

const NOTHING: Finding = { found: undefined, stale: undefined };

describe("cache-disk: faults of the disk", () => {
  let place: Place;
  let host: CacheHost;
  let lines: ReturnType<typeof recorder>["lines"];
  const mended: (() => void)[] = [];
  const open = async (timeout?: number, rest = REST_MS) => {
    const { log, ...more } = recorder();
    lines = more.lines;
    host = await place.open(timeout === undefined ? {} : { timeout }, {
      log,
      limits: { failureLifetime: rest },
    });
  };
  beforeEach(async () => {
    place = await makePlace();
    await open();
  });
  afterEach(async () => {
    resetTime();
    mend();
    await place.close();
  });

  /** Has calls of the file system fail, or never come back. */
  function breakCalls(of: object, names: readonly string[], answer: (...args: never[]) => unknown) {
    const calls = of as Record<string, unknown>;
    for (const name of names) {
      const real = calls[name];
      calls[name] = answer;
      mended.push(() => {
        calls[name] = real;
      });
    }
  }
  function mend() {
    for (const back of mended.splice(0).reverse()) back();
  }
  const error = (code: string) => Object.assign(new Error(`${code}: no luck`), { code });
  const failing =
    (code: string) =>
    (...args: unknown[]) => {
      const done = args.at(-1);
      if (typeof done !== "function") return Promise.reject(error(code));
      setImmediate(() => done(error(code)));
    };
  const rested = () => passTime(REST_MS);
  const warnings = (text: string) =>
    lines.filter(({ level, msg }) => level >= 40 && msg.includes(text)).length;

  async function stored() {
    const entry = newEntry("a.jpg");
    await host.store(entry.record, entry.bytes);
    return entry;
  }
  async function isKept() {
    const { record, bytes } = await stored();
    const { found } = await host.find(record.key);
    return found !== undefined && (await bytesOf(found)).equals(bytes);
  }

  for (const [code, calls] of [
    ["ENOSPC", ["open"]],
    ["EROFS", ["open", "mkdir", "utimes", "rename", "rm"]],
    ["EDQUOT", ["rename"]],
    ["EMFILE", ["open"]],
  ] as const) {
    it(`writes nothing while ${calls[0]} says ${code}, says so once, and goes on when that is over`, async () => {
      const before = await stored();
      breakCalls(fs.promises, calls, failing(code));
      for (let i = 0; i < 20; i++) assert.equal(await isKept(), false);
      assert((await host.find(before.record.key)).found, "what is there is still read");
      rested();
      assert.equal(await isKept(), false);
      assert.equal(warnings("cannot be written to"), 1);
      mend();
      rested();
      assert(await isKept());
      assert(lines.some(({ msg }) => msg.includes("written to again")));
      assert.deepEqual(await place.files(/\.tmp$/), []);
    });
  }

  it("keeps no part of an entry that a full disk took half of", async () => {
    const { writev } = Object.getPrototypeOf(await openHandle());
    breakCalls(Object.getPrototypeOf(await openHandle()), ["writev"], function (
      this: object,
      [head]: [Buffer],
    ) {
      return writev.call(this, [head.subarray(0, 20)]);
    } as never);
    const { record } = await stored();
    mend();
    assert.deepEqual(await host.find(record.key), NOTHING);
    assert.deepEqual(await place.files(/entries\/..\/./), []);
  });

  async function openHandle() {
    await mkdir(place.path, { recursive: true });
    const handle = await fs.promises.open(`${place.path}/probe`, "w");
    await handle.close();
    return handle;
  }

  it("passes while the folder cannot be read, and asks it less and less", async () => {
    const entries = [await stored(), await stored(), await stored()];
    let asked = 0;
    breakCalls(fs, ["open"], (...args: unknown[]) => {
      asked++;
      failing("EIO")(...args);
    });
    for (let i = 0; i < 10; i++)
      for (const { record } of entries) assert.deepEqual(await host.find(record.key), NOTHING);
    assert.equal(asked, 3);
    rested();
    for (const { record } of entries) await host.find(record.key);
    assert.equal(asked, 4, "one probe");
    assert.equal(warnings("cannot be read"), 1);
    mend();
    rested();
    assert((await host.find(entries[0]?.record.key ?? "")).found);
    assert(lines.some(({ msg }) => msg.includes("read again")));
  });

  for (const call of ["open", "read"]) {
    it(`waits for no ${call} that does not come back`, async () => {
      await open(40);
      const { record } = await stored();
      breakCalls(fs, [call], () => undefined);
      const all = await Promise.all(Array.from({ length: 50 }, () => host.find(record.key)));
      for (const found of all) assert.deepEqual(found, NOTHING);
      // From now on not even that long.
      let asked = 0;
      breakCalls(fs, [call], () => asked++);
      for (let i = 0; i < 50; i++) assert.deepEqual(await host.find(record.key), NOTHING);
      assert.equal(asked, 0);
      mend();
      // A busy machine may be slower than its time limit.
      await until(async () => {
        rested();
        return (await host.find(record.key)).found;
      }, "it is read again");
    });
  }

  it("does not pile up what a slow disk cannot take", async () => {
    let held = 0;
    let most = 0;
    const release = Promise.withResolvers<void>();
    const { open } = fs.promises;
    breakCalls(fs.promises, ["open"], async (...args: never[]) => {
      most = Math.max(most, ++held);
      await release.promise;
      held--;
      return (open as (...all: never[]) => unknown)(...args);
    });
    const entries = Array.from({ length: 40 }, () => newEntry("a.jpg", 4 * 1024 * 1024));
    const storing = entries.map(({ record, bytes }) => host.store(record, bytes));
    await until(() => held === 4, "some are written");
    release.resolve();
    await Promise.all(storing);
    assert.equal(most, 4, "few are written at one time");
    const kept = (await place.entries()).length;
    assert(kept >= 10 && kept <= 16, `${kept} of 40 were waiting, 64 MB at most`);
  });

  it("makes a folder again that vanished", async () => {
    const { record } = await stored();
    await rm(place.path, { recursive: true });
    assert.deepEqual(await host.find(record.key), NOTHING);
    assert(await isKept());
    await rename(place.path, `${place.path}.away`);
    assert(await isKept());
    assert.equal(warnings(""), 0);
  });

  it("lives with a path where no folder can be, and uses it as soon as it can", async () => {
    await writeFile(place.path, "a file");
    for (let i = 0; i < 5; i++) assert.equal(await isKept(), false);
    await rm(place.path);
    rested();
    assert(await isKept());
  });

  it("starts where no folder can be", async () => {
    await writeFile(place.path, "a file");
    const other = await place.open();
    assert.deepEqual(await other.find("x"), NOTHING);
    await other.close();
  });

  it("keeps nothing of an entry whose body breaks off, and takes that for no fault of the disk", async () => {
    const { record, bytes } = newEntry("a.jpg", 700_000);
    await host.store(record, bytes);
    const { found } = await host.find(record.key);
    // It is gone by the time when it is to be written again.
    await host.purge("all", "");
    for (let i = 0; i < 5; i++) {
      const entry = newEntry("b.jpg", 700_000);
      await host.findWhole(entry.record.key, { record: entry.record, body: found?.body as never });
      assert.deepEqual(await host.find(entry.record.key), NOTHING);
    }
    assert(await isKept());
    assert.equal(warnings(""), 0);
  });

  it("serves nothing of what it was to purge and cannot remove, and removes it when it can", async () => {
    await open(undefined, 20);
    for (const kind of ["all", "key"] as const) {
      const { record } = await stored();
      breakCalls(fs.promises, ["rename", "rm", "appendFile"], failing("EROFS"));
      await host.purge(kind, kind === "key" ? record.key : "");
      assert.deepEqual(await host.find(record.key), NOTHING);
      mend();
      rested();
      assert.deepEqual(await host.find(record.key), NOTHING);
      await until(async () => (await place.entries()).length === 0, "it is removed");
      // Of the first one it cannot be known whether it is older than the purge, nor in the millisecond of a purge.
      passTime(1);
      await stored();
      assert(await isKept());
      await host.purge("all", "");
      passTime(1);
    }
  });

  it("purges even where it cannot note that", async () => {
    const { record } = await stored();
    breakCalls(fs.promises, ["appendFile"], failing("ENOSPC"));
    const entry = newEntry("a.jpg", 300_000);
    const storing = host.store(entry.record, entry.bytes);
    await host.purge("source", "a.jpg");
    await storing;
    for (const key of [record.key, entry.record.key]) assert.deepEqual(await host.find(key), NOTHING);
    assert.equal(warnings("a purge of a cache failed"), 1);
  });
});
