import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { cacheMemory } from "@mediatap/cache-memory";
import { echoEngine, memoryStorage, startServer, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { purgeCloudflare } from "../src/index.ts";

const ZONE = "023e105f4ecef8ad9ca31a8372d0c353";
const KEY = "private";
const TOKEN = "cf-token-that-is-secret";
const GOOD = { success: true, errors: [], messages: [], result: { id: ZONE } };

interface Call {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: { files?: string[]; tags?: string[]; purge_everything?: boolean };
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** The answer is held until then. */
  readonly after?: Promise<void>;
}

describe("purge-cloudflare", () => {
  let cloudflare: Server;
  let api: string;
  let calls: Call[];
  /** What the next calls are answered with; then all is well. */
  let answers: Answer[];
  let server: TestServer;
  beforeEach(async () => {
    calls = [];
    answers = [];
    cloudflare = createServer(async (request, response) => {
      const body = JSON.parse(await text(request));
      calls.push({ path: `${request.method} ${request.url}`, headers: request.headers, body });
      const { status, headers = {}, body: said = GOOD, after } = answers.shift() ?? { status: 200 };
      await after;
      response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(JSON.stringify(said));
    });
    await new Promise<void>((resolve) => cloudflare.listen(0, "127.0.0.1", resolve));
    api = `http://127.0.0.1:${(cloudflare.address() as AddressInfo).port}/client/v4`;
  });
  afterEach(async () => {
    await server?.close();
    cloudflare.closeAllConnections();
    await new Promise((resolve) => cloudflare.close(resolve));
  });

  const start = async (more: object = {}) => {
    const account = {
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
    };
    const purger = purgeCloudflare({ zone: ZONE, token: TOKEN, api, baseUrls: ["https://img.example.com/"] });
    server = await startServer({
      plugins: [urlImagekit(), memoryStorage(Buffer.from("x")), echoEngine(), cacheMemory(), purger],
      ...account,
      tagHeader: "Cache-Tag",
      privateKey: KEY,
      ...more,
    });
  };
  const headers = (key = KEY) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` });
  const path = "/-/api/v1/purges";

  async function purge(...targets: object[]): Promise<void> {
    const asked = targets.map((target) =>
      server.ask(path, { method: "POST", headers: headers(), body: JSON.stringify(target) }),
    );
    for (const { text, status } of await Promise.all(asked)) {
      assert.equal(status, 201, text);
      const { id } = JSON.parse(text);
      let state = "";
      while (state !== "completed") {
        state = JSON.parse((await server.ask(`${path}/${id}`, { headers: headers() })).text).state;
      }
    }
  }
  const bodies = () => calls.map(({ body }) => body);

  it("hands a URL on, with the token, and one that is a path under each address", async () => {
    await start();
    await purge({ url: "https://cdn.example.com/tr:w-10/a.jpg" });
    assert.deepEqual(bodies(), [{ files: ["https://cdn.example.com/tr:w-10/a.jpg"] }]);
    assert.equal(calls[0]?.path, `POST /client/v4/zones/${ZONE}/purge_cache`);
    assert.equal(calls[0]?.headers.authorization, `Bearer ${TOKEN}`);
    await purge({ url: "/tr:w-10/a.jpg?v=1" });
    assert.deepEqual(calls[1]?.body, { files: ["https://img.example.com/tr:w-10/a.jpg?v=1"] });
  });

  it("purges originals, folders and tags by the tags that answers carry", async () => {
    await start({ tags: ["shop"] });
    const tagsOf = async (path: string) => (await server.ask(path)).headers["cache-tag"]?.split(",") ?? [];
    const [one, other] = [await tagsOf("/tr:w-10/a/b/one.jpg"), await tagsOf("/tr:w-20/a/c.jpg")];
    const lastTags = () => calls.at(-1)?.body.tags ?? [];
    const reaches = (tags: string[]) => lastTags().some((tag) => tags.includes(tag));
    for (const [target, first, second] of [
      [{ source: "a/b/one.jpg" }, true, false],
      [{ prefix: "a/b/" }, true, false],
      [{ prefix: "a/b/o" }, true, false],
      [{ prefix: "a/" }, true, true],
      [{ prefix: "a" }, true, true],
      [{ tag: "shop" }, true, true],
      [{ tag: "other" }, false, false],
      [{ url: "/a/b/one.j*" }, true, false],
    ] as const) {
      await purge(target);
      assert.deepEqual([reaches(one), reaches(other)], [first, second], JSON.stringify(target));
    }
  });

  it("purges everything, or what is one account's", async () => {
    await start();
    await purge({ all: true });
    assert.deepEqual(bodies(), [{ purge_everything: true }]);
    await server.close();
    const account = {
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
    };
    await start({ tenants: { acme: account } });
    const [own, others] = [await server.ask("/a.jpg"), await server.ask("/acme/a.jpg")];
    await purge({ all: true });
    const [tag = ""] = calls.at(-1)?.body.tags ?? [];
    assert(own.headers["cache-tag"]?.split(",").includes(tag));
    assert(!others.headers["cache-tag"]?.split(",").includes(tag));
  });

  it("puts what is asked during a call into few calls, of 30 at most", async () => {
    await start();
    let begun = 0;
    const all = new Promise<void>((resolve) => {
      server.server.runtime.hooks.purge.tap("count", ({ kind }) => {
        if (kind === "url" && ++begun === 70) resolve();
      });
    });
    answers = [{ status: 200, after: all }];
    await purge(...Array.from({ length: 70 }, (_, at) => ({ url: `https://cdn.example.com/${at}.jpg` })));
    const urls = bodies().flatMap(({ files = [] }) => files);
    assert.equal(new Set(urls).size, 70);
    assert(bodies().every(({ files = [] }) => files.length <= 30));
    assert(calls.length <= 4, `${calls.length} calls`);
  });

  it("tries again where Cloudflare is busy or broken", async () => {
    await start();
    answers = [
      { status: 429, headers: { "retry-after": "0.01" } },
      { status: 502, body: "no JSON" },
    ];
    await purge({ url: "https://cdn.example.com/a.jpg" });
    assert.equal(calls.length, 3);
  });

  it("gives up where the call is refused; the caches here are purged all the same", async () => {
    await start();
    await server.ask("/tr:w-10/a.jpg");
    answers = [{ status: 403, body: { success: false, errors: [{ code: 10000, message: TOKEN }] } }];
    await purge({ url: "/tr:w-10/a.jpg" });
    assert.equal(calls.length, 1);
    assert.match((await server.ask("/tr:w-10/a.jpg")).headers["cache-status"] ?? "", /miss/);
  });

  it("leaves it to the process in which a purge began", async () => {
    await start();
    await server.server.runtime.hooks.purge.promise({
      id: "1",
      sequence: 1,
      kind: "all",
      value: "",
      remote: true,
    });
    assert.equal(calls.length, 0);
  });

  it("says what is wrong with its options", () => {
    for (const [options, message] of [
      [{ token: "x" }, /purge-cloudflare.zone: Expected/],
      [{ zone: "abc", token: "x" }, /zone: Expected the zone's id/],
      [{ zone: ZONE, token: "" }, /token/],
      [{ zone: ZONE, token: "x", baseUrls: ["img.example.com"] }, /baseUrls/],
    ] as const)
      assert.throws(() => purgeCloudflare(options as never), { message });
  });
});
