import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { cacheMemory } from "@mediatap/cache-memory";
import { bodyOf, type CompleteBody, MediaError, type MediatapConfig, type Plugin } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, makePng, startServer, type TestFolder, type TestServer, until } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { type WarmOptions, warm } from "../src/index.ts";
import { authorization, callsOf, KEY } from "./calls.ts";

/** An engine for `.mp4` that the test holds back; a file named `grows` grows while it is made. */
function heldVideos() {
  const begun: string[] = [];
  let busy = 0;
  let open = Promise.withResolvers<void>();
  const plugin: Plugin = {
    name: "held-videos",
    version: "1.0.0",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.transform.tap("held-videos", ({ asset }) => {
        if (!asset.path.endsWith(".mp4")) return undefined;
        const bytes = Buffer.from(`all of ${asset.path}`);
        const whole = bodyOf(bytes);
        async function run() {
          begun.push(asset.path);
          if (busy-- > 0) throw new MediaError("EBUSY", "The server is busy", { retryAfterSeconds: 1 });
          await open.promise;
          if (!asset.path.includes("grows")) return { body: whole, type: "video/mp4", format: "mp4" };
          const grown = Promise.withResolvers<CompleteBody>();
          async function* grow() {
            yield bytes.subarray(0, 3);
            yield bytes.subarray(3);
            grown.resolve(whole);
          }
          const stream = async () => Readable.from(grow());
          const body = { complete: false, stream, completed: grown.promise } as const;
          return { body, type: "video/mp4", format: "mp4" };
        }
        return { engine: "held-videos", lane: "video", cost: 1, memory: 0, explain: () => ({}), run };
      });
    },
  };
  return {
    plugin,
    begun,
    /** The next runs are refused. */
    refuse(times: number) {
      busy = times;
    },
    hold() {
      open = Promise.withResolvers();
    },
    let: () => open.resolve(),
  };
}

