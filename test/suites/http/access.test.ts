import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { MediatapConfig } from "@mediatap/core";
import {
  type Answer,
  makeFolder,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import pino from "pino";
import { photo } from "../support/photos.ts";
import { type Counter, counter, testCache, usual, webConfig } from "../support/plugins.ts";
import { signed } from "../support/signed.ts";

const KEY = "private_key_of_the_tests";
const _soon = () => Math.floor(Date.now() / 1000) + 600;
const _past = () => Math.floor(Date.now() / 1000) - 600;

function assertRefused(answer: Answer, status: number, code: string) {
  assert.equal(answer.status, status, `${answer.headers["ik-error"]}`);
  assert.match(answer.headers["ik-error"] ?? "", new RegExp(`^${code} `));
  assert(!/max-age=[1-9]/.test(answer.headers["cache-control"] ?? ""), answer.headers["cache-control"]);
  assert(!`${JSON.stringify(answer.headers)}${answer.text}`.includes(KEY));
}

describe("private files", () => {
  let origin: WebOrigin;
  let server: TestServer;
  let count: Counter;
  const restart = async () => {
    await server?.close();
    count = counter();
    server = await startServer({
      ...webConfig([origin.url], count, testCache()),
      privateKey: KEY,
      namedTransformations: { small: "w-40" },
    });
  };
  before(async () => {
    const headers = { "is-private-file": "true", "cache-control": "public, max-age=9999" };
    origin = await startOrigin({
      "private.jpg": { bytes: await photo(120, 80), headers },
      "private.txt": { bytes: Buffer.from("secret text"), headers },
      "public.jpg": await photo(120, 80),
    });
  });
  beforeEach(() => restart());
  after(async () => {
    await server.close();
    await origin.close();
  });

  for (const path of ["/tr:w-50/private.jpg", "/private.jpg", "/private.jpg?tr=orig-true", "/private.txt"]) {
    it(`need a signature for ${path}, on a miss, on a hit, for a 304 and for a part`, async () => {
      assertRefused(await server.ask(path), 401, "ESIGNATURE");
      const open = await server.ask(signed(path, KEY));
      assert.equal(open.status, 200);
      assert.match(open.headers["cache-control"] ?? "", /^private\b/);
      assert(!/public|s-maxage/.test(open.headers["cache-control"] ?? ""));
      for (const options of [
        {},
        { method: "HEAD" },
        { headers: { "if-none-match": open.headers.etag ?? "" } },
        { headers: { "if-modified-since": new Date().toUTCString() } },
        { headers: { range: "bytes=0-3" } },
      ]) {
        const answer = await server.ask(path, options);
        assertRefused(answer, 401, "ESIGNATURE");
        assert.equal(answer.headers.etag, undefined);
        assert.equal(answer.headers["last-modified"], undefined);
      }
      const held = await server.ask(signed(path, KEY), {
        headers: { "if-none-match": open.headers.etag ?? "" },
      });
      assert.equal(held.status, 304);
      assert.match(held.headers["cache-control"] ?? "", /^private\b/);
      // After a restart nothing is known of the file; a tag from outside must not open it.
      await restart();
      assertRefused(
        await server.ask(path, { headers: { "if-none-match": open.headers.etag ?? "" } }),
        401,
        "ESIGNATURE",
      );
    });
  }

  it("are open to URLs with nothing but named transformations", async () => {
    const answer = await server.ask("/tr:n-small/private.jpg");
    assert.equal(answer.status, 200);
    assert.match(answer.headers["cache-control"] ?? "", /^private\b/);
    assertRefused(await server.ask("/tr:n-small,q-50/private.jpg"), 401, "ESIGNATURE");
    assertRefused(await server.ask("/tr:w-40/private.jpg"), 401, "ESIGNATURE");
  });

  it("never lend their rendition to a client that waits beside a signed one", async () => {
    const path = "/tr:w-44/private.jpg";
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => server.ask(i % 2 ? path : signed(path, KEY))),
    );
    for (const [at, answer] of answers.entries()) assert.equal(answer.status, at % 2 ? 401 : 200);
  });

  it("leave public files as they are", async () => {
    const answer = await server.ask("/tr:w-50/public.jpg");
    assert.equal(answer.status, 200);
    assert.match(answer.headers["cache-control"] ?? "", /^public\b/);
  });

  it("stay private when they stand in as a default image", async () => {
    const answer = await server.ask("/tr:w-40,di-private.jpg/missing.jpg");
    assert(answer.status === 404 || answer.status === 401, String(answer.status));
  });
});

