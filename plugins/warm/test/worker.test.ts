import assert from "node:assert/strict";
import { cacheKeyv } from "@mediatap/cache-keyv";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import {
  describeWith,
  makeFolder,
  makePng,
  REDIS,
  type Redis,
  startOrigin,
  startRedis,
  startServer,
  type TestFolder,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { warm } from "../src/index.ts";
import { callsOf, KEY } from "./calls.ts";
import { addressOf, begin, type Started } from "./programs.ts";

/** Milliseconds after which the work of a lost worker is taken over. */
const TAKE_OVER = 2_000;

/** A lookup that a busy machine is slow with is no miss to these tests. */
const TIMEOUT_MS = 30_000;

describeWith(REDIS, "warm with a queue in Redis", () => {
  let folder: TestFolder;
  let origin: WebOrigin;
  let redis: Redis;
  let server: TestServer;
  let workers: Started[];
  beforeEach(async () => {
    workers = [];
    [redis, folder] = await Promise.all([startRedis(), makeFolder()]);
    origin = await startOrigin({ "photo.png": await makePng(40, 30, () => [200, 0, 0, 255]) });
    server = await startHere();
    const { origins, endpoints } = places();
    await folder.write(
      "mediatap.config.mjs",
      `import { cacheKeyv } from ${addressOf("cache-keyv")};
      import { warm } from ${addressOf("warm")};
      export default {
        plugins: ["@mediatap/url-imagekit", "@mediatap/storage-web", "@mediatap/image-sharp",
          cacheKeyv(${JSON.stringify(cache())}), warm(${JSON.stringify(options())})],
        origins: ${JSON.stringify(origins)},
        endpoints: ${JSON.stringify(endpoints)},
        log: { pretty: false },
      };`,
    );
  });
  afterEach(async () => {
    for (const worker of workers) worker.kill("SIGKILL");
    await Promise.all(workers.map(({ ended }) => ended));
    await server?.close();
    await Promise.all([folder?.close(), redis?.close(), origin?.close()]);
  });

  const cache = () => ({ redis: redis.url, timeout: TIMEOUT_MS });
  const options = () => ({ queue: { redis: redis.url, takeOver: TAKE_OVER } });
  const places = () => ({
    origins: { files: { type: "WEB_FOLDER", baseUrl: origin.url } },
    endpoints: { default: { origins: ["files"] } },
  });
  const startHere = () =>
    startServer({
      plugins: [urlImagekit(), storageWeb(), imageSharp(), cacheKeyv(cache()), warm(options())],
      ...places(),
      privateKey: KEY,
    });

  async function startWorker(): Promise<Started> {
    const worker = begin(["worker", "--config", `${folder.path}/mediatap.config.mjs`]);
    workers.push(worker);
    await worker.printed("this worker is ready");
    return worker;
  }
  const renders = () => {
    let made = 0;
    server.server.runtime.hooks.report.tap("test", ({ kind }) => {
      if (kind === "render") made++;
    });
    return () => made;
  };

  it("has other processes make it: here it is a hit", async () => {
    const made = renders();
    const worker = await startWorker();
    const path = "/tr:w-20,rt-90/photo.png";
    const progress = await callsOf(server).warm([path, "/missing.png", "/tr:w-abc/photo.png"]);
    const [newest] = await callsOf(server).list();
    assert.deepEqual({ ...newest }, { ...progress, id: newest?.id, added: newest?.added });
    assert(Math.abs(Date.now() - Date.parse(newest?.added ?? "")) < 120_000);
    assert.deepEqual([progress.total, progress.done, progress.failed], [3, 1, 2]);
    assert.deepEqual(
      progress.errors.map(({ url, code }) => [url, code]),
      [
        ["/tr:w-abc/photo.png", "EINVAL"],
        ["/missing.png", "ENOENT"],
      ],
    );
    const { status, headers } = await server.ask(path, { headers: { accept: "image/webp" } });
    assert.equal(status, 200);
    assert.match(headers["cache-status"] ?? "", /; hit/);
    assert.equal(made(), 0, "nothing was made here");
    worker.kill("SIGTERM");
    assert.equal(await worker.ended, 0);
  });

  it("keeps what waits, and tells how far it is, also after the server that was asked has ended", async () => {
    const { post, tell } = callsOf(server);
    const { id } = JSON.parse((await post({ urls: ["/tr:w-20/photo.png", "/tr:w-21/photo.png"] })).text);
    assert.deepEqual(await tell(id), { total: 2, done: 0, failed: 0, errors: [] });
    await server.close();
    await startWorker();
    server = await startHere();
    const calls = callsOf(server);
    await until(async () => (await calls.tell(id)).done === 2, "both are done");
  });

  it("gives the work of a worker that was killed to another one", async () => {
    const lost = await startWorker();
    // The one that asks for it waits for ever.
    origin.files.set("held.png", { answer: () => {} });
    const { post, tell } = callsOf(server);
    const { id } = JSON.parse((await post({ urls: ["/tr:w-20/held.png"] })).text);
    await origin.asked("held.png");
    lost.kill("SIGKILL");
    await lost.ended;
    origin.files.set("held.png", { bytes: await makePng(40, 30, () => [0, 200, 0, 255]) });
    const heir = await startWorker();
    await until(async () => (await tell(id)).done === 1, "it is done");
    await heir.printed("a URL was rendered");
    const { headers } = await server.ask("/tr:w-20/held.png", { headers: { accept: "image/webp" } });
    assert.match(headers["cache-status"] ?? "", /; hit/);
  });

  it("ends what it has begun when it is told to end", async () => {
    const worker = await startWorker();
    const { post, tell } = callsOf(server);
    const urls = Array.from({ length: 20 }, (_, at) => `/tr:w-${at + 10}/photo.png`);
    const { id } = JSON.parse((await post({ urls })).text);
    await worker.printed("a URL was rendered");
    worker.kill("SIGTERM");
    assert.equal(await worker.ended, 0);
    const { total, done, failed } = await tell(id);
    assert.deepEqual([total, failed], [20, 0]);
    assert(done >= 1);
    await startWorker();
    await until(async () => (await tell(id)).done === 20, "all are done");
  });

  it("answers 503 while Redis is away, and goes on when it is back", async () => {
    const { post } = callsOf(server);
    await redis.close();
    const { status, text, headers } = await post({ urls: ["/tr:w-20/photo.png"] });
    assert.equal(status, 503, text);
    assert.equal(headers["retry-after"], "5");
    assert.match(text, /The queue cannot be reached/);
    redis = await startRedis({ port: redis.port });
    const again = async () => (await post({ urls: ["/tr:w-20/photo.png"] })).status === 202;
    await until(again, "it goes on");
  });
});
