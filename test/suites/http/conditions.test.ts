import assert from "node:assert/strict";
import {
  type Answer,
  makeFolder,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { photo } from "../support/photos.ts";
import {
  type Counter,
  counter,
  folderConfig,
  type TestCache,
  testCache,
  webConfig,
} from "../support/plugins.ts";

/** Headers of a 200 that its 304 repeats (RFC 9110 §15.4.5). */
const REPEATED = ["etag", "cache-control", "vary", "last-modified", "access-control-allow-origin"];

function assertNotModified(answer: Answer, whole: Answer, what = "") {
  assert.equal(answer.status, 304, what);
  assert.equal(answer.body.length, 0);
  for (const name of REPEATED) assert.equal(answer.headers[name], whole.headers[name], `${what} ${name}`);
  assert.equal(answer.headers["content-type"], undefined);
  assert.equal(answer.headers["content-encoding"], undefined);
  assert(Number(answer.headers["content-length"] ?? 0) === 0);
}

describe("conditional requests", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({
      "photo.jpg": await photo(120, 80),
      "style.css": "a { color: red }\n".repeat(50),
      "raw.bin": "0123456789",
      "logo.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    });
    server = await startServer(folderConfig(folder.path));
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  for (const path of ["/tr:w-50/photo.jpg", "/photo.jpg", "/style.css", "/raw.bin", "/logo.svg"]) {
    it(`are answered for ${path} by its entity tag`, async () => {
      const whole = await server.ask(path);
      const { etag = "" } = whole.headers;
      assert.match(etag, /^"[\x21\x23-\x7e]+"$/);
      for (const [condition, status] of [
        [etag, 304],
        [`W/${etag}`, 304],
        [`"a", ${etag}`, 304],
        [`"a",${etag},"b"`, 304],
        [`"a", W/${etag} , "b"`, 304],
        ["*", 304],
        [" * ", 304],
        ['"other"', 200],
        [etag.replaceAll('"', ""), 200],
        [etag.slice(0, -2), 200],
        [`"x${etag.slice(1)}`, 200],
        [`"a ${etag.slice(1)}`, 200],
        ["", 200],
        ['"', 200],
        ["garbage, W/", 200],
        [`"${"x".repeat(4000)}"`, 200],
      ] as const) {
        const answer = await server.ask(path, { headers: { "if-none-match": condition } });
        if (status === 304) assertNotModified(answer, whole, condition);
        else {
          assert.equal(answer.status, 200, condition);
          assert(answer.body.equals(whole.body));
        }
      }
    });

    it(`are answered for ${path} by its date`, async () => {
      const whole = await server.ask(path);
      const date = whole.headers["last-modified"] ?? "";
      assert.match(date, /GMT$/);
      const later = new Date(Date.parse(date) + 60_000).toUTCString();
      const earlier = new Date(Date.parse(date) - 60_000).toUTCString();
      for (const [condition, status] of [
        [date, 304],
        [later, 304],
        [earlier, 200],
        ["garbage", 200],
        ["", 200],
        ["2030", 200],
        [String(Date.now()), 200],
        ["Mon, 99 Foo 2030 00:00:00 GMT", 200],
      ] as const) {
        const answer = await server.ask(path, { headers: { "if-modified-since": condition } });
        if (status === 304) assertNotModified(answer, whole, condition);
        else assert.equal(answer.status, 200, condition);
      }
    });
  }

  it("let the entity tag decide where both are sent", async () => {
    const { headers } = await server.ask("/tr:w-50/photo.jpg");
    const future = new Date(Date.now() + 1e9).toUTCString();
    const other = { "if-none-match": '"other"', "if-modified-since": future };
    assert.equal((await server.ask("/tr:w-50/photo.jpg", { headers: other })).status, 200);
    const held = {
      "if-none-match": headers.etag ?? "",
      "if-modified-since": "Mon, 01 Jan 2001 00:00:00 GMT",
    };
    assert.equal((await server.ask("/tr:w-50/photo.jpg", { headers: held })).status, 304);
  });

  it("are answered alike for HEAD", async () => {
    const whole = await server.ask("/tr:w-50/photo.jpg");
    const headers = { "if-none-match": whole.headers.etag ?? "" };
    assertNotModified(await server.ask("/tr:w-50/photo.jpg", { method: "HEAD", headers }), whole);
  });

  it("never turn an error into 304", async () => {
    for (const path of ["/missing.jpg", "/tr:w-abc/photo.jpg"]) {
      const answer = await server.ask(path, { headers: { "if-none-match": "*" } });
      assert(answer.status >= 400);
      assert.equal(answer.headers.etag, undefined);
    }
  });

  it("know the encoded and the plain form of a text apart", async () => {
    const tags: string[] = [];
    for (const coding of ["br", "gzip", "identity"]) {
      const headers = { "accept-encoding": coding };
      const whole = await server.ask("/style.css", { headers });
      const etag = whole.headers.etag ?? "";
      tags.push(etag);
      const again = await server.ask("/style.css", { headers: { ...headers, "if-none-match": etag } });
      assertNotModified(again, whole, coding);
    }
    assert.equal(new Set(tags).size, 3);
    const other = { "accept-encoding": "gzip", "if-none-match": tags[0] ?? "" };
    assert.equal((await server.ask("/style.css", { headers: other })).status, 200);
  });
});

describe("entity tags", () => {
  let folder: TestFolder;
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(120, 80), "other.jpg": await photo(60, 80) });
  });
  after(() => folder.close());

  async function withServer<T>(work: (server: TestServer) => Promise<T>): Promise<T> {
    const server = await startServer(folderConfig(folder.path));
    try {
      return await work(server);
    } finally {
      await server.close();
    }
  }
  const tagOf = async (server: TestServer, path: string, accept = "*/*") =>
    (await server.ask(path, { headers: { accept } })).headers.etag;

  it("stay the same after a restart", async () => {
    const paths = ["/tr:w-50/photo.jpg", "/photo.jpg", "/photo.jpg?tr=orig-true"];
    const read = (server: TestServer) => Promise.all(paths.map((path) => tagOf(server, path)));
    const first = await withServer(read);
    assert.deepEqual(await withServer(read), first);
    assert.equal(new Set(first).size, 3);
  });

  it("are the same for equal requests and differ between all others", async () => {
    await withServer(async (server) => {
      const same = ["/tr:w-50,h-40/photo.jpg", "/photo.jpg?tr=w-50,h-40", "/tr:h-40,w-50/photo.jpg"];
      const tags = await Promise.all(same.map((path) => tagOf(server, path)));
      assert.equal(new Set(tags).size, 1);
      const different = await Promise.all([
        ...[
          "/tr:w-50/photo.jpg",
          "/tr:w-51/photo.jpg",
          "/tr:w-50,q-50/photo.jpg",
          "/tr:w-50,f-png/photo.jpg",
        ].map((path) => tagOf(server, path)),
        tagOf(server, "/tr:w-50/photo.jpg", "image/webp"),
        tagOf(server, "/tr:w-50/other.jpg"),
        tagOf(server, "/tr:w-50/photo.jpg?v=2"),
        tagOf(server, "/photo.jpg?tr=orig-true"),
      ]);
      assert.equal(new Set(different).size, different.length);
    });
  });

  it("change with the file", async () => {
    const before = await withServer((server) => tagOf(server, "/tr:w-50/photo.jpg"));
    await folder.touch("photo.jpg", -500);
    const after = await withServer((server) => tagOf(server, "/tr:w-50/photo.jpg"));
    assert.notEqual(before, after);
  });

  it("do not depend on headers that have no say", async () => {
    await withServer(async (server) => {
      const plain = await tagOf(server, "/tr:w-50/photo.jpg", "text/html");
      assert.equal(await tagOf(server, "/tr:w-50/photo.jpg", "image/png,image/gif;q=0.3"), plain);
      const png = await tagOf(server, "/tr:w-50,f-png/photo.jpg", "image/webp");
      assert.equal(await tagOf(server, "/tr:w-50,f-png/photo.jpg", "*/*"), png);
    });
  });
});

