import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig } from "@mediatap/core";
import type { VideoOutput } from "@mediatap/core/steps";
import { jobLanguage, jobUrl, memoryStorage, startServer, type TestServer, until } from "@mediatap/test";
import { pino } from "pino";
import { Webhook } from "standardwebhooks";
import { describeWithSdks } from "../../../test/suites/support/sdks.ts";
import { type WebhooksOptions, webhooks } from "../src/index.ts";
import { fakeVideos } from "./engine.ts";
import { type Call, type Receiver, startReceiver } from "./receiver.ts";

const SECRET = "whsec_c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1yZWFk";
const FILES = ["clip.mp4", "grows.mp4", "breaks-off.mp4", "broken.mp4", "a b/film.gif"];

describe("webhooks", () => {
  let receiver: Receiver;
  let server: TestServer;
  let lines: string[];
  beforeEach(async () => {
    receiver = await startReceiver();
    lines = [];
  });
  afterEach(async () => {
    await server?.close();
    await receiver.close();
  });

  async function start(options: Partial<WebhooksOptions> = {}, more: Partial<MediatapConfig> = {}) {
    const hooks = webhooks({ url: receiver.url, secret: SECRET, retryWait: 1, ...options });
    const files = memoryStorage(new Map(FILES.map((name) => [name, Buffer.from(name)])));
    server = await startServer(
      {
        plugins: [jobLanguage(), files, fakeVideos(), cacheMemory(), hooks],
        origins: { files: { type: "MEMORY" } },
        endpoints: { default: { origins: ["files"] }, shop: { origins: ["files"] } },
        ...more,
      },
      { log: pino({ level: "trace" }, { write: (line: string) => void lines.push(line) }) as never },
    );
  }
  const video = (path: string, output: VideoOutput = { format: "mp4" }) =>
    jobUrl(path, { output: { video: output } });
  const told = async (count: number) =>
    (await receiver.received(count)).map(({ event }) => event).sort((a, b) => a.type.localeCompare(b.type));

  it("lists deliveries, and sends a failed one again", async () => {
    const keys = { default: "private_default", shop: "private_shop" };
    const endpoints = {
      default: { origins: ["files"], privateKey: keys.default },
      shop: { origins: ["files"], privateKey: keys.shop },
    };
    await start({ retries: 0, events: ["video.transformation.ready"] }, { endpoints });
    const call = async (method: string, path: string, key: string) => {
      const { status, text } = await server.ask(`/-/api/v1/webhooks/deliveries${path}`, {
        method,
        headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` },
      });
      return { status, body: JSON.parse(text) };
    };
    const state = async (wanted: string) =>
      until(async () => {
        const { deliveries } = (await call("GET", "", keys.default)).body;
        return deliveries[0]?.state === wanted && deliveries;
      }, `the delivery is ${wanted}`);
    receiver.answers.push({ status: 500 });
    await server.ask(video("clip.mp4"));
    const [failed, ...others] = await state("failed");
    assert.equal(others.length, 0);
    const { id, time, ...rest } = failed;
    assert.deepEqual(rest, {
      type: "video.transformation.ready",
      receiver: new URL(receiver.url).host,
      path: "clip.mp4",
      tenant: "",
      endpoint: "default",
      state: "failed",
      tries: 1,
      reason: "status 500",
    });
    assert(!Number.isNaN(Date.parse(time)));
    assert.deepEqual((await call("GET", "", keys.shop)).body, { deliveries: [] });
    assert.equal((await call("POST", `/${id}/retry`, keys.shop)).status, 404);
    assert.equal((await call("POST", `/${id}/retry`, keys.default)).status, 202);
    const [delivered] = await state("delivered");
    assert.equal(delivered.tries, 2);
    const [first, second] = await receiver.received(2);
    assert.equal(first?.event.id, second?.event.id);
    assert.equal((await call("POST", `/${id}/retry`, keys.default)).status, 409);
    assert.equal((await call("POST", "/none/retry", keys.default)).status, 404);
  });

  it("tells that a video was begun and is ready, as ImageKit does", async () => {
    await start();
    const path = video("clip.mp4", { codec: "h264", audio: "none", quality: 40 });
    const { status, headers } = await server.ask(`/shop${path}`, { headers: { "user-agent": "player/1" } });
    assert.equal(status, 200);
    const [accepted, ready] = await told(2);
    assert(accepted && ready);
    assert.equal(accepted.type, "video.transformation.accepted");
    assert.equal(ready.type, "video.transformation.ready");
    const request = {
      x_request_id: headers["x-request-id"],
      url: `${server.url}/shop${path}`,
      user_agent: "player/1",
    };
    const options = { video_codec: "h264", auto_rotate: true, quality: 40, format: "mp4" };
    const asset = { url: `${server.url}/shop/clip.mp4` };
    const { id, created_at, ...rest } = accepted;
    assert.deepEqual(rest, {
      type: "video.transformation.accepted",
      request,
      data: { asset, transformation: { type: "video-transformation", options } },
    });
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.equal(new Date(created_at).toISOString(), created_at);
    assert.notEqual(ready.id, id);
    assert.deepEqual(ready.request, request);
    assert.deepEqual(ready.data, {
      asset,
      transformation: {
        type: "video-transformation",
        options,
        output: {
          url: request.url,
          video_metadata: { duration: 4, width: 128, height: 72, bitrate: 2000 },
        },
      },
    });
    assert.deepEqual(Object.keys(ready.timings ?? {}).sort(), ["download_duration", "encoding_duration"]);
  });

  it("signs what it sends in both schemes", async () => {
    await start();
    await server.ask(video("clip.mp4"));
    for (const { headers, body } of await receiver.received(2)) {
      const [, at, v1] = /^t=(\d{13}),v1=([0-9a-f]{64})$/.exec(String(headers["x-ik-signature"])) ?? [];
      assert.equal(v1, createHmac("sha256", SECRET).update(`${at}.${body}`).digest("hex"));
      const standard = new Webhook(SECRET);
      const verified = standard.verify(body, headers as Record<string, string>) as { id: string };
      assert.equal(verified.id, headers["webhook-id"]);
      assert.throws(() => standard.verify(`${body} `, headers as Record<string, string>));
    }
  });

  it("signs with an old secret, too, while receivers change", async () => {
    const next = "bmV3LXNlY3JldC10aGF0LWlzLW5ldw==";
    await start({ secret: [next, SECRET] });
    await server.ask(video("clip.mp4"));
    const [call] = await receiver.received(1);
    assert(call);
    const { body, headers } = call;
    for (const secret of [next, SECRET])
      assert(new Webhook(secret).verify(body, headers as Record<string, string>));
    const [, at, v1] = /^t=(\d+),v1=(.*)$/.exec(String(headers["x-ik-signature"])) ?? [];
    assert.equal(v1, createHmac("sha256", next).update(`${at}.${body}`).digest("hex"));
  });

  describeWithSdks("checked by @imagekit/nodejs", ({ unwrap }) => {
    for (const secret of [SECRET, SECRET.replace("whsec_", "")]) {
      it(`accepts events under the configured secret: ${secret}`, async () => {
        await start({ secret });
        await server.ask(video("clip.mp4"));
        for (const { headers, body, event } of await receiver.received(2)) {
          const options = { headers: headers as Record<string, string>, key: secret };
          assert.deepEqual(unwrap(body, options), event);
          assert.throws(() => unwrap(`${body} `, options), /No matching signature/);
          assert.throws(() => unwrap(body, { ...options, key: `${secret}A` }), /No matching signature/);
        }
      });
    }

    it("accepts events under the old and the new secret during rotation", async () => {
      const next = "bmV3LXNlY3JldC10aGF0LWlzLW5ldw==";
      await start({ secret: [next, SECRET] });
      await server.ask(video("clip.mp4"));
      const [call] = await receiver.received(1);
      assert(call);
      const headers = call.headers as Record<string, string>;
      for (const key of [next, SECRET]) assert.deepEqual(unwrap(call.body, { headers, key }), call.event);
    });
  });

  it("waits until what grows is whole", async () => {
    await start();
    const { body } = await server.ask(video("grows.mp4"));
    assert.equal(body.length, 1000);
    const [, ready] = await told(2);
    assert.equal(ready?.type, "video.transformation.ready");
    const { output } = ready.data.transformation;
    assert.deepEqual(output?.video_metadata, { duration: 4, width: 64, height: 36, bitrate: 2000 });
  });

  it("tells of failures, and where they were", async () => {
    await start({ events: ["video.transformation.error"] });
    for (const [path, reason] of [
      ["broken.mp4", "encoding_failed"],
      ["breaks-off.mp4", "encoding_failed"],
      ["missing.mp4", "download_failed"],
    ] as const) {
      await server.ask(video(path)).catch(() => {});
      const calls = await receiver.received(1);
      const { type, data } = (calls[0] as Call).event;
      assert.equal(type, "video.transformation.error");
      assert.deepEqual(data.transformation.error, { reason }, path);
      assert.equal(data.transformation.output, undefined);
      receiver.calls.length = 0;
    }
  });

  it("tells of work once, and nothing of hits, pictures, plans and parts of streams", async () => {
    await start({}, { server: { explain: true } });
    const parts: VideoOutput[] = [
      { part: { kind: "segment", track: "360", index: 0 } },
      { part: { kind: "playlist", track: "360" } },
    ];
    for (const part of parts) await server.ask(video("clip.mp4", part));
    await server.ask(jobUrl("clip.mp4", { output: { format: "webp" } }));
    await server.ask(`/-/explain?url=${encodeURIComponent(video("clip.mp4"))}`);
    await server.ask(video("clip.mp4"));
    await server.ask(video("clip.mp4"));
    await server.ask(video("a b/film.gif", { part: { kind: "master", protocol: "hls", rungs: [240, 360] } }));
    const events = await told(4);
    assert.deepEqual(
      events.map(({ type, data }) => [type.split(".")[2], data.transformation.type, data.asset.url]),
      [
        ["accepted", "video-transformation", `${server.url}/clip.mp4`],
        ["accepted", "gif-to-video", `${server.url}/a%20b/film.gif`],
        ["ready", "video-transformation", `${server.url}/clip.mp4`],
        ["ready", "gif-to-video", `${server.url}/a%20b/film.gif`],
      ],
    );
    const { stream_protocol, variants } = events[1]?.data.transformation.options ?? {};
    assert.deepEqual([stream_protocol, variants], ["HLS", ["240", "360"]]);
  });

  it("sends again what was not taken, under the same id and signed again", async () => {
    await start({ events: ["video.transformation.ready"] });
    receiver.answers.push({ status: 500 }, { status: 503 }, { status: 302, headers: { location: "/" } });
    await server.ask(video("clip.mp4"));
    const calls = await receiver.received(4);
    assert.equal(new Set(calls.map(({ body }) => body)).size, 1);
    assert.equal(new Set(calls.map(({ headers }) => headers["webhook-id"])).size, 1);
    for (const { headers, body } of calls)
      assert(new Webhook(SECRET).verify(body, headers as Record<string, string>));
  });

  it("gives up after so many tries, at once where the receiver is gone, and says so without secrets", async () => {
    await start({ events: ["video.transformation.ready"], retries: 2 });
    receiver.answers.push(...[500, 500, 500, 410].map((status) => ({ status })));
    await server.ask(video("clip.mp4"));
    await receiver.received(3);
    await server.ask(video("grows.mp4"));
    await receiver.received(4);
    await server.ask(video("clip.mp4", { quality: 1 }));
    await receiver.received(5);
    await server.close();
    assert.equal(receiver.calls.length, 5);
    const text = lines.join("");
    const given = lines.map((line) => JSON.parse(line)).filter(({ msg }) => /is dropped/.test(msg));
    assert.deepEqual(
      given.map(({ reason, tries, receiver }) => [reason, tries, receiver]),
      [
        ["status 500", 3, `127.0.0.1:${receiver.port}`],
        ["status 410", 1, `127.0.0.1:${receiver.port}`],
      ],
    );
    assert(!text.includes(SECRET) && !text.includes(SECRET.slice(6)) && !text.includes("token-in-the-path"));
    assert(!text.includes("v1="));
  });

  it("reaches a receiver that comes back, and never makes a client wait for one that is away", async () => {
    await start({ events: ["video.transformation.ready"], retries: 20 });
    const { port } = receiver;
    await receiver.close();
    assert.equal((await server.ask(video("clip.mp4"))).status, 200);
    receiver = await startReceiver(port);
    const [call] = await receiver.received(1);
    assert.equal(call?.event.type, "video.transformation.ready");
  });

  it("keeps a bounded number of events", async () => {
    // Five are under way at once, and wait for their next try.
    await start({ events: ["video.transformation.ready"], waiting: 1, retryWait: 60_000 });
    receiver.answers.push(...Array.from({ length: 12 }, () => ({ status: 500 })));
    const paths = Array.from({ length: 12 }, (_, quality) => video("clip.mp4", { quality: quality + 1 }));
    await Promise.all(paths.map((path) => server.ask(path)));
    await server.close();
    const said = lines.map((line) => JSON.parse(line)).filter(({ plugin }) => plugin === "webhooks");
    assert.deepEqual(
      said.filter(({ level }) => level >= 40).map(({ msg, lost }) => [msg, lost]),
      [
        ["too many webhooks wait: new ones are dropped", undefined],
        ["the server stops before all webhooks were delivered", 6],
      ],
    );
  });

  it("tells several receivers, under the address that clients know", async () => {
    const other = await startReceiver();
    try {
      const url = [receiver.url, other.url];
      await start({ url, baseUrl: "https://media.example.com/", events: ["video.transformation.ready"] });
      await server.ask(video("clip.mp4"));
      const [[one], [two]] = await Promise.all([receiver.received(1), other.received(1)]);
      assert.equal(one?.body, two?.body);
      assert.equal(one?.event.data.asset.url, "https://media.example.com/clip.mp4");
    } finally {
      await other.close();
    }
  });

  it("says what is wrong with its options", () => {
    for (const [options, message] of [
      [{ url: "hooks.example.com", secret: SECRET }, /webhooks.url: Expected a URL that begins/],
      [{ url: "https://a.example", secret: "no base64!" }, /webhooks.secret: Expected base64/],
      [{ url: "https://a.example" }, /secret/],
      [{ url: "https://a.example", secret: SECRET, events: ["video.ready"] }, /events/],
    ] as const)
      assert.throws(() => webhooks(options as never), { message });
  });
});