describe("private keys", () => {
  const origins = { files: { type: "FOLDER", path: "." } };
  const place = { origins: ["files"] };
  const start = (more: Partial<MediatapConfig>, options = {}) =>
    startServer({ plugins: usual(), origins, endpoints: { default: place }, ...more }, options);

  for (const [field, more] of [
    ["endpoints.shop.restrictUnsigned", { endpoints: { shop: { ...place, restrictUnsigned: "images" } } }],
    ["restrictUnsigned", { restrictUnsigned: "all" }],
    [
      "tenants.acme.restrictUnsigned",
      { tenants: { acme: { origins, endpoints: { default: place }, restrictUnsigned: "videos" } } },
    ],
    [
      "tenants.acme.endpoints.default.restrictUnsigned",
      {
        privateKey: KEY,
        tenants: { acme: { origins, endpoints: { default: { ...place, restrictUnsigned: "all" } } } },
      },
    ],
  ] as const) {
    it(`are needed if ${field} is set`, async () => {
      const at = field.replace(/\.?restrictUnsigned$/, "");
      const endpoint = at.includes("endpoints") ? at : `${at === "" ? "" : `${at}.`}endpoints.default`;
      await assert.rejects(start(more as Partial<MediatapConfig>), (error: Error & { code?: string }) => {
        assert.equal(error.code, "ECONFIG");
        assert.equal(
          error.message,
          `test: ${field}: Expected a privateKey for ${endpoint}, too: without a key no signature can be verified`,
        );
        return true;
      });
    });
  }

  it("are warned of at the start if they are short", async () => {
    const lines: string[] = [];
    const server = await start(
      {
        privateKeys: ["sixteen bytes ok", "fifteen bytes :"],
        endpoints: { default: { ...place, privateKey: "hunter2" } },
        tenants: { acme: { origins, endpoints: { default: place }, privateKey: "ümlauts count 2" } },
      },
      { log: pino({ level: "warn" }, { write: (line: string) => lines.push(line) }) },
    );
    await server.close();
    const messages = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    assert.deepEqual(messages, [
      "test: privateKeys.1 is shorter than 16 bytes and can be guessed",
      "test: endpoints.default.privateKey is shorter than 16 bytes and can be guessed",
    ]);
    assert(!lines.join("").includes("hunter2"));
  });

  it("of documentation and examples are nobody's", async () => {
    const { stdout } = await promisify(execFile)("git", ["grep", "-l", `change${"-"}me`], {
      cwd: join(import.meta.dirname, "../../.."),
    }).catch((error: { stdout: string }) => error);
    assert.equal(stdout, "");
  });
});

