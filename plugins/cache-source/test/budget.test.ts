import assert from "node:assert/strict";
import { mkdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestServer, WebOrigin } from "@mediatap/test";
import { until } from "@mediatap/test";
import { type Copies, DAY, noise, openPlace, type Place, type Setting } from "./server.ts";

/** About as many bytes has each picture. */
const SIZE = 60_000;

describe("cache-source: the budget", () => {
  let place: Place;
  let origin: WebOrigin;
  let copies: Copies;
  beforeEach(async () => {
    place = await openPlace({});
    ({ origin, copies } = place);
    for (let at = 0; at < 40; at++) origin.files.set(`${at}.png`, { bytes: noise(SIZE, at + 1) });
  });
  afterEach(() => place.close());

  const start = (budget: number | false, options: Setting["options"] = {}) =>
    place.start({ options: { budget, maxFileBytes: 2 * SIZE, ...options } });

  async function bytesThere(): Promise<number> {
    const sizes = await Promise.all(
      (await copies.bytes()).map(
        async (path) => (await stat(join(copies.path, path)).catch(() => undefined))?.size,
      ),
    );
    return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  }

  /** Asks for a picture, and waits for its copy. */
  async function keep(server: TestServer, at: number): Promise<void> {
    assert.equal((await server.ask(`/tr:w-10/${at}.png`)).status, 200);
    await until(async () => !(await wasAsked(server, at)), `a copy of ${at}`);
  }

  /** Whether a picture had to be fetched from the origin. */
  async function wasAsked(server: TestServer, at: number): Promise<boolean> {
    const before = origin.count(`${at}.png`);
    assert.equal((await server.ask(`/tr:w-11/${at}.png`)).status, 200);
    return origin.count(`${at}.png`) > before;
  }

  it("removes the copies that were used least recently", async () => {
    const budget = 10 * SIZE;
    const server = await start(budget);
    await keep(server, 0);
    const asked = origin.count("0.png");
    for (let at = 1; at < 30; at++) {
      await keep(server, at);
      // One is used again and again.
      await server.ask(`/tr:w-${10 + at}/0.png`);
    }
    await until(async () => (await bytesThere()) <= budget, "the budget is kept");
    assert((await copies.records()).length >= 5);
    await until(async () => (await copies.records()).length === (await copies.bytes()).length, "in pairs");
    assert.equal(origin.count("0.png"), asked);
    assert.equal(await wasAsked(server, 29), false);
    assert.equal(await wasAsked(server, 1), true);
  });

  it("counts what lay there at the start, and knows what was used before", async () => {
    const before = await start(false);
    for (let at = 0; at < 20; at++) await keep(before, at);
    assert((await bytesThere()) > 15 * SIZE);
    await before.close();
    // All but one were used long ago.
    let first = true;
    await copies.edit(({ used }) => {
      const kept = first;
      first = false;
      return { used: kept ? used : used - 2 * DAY };
    });
    const [path = ""] = await copies.records();
    const budget = 10 * SIZE;
    const server = await start(budget);
    await keep(server, 30);
    await until(async () => (await bytesThere()) <= budget, "the budget is kept");
    assert((await copies.records()).includes(path));
    assert.equal(await wasAsked(server, 30), false);
  });

  it("is kept by two processes of one folder", async () => {
    const budget = 10 * SIZE;
    const [one, two] = [await start(budget), await start(budget)];
    for (let at = 0; at < 40; at += 2) {
      await Promise.all([keep(one, at), keep(two, at + 1)]);
    }
    // Each may not yet know of what the other wrote last.
    await until(async () => (await bytesThere()) <= 1.1 * budget + SIZE, "the budget is kept");
  });

  it("removes what a broken off copy left behind, after a day, and nothing of anybody else", async () => {
    const server = await start(100 * SIZE);
    const hash = `${"ab".repeat(32)}-${"cd".repeat(32)}`;
    const files = {
      old: `ab/${hash}.${"0".repeat(32)}`,
      young: `ab/${hash}.${"1".repeat(32)}`,
      foreign: "ab/readme.txt",
    };
    await mkdir(join(copies.path, "ab"), { recursive: true });
    for (const path of Object.values(files)) await writeFile(join(copies.path, path), "bytes");
    const past = new Date(Date.now() - 2 * DAY);
    for (const path of [files.old, files.foreign]) await utimes(join(copies.path, path), past, past);
    await keep(server, 0);
    await until(async () => !(await copies.bytes()).includes(files.old), "the old bytes are gone");
    assert((await copies.bytes()).includes(files.young));
    assert.deepEqual(await copies.others(), [files.foreign]);
  });

  it("notes in the folder, now and then, that a copy is used", async () => {
    const server = await start(100 * SIZE, { revalidate: false });
    await keep(server, 0);
    await copies.age(DAY);
    const [path = ""] = await copies.records();
    const used = async () => (await copies.timesOf(path)).used;
    assert((await used()) < Date.now() - DAY / 2);
    await server.ask("/tr:w-20/0.png");
    await until(async () => (await used()) > Date.now() - DAY / 2, "it is noted");
  });

  it("leaves files out that would take too much of it", async () => {
    const server = await place.start({ options: { budget: 7 * SIZE } });
    await server.ask("/tr:w-10/0.png");
    origin.files.set("small.png", { bytes: noise(SIZE / 10, 77) });
    await server.ask("/tr:w-10/small.png");
    await copies.saved(1);
    assert((await bytesThere()) < SIZE);
  });
});