describe("warm", () => {
  let folder: TestFolder;
  let server: TestServer;
  let videos: ReturnType<typeof heldVideos>;
  before(async () => {
    folder = await makeFolder({
      "photo.png": await makePng(40, 30, () => [200, 0, 0, 255]),
      "a.mp4": "a",
      "b.mp4": "b",
      "grows.mp4": "g",
    });
  });
  after(() => folder.close());
  afterEach(async () => {
    videos.let();
    await server?.close();
  });

  const configured = (options: WarmOptions = {}, more: Partial<MediatapConfig> = {}): MediatapConfig => ({
    plugins: [urlImagekit(), storageFs(), imageSharp(), videos.plugin, cacheMemory(), warm(options)],
    origins: { files: { type: "FOLDER", path: folder.path, checkSeconds: 3600 } },
    endpoints: { default: { origins: ["files"] }, shop: { origins: ["files"], privateKey: "private_shop" } },
    privateKey: KEY,
    limits: { videoTransforms: 1, failureLifetime: 10 },
    ...more,
  });
  async function start(options: WarmOptions = {}, more: Partial<MediatapConfig> = {}) {
    videos = heldVideos();
    videos.let();
    server = await startServer(configured(options, more));
  }
  const cacheOf = async (path: string, accept = "image/webp,*/*") =>
    (await server.ask(path, { headers: { accept } })).headers["cache-status"] ?? "";

  it("lists batches with their progress, the newest first", async () => {
    await start();
    const { warm, list } = callsOf(server);
    await warm(["/photo.png"]);
    await warm(["/tr:w-20/photo.png", "/missing.png"]);
    const batches = await list();
    assert.deepEqual(
      batches.map(({ total, done, failed }) => [total, done, failed]),
      [
        [2, 1, 1],
        [1, 1, 0],
      ],
    );
    assert(batches.every(({ id, added }) => /^[0-9a-f]{32}$/.test(id) && !Number.isNaN(Date.parse(added))));
  });

  it("makes what URLs ask for, so that the first request is a hit", async () => {
    await start();
    const urls = ["/tr:w-20/photo.png", "https://media.example.com/tr:w-10/photo.png", "/grows.mp4?tr=w-20"];
    const progress = await callsOf(server).warm([...urls, ...urls]);
    assert.deepEqual(progress, { total: 3, done: 3, failed: 0, errors: [] });
    assert.match(await cacheOf("/tr:w-20/photo.png"), /; hit/);
    assert.match(await cacheOf("/tr:w-10/photo.png"), /; hit/);
    const whole = await server.ask("/grows.mp4?tr=w-20");
    assert.match(whole.headers["cache-status"] ?? "", /; hit/);
    assert.equal(whole.text, "all of grows.mp4");
    assert.deepEqual(videos.begun, ["grows.mp4"]);
  });

  it("makes nothing again that caches have", async () => {
    await start();
    await server.ask("/a.mp4?tr=w-20");
    await callsOf(server).warm(["/a.mp4?tr=w-20"]);
    assert.equal(videos.begun.length, 1);
  });

  it("makes it for clients of several kinds", async () => {
    await start();
    const path = "/tr:w-20/photo.png";
    await callsOf(server).warm([path], { clients: [{ Accept: "image/webp" }, { accept: "*/*" }] });
    assert.match(await cacheOf(path, "image/webp"), /; hit/);
    assert.match(await cacheOf(path, "*/*"), /; hit/);
  });

  it("says what failed, and why", async () => {
    await start();
    const urls = ["/missing.png", "/tr:w-abc/photo.png", "/tr:w-20/photo.png", "/shop/tr:w-20/photo.png"];
    const { total, done, failed, errors } = await callsOf(server).warm(urls);
    assert.deepEqual([total, done, failed], [4, 1, 3]);
    assert.deepEqual(
      new Set(errors.map(({ url, code }) => `${url} ${code}`)),
      new Set(["/missing.png ENOENT", "/tr:w-abc/photo.png EINVAL", "/shop/tr:w-20/photo.png EFORBIDDEN"]),
    );
    assert.match(errors.find(({ code }) => code === "EINVAL")?.message ?? "", /for w but received 'abc'/);
  });

  it("reports what it would do, and does nothing", async () => {
    await start({}, { limits: {} });
    await server.ask("/tr:w-20/photo.png", { headers: { accept: "image/webp" } });
    await server.ask("/missing.png", { headers: { accept: "image/webp" } });
    const { preview, list } = callsOf(server);
    const dryRun = async (urls: readonly string[], more: object = {}) => {
      const { status, text } = await preview({ urls, ...more });
      assert.equal(status, 200, text);
      return JSON.parse(text);
    };
    const urls = [
      "/tr:w-20/photo.png",
      "/a.mp4?tr=w-20",
      "/tr:w-abc/photo.png",
      "/missing.png",
      "/shop/a.mp4",
    ];
    const report = await dryRun([...urls, "/a.mp4?tr=w-20"], { clients: [{ accept: "image/webp" }] });
    const { errors, ...counts } = report;
    assert.deepEqual(counts, { total: 5, cached: 1, stale: 0, pending: 1, failed: 3 });
    assert.deepEqual(
      errors.map(({ url, code }: { url: string; code: string }) => `${url} ${code}`),
      ["/tr:w-abc/photo.png EINVAL", "/shop/a.mp4 EFORBIDDEN", "/missing.png ENOENT"],
    );
    // Another client's format is missing.
    const { cached, pending } = await dryRun(urls.slice(0, 1), {
      clients: [{ accept: "image/webp" }, { accept: "*/*" }],
    });
    assert.deepEqual([cached, pending], [0, 1]);
    assert.deepEqual([videos.begun, await list()], [[], []]);
  });

  it("stands for signatures, by a key of the URL's endpoint", async () => {
    await start({}, { restrictUnsigned: "all" });
    assert.equal((await server.ask("/shop/tr:w-20/photo.png")).status, 401);
    const { done } = await callsOf(server, "private_shop").warm(["/shop/tr:w-20/photo.png"]);
    assert.equal(done, 1);
    assert.equal((await server.ask("/shop/tr:w-20/photo.png")).status, 401, "to the others it stays closed");
  });

  it("is closed without a key, and where the management is off", async () => {
    await start();
    const path = "/-/api/v1/warm";
    for (const headers of [{}, { authorization: authorization("wrong") }]) {
      const { status, text, headers: said } = await server.ask(path, { method: "POST", headers, body: "{}" });
      assert.equal(status, 401);
      assert.match(said["www-authenticate"] ?? "", /^Basic/);
      assert.equal(JSON.parse(text).message, "Your account cannot be authenticated.");
    }
    assert.equal((await server.ask(`${path}/1`)).status, 401);
    await server.close();
    await start({}, { management: false });
    assert.equal((await callsOf(server).post({ urls: ["/a.mp4"] })).status, 404);
  });

  it("says what is wrong with a call", async () => {
    await start({ waiting: 2 });
    const { post } = callsOf(server);
    for (const [body, status, message] of [
      [{}, 400, /urls: Expected array but it is missing/],
      [{ urls: [] }, 400, /urls: Expected at least 1 entry/],
      [{ urls: ["/a"], segments: -1 }, 400, /segments/],
      [{ urls: ["/a"], clients: [{ "a b": "c" }] }, 400, /clients/],
      [{ urls: ["/a.mp4", "/b.mp4", "/photo.png"] }, 503, /Too many URLs wait/],
    ] as const) {
      const answer = await post(body);
      assert.equal(answer.status, status, answer.text);
      assert.match(JSON.parse(answer.text).message, message);
    }
    const unknown = await server.ask("/-/api/v1/warm/abc", {
      headers: { authorization: authorization(KEY) },
    });
    assert.equal(unknown.status, 404);
  });

  it("tries again where the server was busy", async () => {
    await start();
    videos.refuse(1);
    const { done } = await callsOf(server).warm(["/a.mp4?tr=w-20"]);
    assert.equal(done, 1);
    assert.equal(videos.begun.length, 2);
  });

  it("begins nothing while requests wait for their turn", async () => {
    await start();
    videos.hold();
    const running = server.ask("/a.mp4?tr=w-20");
    await until(() => videos.begun.length === 1, "it has begun");
    const waiting = server.ask("/b.mp4?tr=w-20");
    await until(() => server.server.runtime.scheduler.load().waiting === 1, "it waits");
    const { post, tell } = callsOf(server);
    const { id } = JSON.parse((await post({ urls: ["/tr:w-20/photo.png"] })).text);
    // A picture would find a place at once.
    for (let i = 0; i < 10; i++) await server.ask("/-/live");
    assert.equal((await tell(id)).done, 0);
    videos.let();
    await Promise.all([running, waiting]);
    await until(async () => (await tell(id)).done === 1, "it is done");
  });

  it("goes on under a new configuration", async () => {
    await start();
    videos.hold();
    const { post, tell } = callsOf(server);
    const { id } = JSON.parse((await post({ urls: ["/a.mp4?tr=w-20", "/b.mp4?tr=w-20"] })).text);
    await until(() => videos.begun.length === 1, "it has begun");
    const { server: running } = server;
    const { loadConfig } = await import("@mediatap/core/server");
    await running.reload(
      await loadConfig({ log: { level: "silent" }, ...configured() }, { source: "test", base: "." }),
    );
    assert.equal((await tell(id)).total, 2);
    videos.let();
    await until(async () => (await tell(id)).done === 2, "both are done");
  });

  it("says what is wrong with its options", () => {
    for (const [options, message] of [
      [{ concurrency: 0 }, /warm.concurrency/],
      [{ queue: { redis: "localhost" } }, /warm.queue.redis: Expected a URL that begins with redis/],
      [{ queue: {} }, /warm.queue.redis/],
      [{ segments: -1 }, /warm.segments/],
    ] as const)
      assert.throws(() => warm(options as never), { message });
  });
});
