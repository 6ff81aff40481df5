import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { avifLater } from "@mediatap/avif-later";
import type { Plugin } from "@mediatap/core";
import {
  type Answer,
  startOrigin,
  startServer,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { noise, photo, seen } from "../support/photos.ts";
import { type Counter, counter, type TestCache, testCache, webConfig } from "../support/plugins.ts";

describe("equal work at one time", () => {
  let origin: WebOrigin;
  let server: TestServer;
  let count: Counter;
  let cache: TestCache;
  let release: () => void;
  beforeEach(async () => {
    const bytes = await photo(300, 200);
    const { promise, resolve } = Promise.withResolvers<void>();
    release = resolve;
    /** Sends the first half, and the rest when the test lets it. */
    const slow: RequestListener = async (_, response) => {
      response.writeHead(200, { "content-length": bytes.length, etag: '"1"' });
      response.write(bytes.subarray(0, bytes.length / 2));
      await promise;
      response.end(bytes.subarray(bytes.length / 2));
    };
    const failing: RequestListener = async (_, response) => {
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, bytes.length / 2));
      await promise;
      response.destroy();
    };
    origin = await startOrigin({
      "slow.jpg": { answer: slow },
      "failing.jpg": { answer: failing },
      "photo.jpg": bytes,
      "large.png": await noise(900, 700),
    });
    count = counter();
    cache = testCache();
    server = await startServer(webConfig([origin.url], count, cache));
  });
  afterEach(async () => {
    release();
    await server.close();
    await origin.close();
  });

  /** Asks, and waits until all have met the same render. */
  async function together(paths: readonly string[], signals: readonly (AbortSignal | undefined)[] = []) {
    const asked = origin.asked(/([^/?]+)(\?|$)/.exec(paths[0] ?? "")?.[1] ?? "");
    const answers = paths.map((path, at) => {
      const signal = signals[at];
      return server.ask(path, signal ? { signal } : {});
    });
    for (const answer of answers) answer.catch(() => {});
    const { request, response } = await asked;
    await until(() => count.fetches() >= new Set(paths).size, "every request has a render");
    // One more round trip through the server: what was sent before has been read by now.
    await server.ask("/-/live");
    return { answers, request, response };
  }

  it("is one download and one transform for sixteen cold clients", async () => {
    const { answers } = await together(Array(16).fill("/tr:w-60/slow.jpg"));
    release();
    const done = await Promise.all(answers);
    for (const { status, body } of done) {
      assert.equal(status, 200);
      assert(body.equals(done[0]?.body as Buffer));
    }
    assert.equal(origin.count("slow.jpg"), 1);
    assert.equal(count.transforms(), 1);
    assert.equal(done.filter(({ headers }) => /collapsed/.test(headers["cache-status"] ?? "")).length, 15);
  });

  it("is one download for different requests of one source", async () => {
    const widths = [40, 50, 60, 70, 80];
    const { answers } = await together(widths.map((width) => `/tr:w-${width}/slow.jpg`));
    release();
    const done = await Promise.all(answers);
    for (const [at, { body }] of done.entries()) assert.equal((await seen(body)).width, widths[at]);
    assert.equal(origin.count("slow.jpg"), 1);
    assert.equal(count.transforms(), 5);
  });

  it("is one render for a lookup that began before its end and found nothing", async () => {
    const { answers } = await together(["/tr:w-60/slow.jpg"]);
    const late = await heldLookup("/tr:w-60/slow.jpg");
    release();
    assert.equal((await answers[0])?.status, 200);
    await until(
      () => cache.puts() === 1 && server.server.runtime.pipeline.renders.size === 0,
      "it is stored",
    );
    late.end();
    assert.equal((await late.answer).status, 200);
    assert.equal(count.transforms(), 1);
    assert.equal(origin.count("slow.jpg"), 1);
  });

  it("is one render in the background for such a lookup", async () => {
    const ended = Promise.withResolvers<void>();
    const hold: Plugin = {
      name: "hold",
      version: "1",
      apiVersion: 1,
      apply({ hooks }) {
        hooks.transform.tapPromise({ name: "hold", stage: -100 }, async ({ accept }) => {
          if (accept === "avif") await ended.promise;
          return undefined;
        });
      },
    };
    const config = webConfig([origin.url], count, cache, avifLater(), hold);
    await server.close();
    server = await startServer({ ...config, endpoints: { default: { origins: ["web0"], autoAvif: true } } });
    const { renders } = server.server.runtime.pipeline;
    const headers = { accept: "image/avif,image/webp" };
    assert.equal((await server.ask("/tr:w-60/photo.jpg", { headers })).headers["content-type"], "image/webp");
    assert.equal(renders.size, 1);
    const late = await heldLookup("/tr:w-60/photo.jpg", headers);
    ended.resolve();
    await until(() => cache.puts() === 2 && renders.size === 0, "the AVIF is stored");
    late.end();
    assert.equal((await late.answer).status, 200);
    await until(() => renders.size === 0, "nothing goes on");
    assert.equal(count.transforms(), 2);
  });

  /** A request whose lookup has found nothing, and is held until `end`. */
  async function heldLookup(path: string, headers = {}) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = cache.gets();
    cache.hold = promise;
    const answer = server.ask(path, { headers });
    await until(() => cache.gets() > before, "the lookup has read");
    delete cache.hold;
    return { answer, end: resolve };
  }

  it("goes on for the others when one client leaves", async () => {
    const leaving = new AbortController();
    const { answers } = await together(Array(3).fill("/tr:w-60/slow.jpg"), [leaving.signal]);
    leaving.abort();
    await assert.rejects(answers[0] as Promise<Answer>);
    await server.ask("/-/live");
    release();
    for (const answer of answers.slice(1)) assert.equal((await answer).status, 200);
    assert.equal(origin.count("slow.jpg"), 1);
    assert.equal(count.transforms(), 1);
  });

  it("ends with the last client: the origin's connection is closed, nothing is kept", async () => {
    const leaving = new AbortController();
    const { answers, response } = await together(
      ["/tr:w-60/slow.jpg", "/tr:w-70/slow.jpg"],
      [leaving.signal, leaving.signal],
    );
    leaving.abort();
    await Promise.allSettled(answers);
    await until(() => response.closed, "the origin sees it");
    assert(!response.writableFinished);
    await until(() => server.server.runtime.pipeline.renders.size === 0, "no render is left");
    assert.equal(cache.size(), 0);
    assert.equal(count.transforms(), 0);
    // And the next one begins again.
    release();
    assert.equal((await server.ask("/tr:w-60/slow.jpg")).status, 200);
  });

  it("closes the origin's connection when a client leaves an original that is streamed", async () => {
    const leaving = new AbortController();
    const { answers, response } = await together(["/slow.jpg?tr=orig-true"], [leaving.signal]);
    leaving.abort();
    await Promise.allSettled(answers);
    await until(() => response.closed, "the origin sees it");
    assert(!response.writableFinished);
  });

  it("fails once for all who wait, and is not repeated for each", async () => {
    const { answers } = await together(Array(8).fill("/tr:w-60/failing.jpg"));
    release();
    for (const { status, headers } of await Promise.all(answers)) {
      assert.equal(status, 404);
      assert.match(headers["ik-error"] ?? "", /^UNIDENTIFIED/);
    }
    assert(origin.count("failing.jpg") <= 2, `${origin.count("failing.jpg")} downloads`);
    assert.equal(count.transforms(), 0);
  });

  it("shares a large original among clients that want it whole, cut and small", async () => {
    const paths = [
      "/large.png?tr=orig-true",
      "/tr:w-30/large.png",
      "/large.png?tr=orig-true",
      "/tr:w-31/large.png",
    ];
    const whole = origin.files.get("large.png") as { bytes: Buffer };
    for (let round = 0; round < 3; round++) {
      cache.clear();
      const done = await Promise.all([
        ...paths.map((path) => server.ask(path)),
        server.ask(paths[0] as string, { headers: { range: "bytes=100-199" } }),
      ]);
      assert(done[0]?.body.equals(whole.bytes));
      assert(done[2]?.body.equals(whole.bytes));
      assert.equal((await seen(done[1]?.body as Buffer)).width, 30);
      assert.equal((await seen(done[3]?.body as Buffer)).width, 31);
      assert(done[4]?.body.equals(whole.bytes.subarray(100, 200)));
    }
  });
});