describe("304 without work", () => {
  let origin: WebOrigin;
  let folder: TestFolder;
  let servers: TestServer[];
  beforeEach(async () => {
    const files = { "photo.jpg": await photo(120, 80), "style.css": Buffer.from("a{}".repeat(300)) };
    origin = await startOrigin(files);
    folder = await makeFolder(files);
    servers = [];
  });
  afterEach(async () => {
    for (const server of servers) await server.close();
    await origin.close();
    await folder.close();
  });

  async function start(
    where: "web" | "folder",
  ): Promise<{ server: TestServer; count: Counter; cache: TestCache }> {
    const count = counter();
    const cache = testCache();
    const config =
      where === "web" ? webConfig([origin.url], count, cache) : folderConfig(folder.path, count, cache);
    const server = await startServer({ ...config, staleWhileRevalidate: 0 });
    servers.push(server);
    return { server, count, cache };
  }

  for (const path of ["/tr:w-50/photo.jpg", "/style.css", "/photo.jpg?tr=orig-true"]) {
    it(`asks nobody for ${path} while its record is fresh, even when the body is evicted`, async () => {
      const { server, count, cache } = await start("web");
      const whole = await server.ask(path);
      const [plans, requests] = [count.plans(), origin.requests.length];
      for (const evict of [() => {}, () => cache.evictBodies()]) {
        evict();
        const held = { "if-none-match": whole.headers.etag ?? "" };
        assertNotModified(await server.ask(path, { headers: held }), whole);
        const since = { "if-modified-since": whole.headers["last-modified"] ?? "" };
        assertNotModified(await server.ask(path, { headers: since }), whole);
      }
      assert.deepEqual([count.plans(), origin.requests.length], [plans, requests]);
    });

    it(`asks only whether the source of ${path} changed after a restart`, async () => {
      const first = await start("web");
      const whole = await first.server.ask(path);
      const { server, count } = await start("web");
      const at = origin.requests.length;
      const answer = await server.ask(path, { headers: { "if-none-match": whole.headers.etag ?? "" } });
      assert.equal(answer.status, 304);
      assert.equal(answer.headers.etag, whole.headers.etag);
      assert.equal(answer.headers["cache-control"], whole.headers["cache-control"]);
      assert.equal(answer.headers.vary, whole.headers.vary);
      assert.equal(count.plans(), 0);
      for (const { method, headers } of origin.requests.slice(at)) {
        assert(method === "HEAD" || headers["if-none-match"] !== undefined, `a download by ${method}`);
      }
    });
  }

  it("is decided after a restart from a folder without a transform", async () => {
    const first = await start("folder");
    const whole = await first.server.ask("/tr:w-50/photo.jpg");
    const { server, count } = await start("folder");
    const held = { "if-none-match": `"x", ${whole.headers.etag}` };
    assertNotModified(await server.ask("/tr:w-50/photo.jpg", { headers: held }), whole);
    assert.equal(count.plans(), 0);
  });

  it("gives way to the new rendition when the source changed meanwhile", async () => {
    const first = await start("folder");
    const whole = await first.server.ask("/tr:w-50/photo.jpg");
    await folder.write("photo.jpg", await photo(140, 80));
    await folder.touch("photo.jpg", 5);
    const { server } = await start("folder");
    const held = { "if-none-match": whole.headers.etag ?? "" };
    const answer = await server.ask("/tr:w-50/photo.jpg", { headers: held });
    assert.equal(answer.status, 200);
    assert.notEqual(answer.headers.etag, whole.headers.etag);
  });

  it("renews a stale record by the origin's 304, without download or transform", async () => {
    const { server, count, cache } = await start("web");
    const whole = await server.ask("/tr:w-50/photo.jpg");
    const at = origin.requests.length;
    const transforms = count.transforms();
    cache.expire();
    const answer = await server.ask("/tr:w-50/photo.jpg");
    assert.equal(answer.status, 200);
    assert(answer.body.equals(whole.body));
    assert.equal(answer.headers.etag, whole.headers.etag);
    assert.match(answer.headers["cache-status"] ?? "", /fwd=stale.*revalidated/);
    assert.deepEqual(
      origin.requests.slice(at).map(({ headers }) => typeof headers["if-none-match"]),
      ["string"],
    );
    assert.equal(count.transforms(), transforms);
    // Confirmed for a whole lifetime: the next one asks nobody.
    assert.match((await server.ask("/tr:w-50/photo.jpg")).headers["cache-status"] ?? "", /hit/);
    assert.equal(origin.requests.length, at + 1);
  });

  it("makes a stale rendition again when the source changed", async () => {
    const { server, cache } = await start("web");
    const whole = await server.ask("/tr:w-50/photo.jpg");
    origin.files.set("photo.jpg", { bytes: await photo(90, 90) });
    cache.expire();
    const answer = await server.ask("/tr:w-50/photo.jpg", {
      headers: { "if-none-match": whole.headers.etag ?? "" },
    });
    assert.equal(answer.status, 200);
    assert.notEqual(answer.headers.etag, whole.headers.etag);
    assert(!answer.body.equals(whole.body));
  });

  it("answers 304 for a stale record without body that the origin confirms", async () => {
    const { server, count, cache } = await start("web");
    const whole = await server.ask("/tr:w-50/photo.jpg");
    const plans = count.plans();
    cache.evictBodies();
    cache.expire();
    const held = { "if-none-match": whole.headers.etag ?? "" };
    assertNotModified(await server.ask("/tr:w-50/photo.jpg", { headers: held }), whole);
    assert.equal(count.plans(), plans);
  });
});
