import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { avifLater } from "@mediatap/avif-later";
import { cacheKeyv } from "@mediatap/cache-keyv";
import type { Plugin, PluginApi } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { shareRedis } from "@mediatap/share-redis";
import { storageWeb } from "@mediatap/storage-web";
import {
  type Answer,
  describeWith,
  FFMPEG,
  makeFolder,
  makePng,
  REDIS,
  type Redis,
  runFfmpeg,
  startOrigin,
  startRedis,
  startServer,
  type TestFolder,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { warm } from "@mediatap/warm";
import sharp from "sharp";
import { authorization, callsOf, KEY } from "../../warm/test/calls.ts";
import { addressOf, begin, type Started } from "../../warm/test/programs.ts";
import { queueBullmq } from "../src/index.ts";

/** Milliseconds after which the job of a lost worker is reassigned. */
const TAKE_OVER = 5_000;

/** A lookup that a busy machine is slow with is no miss to these tests. */
const TIMEOUT_MS = 30_000;

const AVIF = { accept: "image/avif,image/webp,*/*" };

const plain = (red: number) => makePng(60, 40, () => [red, 30, 30, 255]);

describeWith(REDIS, "queue-bullmq", () => {
  let folder: TestFolder;
  let origin: WebOrigin;
  let cache: Redis;
  let queue: Redis;
  let server: TestServer;
  let renders: string[];
  let jobs: PluginApi["jobs"];
  const workers: Started[] = [];

  before(async () => {
    [cache, queue, folder] = await Promise.all([startRedis(), startRedis(), makeFolder()]);
    origin = await startOrigin({ "photo.png": plain(200) });
    renders = [];
    const counter: Plugin = {
      name: "counter",
      version: "1",
      apiVersion: 1,
      apply(api) {
        jobs = api.jobs;
        api.hooks.report.tap("counter", (report) => {
          if (report.kind === "render") renders.push(`${report.job.asset.path} ${report.job.accept}`);
        });
      },
    };
    server = await startServer({
      plugins: [
        urlImagekit(),
        storageWeb({ retries: 0 }),
        imageSharp(),
        videoFfmpeg(),
        cacheKeyv({ redis: cache.url, timeout: TIMEOUT_MS }),
        shareRedis({ redis: cache.url, timeout: TIMEOUT_MS }),
        avifLater(),
        queueBullmq(options()),
        warm(),
        counter,
      ],
      ...places(),
      privateKey: KEY,
      limits: { failureLifetime: 50 },
    });
    await folder.write("mediatap.config.mjs", workerConfig(100_000));
    await folder.write("hurried.config.mjs", workerConfig(200));
  });
  after(async () => {
    await server?.close();
    await Promise.all([folder?.close(), cache?.close(), queue?.close(), origin?.close()]);
  });

  const options = () => ({ redis: queue.url, takeOver: TAKE_OVER });
  const places = () => ({
    origins: { files: { type: "WEB_FOLDER", baseUrl: origin.url } },
    endpoints: {
      default: { origins: ["files"], autoAvif: true },
      films: { origins: ["files"], videoPolling: { interval: 10, tries: 2 } },
    },
  });

  const workerConfig = (drain: number) =>
    `import { cacheKeyv } from ${addressOf("cache-keyv")};
      import { queueBullmq } from ${addressOf("queue-bullmq")};
      import { shareRedis } from ${addressOf("share-redis")};
      import { storageWeb } from ${addressOf("storage-web")};
      export default {
        plugins: ["@mediatap/url-imagekit", storageWeb({ retries: 0 }), "@mediatap/image-sharp", "@mediatap/video-ffmpeg",
          cacheKeyv(${JSON.stringify({ redis: cache.url, timeout: TIMEOUT_MS })}),
          shareRedis(${JSON.stringify({ redis: cache.url, timeout: TIMEOUT_MS, member: "worker" })}),
          queueBullmq(${JSON.stringify(options())})],
        origins: ${JSON.stringify(places().origins)},
        endpoints: ${JSON.stringify(places().endpoints)},
        limits: { originFirstByte: 60000, imageWork: 100000, drain: ${drain}, originTotal: 100000 },
        log: { pretty: false },
      };`;

  async function startWorker(config = "mediatap.config.mjs"): Promise<Started> {
    const worker = begin(["work", "--config", `${folder.path}/${config}`]);
    workers.push(worker);
    await worker.printed("this worker is ready");
    // The server believes for a second that there is none. This call counts again.
    const headers = { authorization: authorization(KEY) };
    await until(
      async () => JSON.parse((await server.ask("/-/api/v1/queue", { headers })).text).workers > 0,
      "the server knows that there is a worker",
    );
    return worker;
  }

  async function stopWorkers(): Promise<void> {
    for (const worker of workers) worker.kill("SIGKILL");
    await Promise.all(workers.splice(0).map(({ ended }) => ended));
  }

  const askFor = (path: string) => server.ask(path, { headers: AVIF });

  /** Resolves with the AVIF, once the caches have it; until then each response is WebP. */
  const avifOf = (path: string): Promise<Answer> =>
    until(async () => {
      const answer = await askFor(path);
      assert.equal(answer.status, 200, answer.text);
      if (answer.headers["content-type"] === "image/avif") return answer;
      assert.equal(answer.headers["content-type"], "image/webp");
      return undefined;
    }, "AVIF is there");

  const rendersOf = (path: string) => renders.filter((text) => text.startsWith(`${path} `));

  /**
   * A file of the origin whose second request, and as many after it, are not answered until `release` is called. The first one is that
   * of the server, for WebP.
   */
  function holdBack(path: string, bytes: Uint8Array, requests = 1) {
    const held: ServerResponse[] = [];
    let count = 0;
    origin.files.set(path, {
      answer(_, response) {
        count++;
        if (count > 1 && count <= 1 + requests) held.push(response);
        else response.end(bytes);
      },
    });
    return {
      begun: (number = 1) => until(() => held.length >= number, "a worker has begun"),
      release: () => {
        for (const response of held) response.end(bytes);
      },
    };
  }

  const post = (path: string, body: object) =>
    server.ask(path, {
      method: "POST",
      headers: { authorization: authorization(KEY) },
      body: JSON.stringify(body),
    });

  describe("with a worker", () => {
    let worker: Started;
    before(async () => {
      worker = await startWorker();
    });
    after(stopWorkers);

    it("counts workers and jobs, for keys of all endpoints", async () => {
      const counts = async (key: string) => {
        const headers = { authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` };
        const { status, text } = await server.ask("/-/api/v1/queue", { headers });
        return [status, JSON.parse(text)];
      };
      assert.deepEqual(await counts(KEY), [200, { workers: 1, waiting: 0, active: 0, failed: 0 }]);
      assert.equal((await counts("wrong"))[0], 401);
    });

    it("has a worker encode AVIF while the server sends WebP, and then sends AVIF from the shared cache", async () => {
      const first = await askFor("/tr:w-30/photo.png");
      assert.equal(first.headers["content-type"], "image/webp");
      assert.equal(first.headers["x-mediatap-provenance"], "degraded");
      const avif = await avifOf("/tr:w-30/photo.png");
      assert.match(avif.headers["cache-status"] ?? "", /; hit/);
      assert.equal((await sharp(avif.body).metadata()).width, 30);
      assert.deepEqual(rendersOf("photo.png"), ["photo.png webp"]);
      await worker.printed("a job is done");
    });

    it("stores nothing that is older than a purge", async () => {
      const old = plain(220);
      const held = holdBack("purged.png", old);
      await askFor("/tr:w-31/purged.png");
      await held.begun();
      origin.files.set("purged.png", { bytes: plain(20) });
      const { id } = JSON.parse((await post("/-/api/v1/purges", { source: "/purged.png" })).text);
      const authorized = { headers: { authorization: authorization(KEY) } };
      await until(
        async () =>
          JSON.parse((await server.ask(`/-/api/v1/purges/${id}`, authorized)).text).state === "completed",
        "the purge is complete",
      );
      held.release();
      const avif = await until(async () => {
        const answer = await askFor("/tr:w-31/purged.png");
        const { dominant } = await sharp(answer.body).stats();
        assert.ok(dominant.r < 100, `${answer.headers["content-type"]}: red is ${dominant.r}`);
        return answer.headers["content-type"] === "image/avif" && answer;
      }, "AVIF is there");
      assert.match(avif.headers["cache-status"] ?? "", /; hit/);
    });

    it("makes what the plugin warm asks for, with the failures that the server would have", async () => {
      origin.files.set("warm.png", { bytes: plain(90) });
      const { done, errors } = await callsOf(server).warm(["/tr:w-31/warm.png", "/tr:w-31/missing.png"]);
      assert.equal(done, 1);
      assert.deepEqual(
        errors.map(({ url, code }) => [url, code]),
        [["/tr:w-31/missing.png", "ENOENT"]],
      );
      assert.match((await askFor("/tr:w-31/warm.png")).headers["cache-status"] ?? "", /; hit/);
      const requests = origin.count("missing.png");
      const missing = await askFor("/tr:w-31/missing.png");
      assert.equal(missing.status, 404);
      assert.equal(origin.count("missing.png"), requests, "the failure is remembered");
      assert.deepEqual(
        renders.filter((text) => /warm|missing/.test(text)),
        [],
      );
    });

    it("makes what a plugin enqueues", async () => {
      origin.files.set("ahead.png", { bytes: plain(90) });
      const headers = { accept: "image/webp" };
      await jobs.enqueue(await jobs.resolve("/tr:w-31/ahead.png", headers));
      const { headers: sent } = await server.ask("/tr:w-31/ahead.png", { headers });
      assert.match(sent["cache-status"] ?? "", /; hit/);
      assert.deepEqual(rendersOf("ahead.png"), []);
    });

    describeWith(FFMPEG, "whole videos", () => {
      it("are encoded by a worker while clients are redirected to the original", async () => {
        const clip = join(folder.path, "clip.mp4");
        await runFfmpeg(clip, "-f", "lavfi", "-i", "testsrc=s=64x48:d=1", "-pix_fmt", "yuv420p");
        origin.files.set("clip.mp4", { bytes: await readFile(clip) });
        const path = "/films/clip.mp4?tr=w-32";
        const found = await until(async () => {
          const answer = await server.ask(path);
          assert.ok([200, 302].includes(answer.status), answer.text);
          return answer.status === 200 && answer;
        }, "the video is there");
        assert.equal(found.headers["content-type"], "video/mp4");
        await worker.printed("clip.mp4");
        assert.deepEqual(rendersOf("clip.mp4"), []);
      });
    });
  });

  describe("if a worker or Redis ends", () => {
    afterEach(stopWorkers);

    it("has the job of a killed worker taken over once, and no client gets an error", async () => {
      const held = holdBack("killed.png", plain(120));
      const lost = await startWorker();
      assert.equal((await askFor("/tr:w-31/killed.png")).headers["content-type"], "image/webp");
      await held.begun();
      const heir = await startWorker();
      lost.kill("SIGKILL");
      await lost.ended;
      await avifOf("/tr:w-31/killed.png");
      await heir.printed('"takenOver":true');
      assert.equal(origin.count("killed.png"), 3);
      assert.deepEqual(rendersOf("killed.png"), ["killed.png webp"]);
    });

    it("gives up a job that has lost two workers, and the clients keep WebP", async () => {
      const held = holdBack("deadly.png", plain(120), 100);
      const lost = await startWorker();
      await askFor("/tr:w-31/deadly.png");
      await held.begun(1);
      const heir = await startWorker();
      lost.kill("SIGKILL");
      await held.begun(2);
      const last = await startWorker();
      heir.kill("SIGKILL");
      const [failed = ""] = await until(async () => {
        const keys = (await queue.command("keys", "mediatap:*:failed")).split("\n").filter(Boolean);
        return keys.length > 0 && keys;
      }, "it is given up");
      assert.equal(await queue.command("zcard", failed), "1");
      for (let at = 0; at < 5; at++) {
        const { status, headers } = await askFor("/tr:w-31/deadly.png");
        assert.equal(status, 200);
        assert.equal(headers["content-type"], "image/webp");
      }
      origin.files.set("harmless.png", { bytes: plain(90) });
      await avifOf("/tr:w-31/harmless.png");
      await last.printed("harmless.png");
      assert.equal(origin.count("deadly.png"), 3);
      assert.deepEqual(rendersOf("deadly.png"), ["deadly.png webp"]);
      held.release();
    });

    it("does the work itself without a worker", async () => {
      origin.files.set("alone.png", { bytes: plain(90) });
      await askFor("/tr:w-31/alone.png");
      await avifOf("/tr:w-31/alone.png");
      assert.deepEqual(rendersOf("alone.png"), ["alone.png webp", "alone.png avif"]);
    });

    it("does the work itself if the last worker dies", async () => {
      const held = holdBack("last.png", plain(90));
      const worker = await startWorker();
      await askFor("/tr:w-31/last.png");
      await held.begun();
      worker.kill("SIGKILL");
      await avifOf("/tr:w-31/last.png");
      assert.deepEqual(rendersOf("last.png"), ["last.png webp", "last.png avif"]);
    });

    it("does the work itself while Redis is away; workers continue once it is back", async () => {
      const worker = await startWorker();
      await queue.close();
      origin.files.set("away.png", { bytes: plain(90) });
      await askFor("/tr:w-31/away.png");
      await avifOf("/tr:w-31/away.png");
      assert.deepEqual(rendersOf("away.png"), ["away.png webp", "away.png avif"]);
      queue = await startRedis({ port: queue.port });
      let number = 0;
      await until(async () => {
        const path = `back-${++number}.png`;
        origin.files.set(path, { bytes: plain(number % 256) });
        await avifOf(`/tr:w-31/${path}`);
        return rendersOf(path).length === 1;
      }, "a worker encodes again");
      await worker.printed(`back-${number}.png`);
    });

    it("finishes running jobs at SIGTERM", async () => {
      const held = holdBack("finished.png", plain(90));
      const worker = await startWorker();
      await askFor("/tr:w-31/finished.png");
      await held.begun();
      worker.kill("SIGTERM");
      await worker.printed("finishing running jobs");
      held.release();
      assert.equal(await worker.ended, 0);
      assert.match(worker.output.out, /a job is done/);
      await avifOf("/tr:w-31/finished.png");
    });

    it("returns jobs that take longer than limits.drain to the queue", async () => {
      const held = holdBack("returned.png", plain(90));
      const worker = await startWorker("hurried.config.mjs");
      await askFor("/tr:w-31/returned.png");
      await held.begun();
      const other = await startWorker();
      worker.kill("SIGTERM");
      assert.equal(await worker.ended, 0);
      assert.match(worker.output.out, /a job was returned to the queue/);
      await avifOf("/tr:w-31/returned.png");
      await other.printed("a job is done");
      assert.deepEqual(rendersOf("returned.png"), ["returned.png webp"]);
    });
  });
});

describe("queue-bullmq: options", () => {
  it("are checked, by name", () => {
    for (const [options, message] of [
      [{}, /redis/],
      [{ redis: "http://a" }, /redis: Expected a URL that begins with redis:\/\/ or rediss:\/\//],
      [{ redis: "redis://a", name: "a:b" }, /name/],
      [{ redis: "redis://a", concurrency: 0 }, /concurrency/],
      [{ redis: "redis://a", takeOver: 1 }, /takeOver/],
      [{ redis: "redis://a", wait: -1 }, /wait/],
      [{ redis: "redis://a", waiting: 0 }, /waiting/],
      [{ redis: "redis://a", nam: "a" }, /nam/],
    ] as const) {
      assert.throws(() => queueBullmq(options as never), message);
    }
    assert.equal(queueBullmq({ redis: "redis://a" }).name, "queue-bullmq");
  });
});