describe("endpoints and their rules", () => {
  let shop: TestFolder;
  let blog: TestFolder;
  const servers: TestServer[] = [];
  before(async () => {
    shop = await makeFolder({ "photo.jpg": await photo(120, 80), "shop.txt": "shop", "both.txt": "shop" });
    blog = await makeFolder({ "photo.jpg": await photo(90, 90), "blog.txt": "blog", "both.txt": "blog" });
  });
  after(async () => {
    await shop.close();
    await blog.close();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  async function start(more: Partial<MediatapConfig> = {}, endpoints: MediatapConfig["endpoints"] = {}) {
    const server = await startServer({
      plugins: usual(),
      origins: {
        shop: { type: "FOLDER", path: shop.path },
        blog: { type: "FOLDER", path: blog.path },
      },
      endpoints: { default: { origins: ["shop"] }, ...endpoints },
      ...more,
    });
    servers.push(server);
    return server;
  }

  it("are chosen by the path's first part, by host name, else the default", async () => {
    const server = await start({}, { blog: { origins: ["blog"], hosts: ["img.example.com"] } });
    assert.equal((await server.ask("/shop.txt")).text, "shop");
    assert.equal((await server.ask("/blog/blog.txt")).text, "blog");
    for (const host of ["img.example.com", "IMG.example.com", "img.example.com:8080"])
      assert.equal((await server.ask("/blog.txt", { headers: { host } })).text, "blog", host);
    for (const host of ["evil.example", "img.example.com.evil.example", "127.0.0.1", "[::1]:80"])
      assert.equal((await server.ask("/both.txt", { headers: { host } })).text, "shop", host);
    assert.equal((await server.ask("/blog.txt")).status, 404);
    assert.equal((await server.ask("/blog/shop.txt")).status, 404);
  });

  it("keep their renditions apart", async () => {
    const server = await start({}, { blog: { origins: ["blog"] } });
    const [a, b] = [await server.ask("/both.txt"), await server.ask("/blog/both.txt")];
    assert.deepEqual([a.text, b.text], ["shop", "blog"]);
    assert.notEqual(a.headers.etag, b.headers.etag);
  });

  it("have origins in an order of their own", async () => {
    const server = await start(
      {},
      { one: { origins: ["shop", "blog"] }, two: { origins: ["blog", "shop"] } },
    );
    assert.equal((await server.ask("/one/both.txt")).text, "shop");
    assert.equal((await server.ask("/two/both.txt")).text, "blog");
    assert.equal((await server.ask("/one/blog.txt")).text, "blog");
  });

  it("have a library that always comes first", async () => {
    const server = await start({}, { one: { origins: ["shop"], library: "blog" } });
    assert.equal((await server.ask("/one/both.txt")).text, "blog");
    assert.equal((await server.ask("/one/shop.txt")).text, "shop");
  });

  it("answer nothing where there is no default and no other matches", async () => {
    const server = await startServer({
      plugins: usual(),
      origins: { blog: { type: "FOLDER", path: blog.path } },
      endpoints: { blog: { origins: ["blog"] } },
    });
    servers.push(server);
    assert.equal((await server.ask("/both.txt")).status, 404);
    assert.equal((await server.ask("/blog/both.txt")).text, "blog");
    assert.equal((await server.ask("/-/live")).status, 200);
  });

  it("have their own Cache-Control and CORS", async () => {
    const server = await start(
      {},
      { one: { origins: ["shop"], cacheControl: "public, max-age=60", cors: "https://a.example" } },
    );
    const { headers } = await server.ask("/one/tr:w-50/photo.jpg");
    assert.equal(headers["cache-control"], "public, max-age=60");
    assert.equal(headers["access-control-allow-origin"], "https://a.example");
    assert.equal((await server.ask("/tr:w-50/photo.jpg")).headers["access-control-allow-origin"], "*");
  });

  it("have their own quality and automatic format", async () => {
    const server = await start({}, { one: { origins: ["shop"], autoFormat: false, quality: 10 } });
    const accept = { headers: { accept: "image/webp" } };
    const own = await server.ask("/one/tr:w-100/photo.jpg", accept);
    assert.equal(own.headers["content-type"], "image/jpeg");
    assert.equal(own.headers.vary, undefined);
    const usual = await server.ask("/tr:w-100/photo.jpg", accept);
    assert.equal(usual.headers["content-type"], "image/webp");
    const jpeg = await server.ask("/tr:w-100,f-jpg/photo.jpg");
    assert(own.body.length < jpeg.body.length);
  });

  it("may allow certain formats only", async () => {
    const server = await start({ allowedFormats: ["jpeg", "webp"] });
    assert.equal((await server.ask("/tr:w-50,f-webp/photo.jpg")).status, 200);
    assert.equal((await server.ask("/tr:w-50,f-jpg/photo.jpg")).status, 200);
    assert.equal((await server.ask("/tr:w-50/photo.jpg")).status, 200);
    assertInvalid(await server.ask("/tr:w-50,f-png/photo.jpg"));
    assertInvalid(await server.ask("/tr:w-50,f-avif/photo.jpg"));
  });
  function assertInvalid(answer: Answer) {
    assert.equal(answer.status, 400);
    assert.match(answer.headers["ik-error"] ?? "", /^EINVAL/);
  }

  it("may allow named transformations only", async () => {
    const server = await start({ restrictUnnamed: true, namedTransformations: { small: "w-40" } });
    assert.equal((await server.ask("/tr:n-small/photo.jpg")).status, 200);
    assert.equal((await server.ask("/photo.jpg")).status, 200);
    for (const path of [
      "/tr:w-40/photo.jpg",
      "/tr:n-small,q-5/photo.jpg",
      "/tr:n-small:w-5/photo.jpg",
      "/photo.jpg?tr=w-5",
    ])
      assertInvalid(await server.ask(path));
  });

  it("refuse addresses, and believe X-Forwarded-For of trusted proxies only", async () => {
    const forwarded = (value: string) => ({ headers: { "x-forwarded-for": value } });
    const open = await start({ blockedIps: ["6.6.6.0/24", "2001:db8::/32"] });
    assert.equal((await open.ask("/shop.txt", forwarded("6.6.6.6"))).status, 200);
    const proxied = await start({
      blockedIps: ["6.6.6.0/24", "2001:db8::/32"],
      trustedProxies: ["127.0.0.1", "10.0.0.0/8"],
    });
    for (const [value, status] of [
      ["6.6.6.6", 403],
      ["1.2.3.4", 200],
      ["1.2.3.4, 6.6.6.6", 403],
      ["6.6.6.6, 1.2.3.4", 200],
      ["6.6.6.6, 10.1.1.1", 403],
      ["6.6.6.6, 10.1.1.1, 10.2.2.2", 403],
      ["2001:db8::1", 403],
      ["::ffff:6.6.6.6", 403],
      ["garbage", 200],
      ["", 200],
      [`${"1.1.1.1,".repeat(500)}6.6.6.6`, 403],
    ] as const) {
      const answer = await proxied.ask("/shop.txt", forwarded(value));
      assert.equal(answer.status, status, value);
    }
    const blocked = await start({ blockedIps: ["127.0.0.0/8"] });
    for (const options of [
      {},
      forwarded("1.2.3.4"),
      { method: "HEAD" },
      { headers: { "if-none-match": "*" } },
    ]) {
      const answer = await blocked.ask("/shop.txt", options);
      assert.equal(answer.status, 403);
      assert.match(answer.headers["ik-error"] ?? "", /^EFORBIDDEN/);
      assert.equal(answer.headers["cache-control"], "no-store");
    }
  });

  it("refuse a client on a hit as on a miss", async () => {
    const server = await start({ blockedUserAgents: ["BadBot"] });
    const bad = { headers: { "user-agent": "Mozilla badbot/1.0" } };
    assert.equal((await server.ask("/tr:w-50/photo.jpg", bad)).status, 403);
    assert.equal((await server.ask("/tr:w-50/photo.jpg")).status, 200);
    assert.equal((await server.ask("/tr:w-50/photo.jpg", bad)).status, 403);
    assert.equal((await server.ask("/tr:w-50/photo.jpg")).status, 200);
  });

  it("refuse or allow referrers by exact host name", async () => {
    const allow = await start({ referrer: { mode: "allow", domains: ["www.example.com"] } });
    const block = await start({ referrer: { mode: "block", domains: ["www.example.com"] } });
    for (const [referer, named] of [
      ["https://www.example.com/page", true],
      ["http://WWW.EXAMPLE.COM:8080/", true],
      ["https://www.example.com.evil.example/", false],
      ["https://evil.example/www.example.com", false],
      ["https://example.com/", false],
      ["https://www.example.com@evil.example/", false],
      ["garbage", false],
    ] as const) {
      const headers = { referer };
      assert.equal((await allow.ask("/shop.txt", { headers })).status, named ? 200 : 403, referer);
      assert.equal((await block.ask("/shop.txt", { headers })).status, named ? 403 : 200, referer);
    }
    assert.equal((await allow.ask("/shop.txt")).status, 200);
  });

  it("answer clients that hide what they accept as they are told to", async () => {
    const server = await start({ userAgentAccept: [{ match: "OldApp", accept: "webp" }] });
    const answer = await server.ask("/tr:w-50/photo.jpg", { headers: { "user-agent": "oldapp/1" } });
    assert.equal(answer.headers["content-type"], "image/webp");
  });

  it("leave /-/ to the server", async () => {
    const server = await start();
    assert.equal((await server.ask("/-/live")).status, 200);
    assert.equal((await server.ask("/-/ready")).status, 200);
    for (const path of ["/-/photo.jpg", "/-/", "/-/nothing", "/-/../photo.jpg"]) {
      const answer = await server.ask(path);
      assert(answer.status >= 400 && answer.status < 500, `${path} ${answer.status}`);
      assert.equal(answer.headers["cache-control"], "no-store", path);
    }
    for (const path of ["//-/ready", "/%2d/ready", "/%2D/live", "/./-/live", "/tr:w-5/-/live"]) {
      const answer = await server.ask(path);
      assert(answer.status >= 400 && answer.status < 500, `${path} ${answer.status}`);
      assert(!/ready|live\n/.test(answer.text), path);
    }
  });

  it("never feed on themselves", async () => {
    const server = await startOwnOrigin();
    const answer = await server.ask("/tr:w-50/photo.jpg");
    assert.equal(answer.status, 404);
    assert.match(answer.headers["ik-error"] ?? "", /^UNIDENTIFIED/);
    const marked = { headers: { "cdn-loop": "other; id=1, mediatap" } };
    assert.equal((await server.ask("/missing.txt", marked)).status, 404);
  });

  /** A server whose origin is itself. */
  async function startOwnOrigin(): Promise<TestServer> {
    const probe = await startOrigin();
    const { port } = probe;
    await probe.close();
    const config: MediatapConfig = {
      plugins: usual(),
      origins: { self: { type: "WEB_FOLDER", baseUrl: `http://127.0.0.1:${port}` } },
      endpoints: { default: { origins: ["self"] } },
    };
    const server = await startServer(config, { port });
    servers.push(server);
    return server;
  }
});
