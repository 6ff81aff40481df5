import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig, PluginApi } from "@mediatap/core";
import { startOrigin, type TestServer, until, type WebOrigin } from "@mediatap/test";
import { type Copies, DAY, makeCopies, plain, type Setting, seen, startWith, strange } from "./server.ts";

describe("cache-source: a copy whose time is up", () => {
  let origin: WebOrigin;
  let copies: Copies;
  let server: TestServer;

  beforeEach(async () => {
    origin = await startOrigin({ "a.png": plain(200) });
    copies = await makeCopies();
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
    await copies.close();
  });

  /** A server that has a copy of `a.png`. */
  async function withCopy(setting: Setting = {}): Promise<void> {
    server = await startWith(origin, copies, setting);
    await ask(1);
    await copies.saved(1);
  }

  const ask = (width: number) => server.ask(`/tr:w-${width},f-png/a.png`);
  const red = async (width: number) => (await seen((await ask(width)).body)).red;
  const outcome = ({ headers }: { headers: Readonly<Record<string, string>> }) =>
    /cache-source;[^,]*desc="([^"]*)"/.exec(headers["server-timing"] ?? "")?.[1];

  async function time(field: "checked" | "used"): Promise<number> {
    const [path = ""] = await copies.records();
    return (await copies.timesOf(path))[field];
  }

  it("is confirmed by the origin with its validators, once", async () => {
    await withCopy();
    await copies.age(2 * DAY);
    const answer = await ask(10);
    assert.equal(outcome(answer), "confirmed");
    assert.match(answer.headers["server-timing"] ?? "", /origin-1;[^,]*desc="not modified"/);
    const [, { headers, method } = {} as IncomingMessage] = origin.requests;
    assert.equal(method, "GET");
    assert.match(headers["if-none-match"] ?? "", /^".+"$/);
    assert.equal(headers["if-modified-since"], "Tue, 05 Mar 2024 10:00:00 GMT");
    await until(async () => (await time("checked")) > Date.now() - DAY, "the copy is renewed");
    assert.equal(outcome(await ask(20)), "hit");
    assert.equal(origin.requests.length, 2);
  });

  it("is not asked about before", async () => {
    await withCopy();
    await copies.age(DAY - 60_000);
    origin.files.set("a.png", { bytes: plain(10) });
    assert.equal(await red(10), 200);
    assert.equal(origin.requests.length, 1);
  });

  it("gives way to a file that changed", async () => {
    await withCopy();
    await copies.age(2 * DAY);
    origin.files.set("a.png", { bytes: plain(10) });
    const answer = await ask(10);
    assert.equal(outcome(answer), "replaced");
    assert.equal((await seen(answer.body)).red, 10);
    await until(async () => (await time("checked")) > Date.now() - DAY, "the new copy is there");
    await origin.close();
    assert.equal(await red(20), 10);
    // The old bytes go with the server, if not before.
    await server.close();
    assert.equal((await copies.bytes()).length, 1);
  });

  it("gives way to a file that is private now, although its bytes are the same", async () => {
    await withCopy();
    await copies.age(2 * DAY);
    origin.files.set("a.png", { bytes: plain(200), headers: { "is-private-file": "true" } });
    const answer = await ask(10);
    assert.deepEqual([answer.status, outcome(answer)], [401, "replaced"]);
    assert.equal((await ask(20)).status, 401);
  });

  it("is renewed, not written again, where the origin knows no conditions", async () => {
    origin.files.set("a.png", {
      answer: (_, response) => response.writeHead(200, { etag: '"always"' }).end(plain(200)),
    });
    await withCopy();
    const before = await copies.bytes();
    await copies.age(2 * DAY);
    assert.equal(outcome(await ask(10)), "replaced");
    await until(async () => (await time("checked")) > Date.now() - DAY, "the copy is renewed");
    assert.deepEqual(await copies.bytes(), before);
    assert.equal(outcome(await ask(20)), "hit");
  });

  for (const status of [404, 410]) {
    it(`is removed when the origin says ${status}`, async () => {
      await withCopy();
      await copies.age(2 * DAY);
      origin.files.set("a.png", { answer: (_, response) => response.writeHead(status).end() });
      assert.equal((await ask(10)).status, 404);
      await copies.saved(0);
      assert.deepEqual(await copies.bytes(), []);
    });
  }

  it("goes on being asked about where it has no validators", async () => {
    const answer = (_: IncomingMessage, response: ServerResponse) => response.end(plain(200));
    origin.files.set("a.png", { answer });
    await withCopy();
    await ask(10);
    assert.equal(origin.requests.length, 1);
    await copies.age(2 * DAY);
    assert.equal(await red(20), 200);
    assert.equal(origin.requests.length, 2);
  });

  it("is asked about once for many who come at that moment", async () => {
    // A storage that answers in the same turn: all have come to the copy once a later request is answered.
    const plugins = [
      strange({
        async open(path) {
          const file = join(copies.path, path);
          if (!existsSync(file)) return undefined;
          const bytes = readFileSync(file);
          return { size: bytes.length, body: () => Readable.from([bytes]) };
        },
        async write(path, body) {
          await copies.write(path, body instanceof Uint8Array ? body : await buffer(body));
        },
      }),
    ];
    await withCopy({ plugins, config: { origins: { copies: { type: "STRANGE" } } } });
    await copies.age(2 * DAY);
    const asked = origin.asked("a.png");
    const { promise: release, resolve } = Promise.withResolvers<void>();
    origin.files.set("a.png", {
      async answer(_, response) {
        await release;
        response.writeHead(304).end();
      },
    });
    const answers = [10, 11, 12, 13].map(ask);
    await asked;
    const { renders } = server.server.runtime.pipeline;
    await until(() => renders.size === answers.length, "all are being made");
    assert.equal((await server.ask("/-/live")).status, 200);
    resolve();
    for (const answer of await Promise.all(answers)) assert.equal(outcome(answer), "confirmed");
    assert.equal(origin.requests.length, 2);
  });

  it("is never asked about with revalidate: false", async () => {
    await withCopy({ options: { revalidate: false } });
    await copies.age(5000 * DAY);
    assert.equal(outcome(await ask(10)), "hit");
  });

  it("is asked about when the clock was set back", async () => {
    await withCopy();
    await copies.age(-2 * DAY);
    assert.equal(outcome(await ask(10)), "confirmed");
  });

  it("is asked about by HEAD for a client that only wants to know whether its own is right", async () => {
    await withCopy({ plugins: [] });
    const { headers } = await ask(10);
    await copies.age(2 * DAY);
    const again = await server.ask("/tr:w-10,f-png/a.png", {
      headers: { "if-none-match": headers.etag ?? "" },
    });
    assert.equal(again.status, 304);
    assert.equal(origin.requests.at(-1)?.method, "HEAD");
  });

  describe("while the origin fails", () => {
    const faults: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
      "is broken": (_, response) => response.writeHead(500).end(),
      "is overloaded": (_, response) => response.writeHead(503, { "retry-after": "600" }).end(),
      "sends a page": (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>"),
      "breaks off": (request) => request.socket.destroy(),
    };
    for (const [what, answer] of Object.entries(faults)) {
      it(`is served when it ${what}, and says so`, async () => {
        await withCopy();
        await copies.age(2 * DAY);
        origin.files.set("a.png", { answer });
        const { status, headers, body } = await ask(10);
        assert.equal(status, 200);
        assert.equal((await seen(body)).red, 200);
        assert.equal(headers["x-mediatap-provenance"], "stale");
        assert.equal(headers["cache-control"], "public, max-age=0, must-revalidate");
      });
    }

    it("is served when nobody listens, until its limit", async () => {
      await withCopy({ options: { staleIfError: DAY } });
      await origin.close();
      await copies.age(2 * DAY - 60_000);
      assert.equal(outcome(await ask(10)), "stale");
      await until(async () => (await time("used")) > Date.now() - DAY, "its use is noted");
      await copies.age(120_000);
      const late = await ask(20);
      assert.equal(late.status, 404);
      assert.equal(outcome(late), "failed");
      assert.match(late.headers["ik-error"] ?? "", /^ECONNREFUSED/);
      // It is there for when the origin is back.
      assert.equal((await copies.records()).length, 1);
    });

    it("is not served when it denies the file", async () => {
      await withCopy();
      await copies.age(2 * DAY);
      origin.files.set("a.png", { answer: (_, response) => response.writeHead(403).end() });
      const { status, headers } = await ask(10);
      assert.equal(status, 404);
      assert.match(headers["ik-error"] ?? "", /^EACCES/);
      assert.equal((await copies.records()).length, 1);
    });

    for (const [what, now] of [
      ["the same", 200],
      ["another file", 10],
    ] as const) {
      it(`makes renditions that are looked at again soon, and finds ${what}`, async () => {
        await withCopy({ plugins: [cacheMemory()], config: { limits: { failureLifetime: 1 } } });
        await copies.age(2 * DAY);
        origin.files.set("a.png", { answer: faults["is broken"] as never });
        const first = await ask(10);
        assert.equal(first.headers["x-mediatap-provenance"], "stale");
        assert.equal((await seen(first.body)).red, 200);
        origin.files.set("a.png", { bytes: plain(now) });
        await until(async () => {
          const { headers, body } = await ask(10);
          return headers["x-mediatap-provenance"] === undefined && (await seen(body)).red === now;
        }, "the file shows as it is");
        // And it stays so, without further questions.
        const asked = origin.requests.length;
        const { headers } = await ask(10);
        assert.equal(headers["x-mediatap-provenance"], undefined);
        assert.match(headers["cache-status"] ?? "", /; hit/);
        assert.equal(origin.requests.length, asked);
      });
    }
  });

  describe("at an endpoint that follows its origin", () => {
    const config: MediatapConfig = { originCacheControl: "follow" };
    const withCopyOf = async (cacheControl: string) => {
      origin.files.set("a.png", { bytes: plain(200), headers: { "cache-control": cacheControl } });
      await withCopy({ config, plugins: [cacheMemory()] });
    };

    it("is revalidated when the origin's lifetime ends", async () => {
      await withCopyOf("max-age=600");
      await copies.age(300_000);
      assert.equal(outcome(await ask(10)), "hit");
      await copies.age(400_000);
      const { headers } = await ask(20);
      assert.equal(outcome({ headers }), "confirmed");
      assert.equal(headers.age, undefined);
      assert.match(headers["cache-status"] ?? "", /ttl=5[4-9]\d|ttl=600/);
    });

    it("passes on its age, of which the lifetime of renditions is reduced", async () => {
      await withCopyOf("max-age=86400");
      await copies.age(DAY / 2);
      const { headers } = await ask(10);
      assert.equal(headers["cache-control"], "public, max-age=86400");
      assert(Number(headers.age) >= DAY / 2000, headers.age);
      const ttl = Number(/ttl=(\d+)/.exec(headers["cache-status"] ?? "")?.[1]);
      assert(ttl > 0 && ttl <= DAY / 2000, `${ttl}`);
    });

    for (const directive of ["must-revalidate", "no-cache", "stale-if-error=60"]) {
      it(`is not used if its origin fails and has sent ${directive}`, async () => {
        await withCopyOf(`max-age=600, ${directive}`);
        await copies.age(700_000);
        origin.files.set("a.png", { answer: (_, response) => response.writeHead(500).end() });
        assert.equal((await ask(10)).status, 404);
      });
    }

    it("is used if its origin fails, and revalidated after some seconds", async () => {
      await withCopyOf("max-age=600");
      await copies.age(700_000);
      origin.files.set("a.png", { answer: (_, response) => response.writeHead(500).end() });
      const { headers } = await ask(10);
      assert.equal(headers["x-mediatap-provenance"], "stale");
      assert.match(headers["cache-status"] ?? "", /ttl=[1-5]/);
    });
  });

  describe("and renditions that were made of it", () => {
    const config = { cacheControl: "max-age=0" };

    it("are confirmed by a copy that is still good, without the origin", async () => {
      const cache = expiring();
      await withCopy({ plugins: [cache.plugin], config });
      cache.expire();
      const { headers, body } = await ask(1);
      assert.match(headers["cache-status"] ?? "", /fwd=stale; .*detail=revalidated/);
      assert.equal((await seen(body)).red, 200);
      assert.equal(origin.requests.length, 1);
    });

    it("are made again from a copy that changed", async () => {
      const cache = expiring();
      await withCopy({ plugins: [cache.plugin], config });
      origin.files.set("a.png", { bytes: plain(10) });
      await copies.age(2 * DAY);
      assert.equal(await red(20), 10);
      await until(async () => (await time("checked")) > Date.now() - DAY, "the new copy is there");
      cache.expire();
      const asked = origin.requests.length;
      assert.equal(await red(1), 10);
      assert.equal(origin.requests.length, asked);
    });

    it("are served stale themselves while the origin fails", async () => {
      const cache = expiring();
      await withCopy({ plugins: [cache.plugin], config });
      cache.expire();
      await copies.age(2 * DAY);
      await origin.close();
      const { headers, body } = await ask(1);
      assert.equal(headers["x-mediatap-provenance"], "stale");
      assert.match(headers["cache-status"] ?? "", /fwd=stale; ttl=/);
      assert.equal((await seen(body)).red, 200);
    });
  });

  it("lets an origin that comes first have its say", async () => {
    const first = await startOrigin();
    try {
      await withCopy({
        config: {
          origins: { first: { type: "WEB_FOLDER", baseUrl: first.url } },
          endpoints: { default: { origins: ["first", "site"] } },
        },
      });
      first.files.set("a.png", { bytes: plain(10) });
      assert.equal(await red(10), 200);
      await copies.age(2 * DAY);
      assert.equal(await red(20), 10);
      await copies.saved(2);
      assert.equal(await red(30), 10);
      assert.equal(origin.count("a.png"), 1);
    } finally {
      await first.close();
    }
  });
});

/** The cache in memory, whose entries are past their freshness when the test says so. */
function expiring() {
  let isExpired = false;
  const plugin = cacheMemory();
  return {
    expire() {
      isExpired = true;
    },
    plugin: {
      ...plugin,
      apply(api: PluginApi) {
        plugin.apply({
          ...api,
          cache(registration) {
            assert(!registration.originals);
            api.cache({
              ...registration,
              open(runtime) {
                const backend = registration.open(runtime);
                return {
                  ...backend,
                  async get(key, options) {
                    const entry = await backend.get(key, options);
                    if (!entry?.metadata) return entry;
                    // Past the time for which it is served while it is revalidated, and within that for failures.
                    const late = Date.now() - 2 * DAY;
                    const freshUntil = Math.min(entry.metadata.freshUntil, isExpired ? late : Infinity);
                    return { ...entry, metadata: { ...entry.metadata, freshUntil } };
                  },
                };
              },
            });
          },
        });
      },
    },
  };
}
