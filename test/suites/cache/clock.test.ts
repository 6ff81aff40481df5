import assert from "node:assert/strict";
import { cacheDisk } from "@mediatap/cache-disk";
import { cacheMemory } from "@mediatap/cache-memory";
import { cacheSource } from "@mediatap/cache-source";
import { cacheStorage } from "@mediatap/cache-storage";
import type { MediatapConfig, Plugin } from "@mediatap/core";
import { createTokens } from "@mediatap/core/storage";
import { imageSharp } from "@mediatap/image-sharp";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import {
  makeFolder,
  passTime,
  resetTime,
  setClock,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { photo, seen } from "../support/photos.ts";

const HOUR = 60 * 60_000;
const YEAR = 365 * 24 * HOUR;
const PATH = "/tr:f-png/photo.jpg";

const CACHES: Readonly<Record<string, (folder: TestFolder) => Plugin>> = {
  "in memory": () => cacheMemory(),
  "on disk": ({ path }) => cacheDisk({ path: `${path}/cache` }),
  "in a storage": () => cacheStorage({ origin: "renditions" }),
  "of originals": () => cacheSource({ storage: "renditions" }),
};

describe("a clock that is set back", () => {
  let origin: WebOrigin;
  let folder: TestFolder;
  let server: TestServer | undefined;
  beforeEach(async () => {
    origin = await startOrigin({ "photo.jpg": await photo(120, 80) });
    folder = await makeFolder({ "renditions/.keep": "" });
  });
  afterEach(async () => {
    resetTime();
    await server?.close();
    server = undefined;
    await Promise.all([origin.close(), folder.close()]);
  });

  const start = async (cache: Plugin, more: MediatapConfig = {}) => {
    await server?.close();
    server = await startServer({
      plugins: [
        urlImagekit(),
        manageImagekit(),
        storageFs(),
        storageWeb({ retries: 0 }),
        imageSharp(),
        cache,
      ],
      origins: {
        web: { type: "WEB_FOLDER", baseUrl: origin.url },
        renditions: { type: "FOLDER", path: `${folder.path}/renditions` },
      },
      endpoints: { default: { origins: ["web"] } },
      ...more,
    });
    return server;
  };
  const widthOf = async ({ body }: { body: Buffer }) => (await seen(body)).width;

  for (const [where, cacheIn] of Object.entries(CACHES)) {
    for (const ahead of [HOUR, 10 * YEAR]) {
      it(`makes what was stored ${where} ${ahead / HOUR} hours ahead stale, not immortal`, async () => {
        setClock(ahead);
        // Its end waits for what is being written.
        const restart = async () => {
          if (!server || where !== "in memory") await start(cacheIn(folder), { staleWhileRevalidate: 0 });
          return server as TestServer;
        };
        assert.equal(await widthOf(await (await restart()).ask(PATH)), 120);
        await restart();
        resetTime();
        origin.files.set("photo.jpg", { bytes: await photo(90, 60) });
        assert.equal(await widthOf(await (await restart()).ask(PATH)), 90);
        const asked = origin.requests.length;
        assert.equal(await widthOf(await (await restart()).ask(PATH)), 90);
        assert.equal(origin.requests.length, asked, "what was stored since is fresh");
      });
    }
  }

  it("makes what was stored on disk stale for the next process, too, once and not at each start", async () => {
    const disk = () => cacheDisk({ path: `${folder.path}/cache` });
    setClock(YEAR);
    await (await start(disk())).ask(PATH);
    // The server is closed, so the entry is written.
    await start(disk());
    resetTime();
    for (const [count, status] of [
      [2, "stale"],
      [2, "hit"],
    ] as const) {
      const { ask } = await start(disk(), { staleWhileRevalidate: 0 });
      const answer = await ask(PATH);
      assert.equal(answer.status, 200);
      assert.match(answer.headers["cache-status"] ?? "", new RegExp(status));
      assert.equal(origin.count("photo.jpg"), count);
    }
  });

  it("lets stale pictures be served while they are confirmed, and where the origin fails", async () => {
    setClock(YEAR);
    const { ask } = await start(cacheMemory());
    await ask(PATH);
    resetTime();
    const old = await ask(PATH);
    assert.equal(old.headers["x-mediatap-provenance"], "stale");
    assert.match(old.headers["cache-status"] ?? "", /^mediatap; hit; ttl=0/);
    await until(() => origin.count("photo.jpg") === 2, "it is confirmed");
    let answer = old;
    while (answer.headers["x-mediatap-provenance"] === "stale") answer = await ask(PATH);
    assert.match(answer.headers["cache-status"] ?? "", /^mediatap; hit; ttl=\d+/);
    assert.equal(origin.count("photo.jpg"), 2);
  });

  it("keeps no place for a stale picture where none may stand in", async () => {
    setClock(YEAR);
    const { ask } = await start(cacheMemory(), { staleWhileRevalidate: 0, staleIfError: 0 });
    await ask(PATH);
    resetTime();
    origin.files.set("photo.jpg", { answer: (_, response) => response.writeHead(500).end() });
    assert.equal((await ask(PATH)).status, 404);
  });

  it("forgets failures that were remembered", async () => {
    setClock(HOUR);
    const { ask } = await start(cacheMemory());
    assert.equal((await ask("/later.jpg")).status, 404);
    resetTime();
    origin.files.set("later.jpg", { bytes: await photo(20, 20) });
    assert.equal((await ask("/later.jpg")).status, 200);
  });

  it("explains them as stale", async () => {
    setClock(YEAR);
    const { ask } = await start(cacheMemory(), { server: { explain: true } });
    await ask(PATH);
    const state = async () => JSON.parse((await ask(`/-/explain?url=${PATH}`)).text).cache.state;
    assert.equal(await state(), "fresh");
    resetTime();
    assert.equal(await state(), "stale");
  });

  it("does not bring back what was purged meanwhile", async () => {
    const privateKey = "a key that is long enough";
    const authorization = `Basic ${Buffer.from(`${privateKey}:`).toString("base64")}`;
    const restart = () =>
      start(cacheStorage({ origin: "renditions" }), { staleWhileRevalidate: 0, privateKey });
    setClock(YEAR);
    await (await restart()).ask(PATH);
    await server?.close();
    resetTime();
    const { ask } = await restart();
    const body = JSON.stringify({ source: "photo.jpg" });
    const purged = await ask("/-/api/v1/purges", { method: "POST", headers: { authorization }, body });
    assert.equal(purged.status, 201);
    // Purges are forgotten when all that was stored before them has expired.
    setClock(YEAR / 2);
    assert.match((await (await restart()).ask(PATH)).headers["cache-status"] ?? "", /fwd=miss/);
  });

  it("does not make a login last longer than its service said", async () => {
    let logins = 0;
    const tokens = createTokens(async () => {
      logins++;
      // It ends at once, as soon as its first second is over; by this clock in an hour.
      return { text: `token ${logins}`, expires: Date.now() + HOUR };
    });
    assert.equal(await tokens(), "token 1");
    setClock(-YEAR);
    passTime(HOUR);
    assert.equal(await tokens(), "token 2");
  });
});
