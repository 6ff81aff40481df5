import assert from "node:assert/strict";
import { startOrigin, startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { photo } from "../support/photos.ts";
import { type Counter, counter, webConfig } from "../support/plugins.ts";

describe("what caches keep", () => {
  let origin: WebOrigin;
  let server: TestServer;
  let count: Counter;
  beforeEach(async () => {
    origin = await startOrigin({
      "photo.jpg": await photo(120, 80),
      "style.css": Buffer.from("a{color:red}".repeat(100)),
      "broken.jpg": Buffer.from("this is no picture"),
    });
    count = counter();
    server = await startServer(webConfig([origin.url], count));
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
  });

  const status = async (path: string, headers: Record<string, string> = {}) =>
    (await server.ask(path, { headers })).headers["cache-status"] ?? "";

  it("is told by Cache-Status", async () => {
    assert.match(await status("/tr:w-50/photo.jpg"), /^mediatap; fwd=miss; stored/);
    assert.match(await status("/tr:w-50/photo.jpg"), /^mediatap; hit/);
    assert.match(await status("/photo.jpg?tr=w-50"), /^mediatap; hit/);
    assert.match(await status("/tr:w-51/photo.jpg"), /fwd=miss/);
    assert.equal(count.transforms(), 2);
  });

  it("is the answer to no other Accept class, and to all of the same", async () => {
    const accepts = ["image/webp", "image/webp,image/avif,*/*;q=0.8", "IMAGE/WEBP;q=0.5"];
    for (const accept of accepts) await status("/tr:w-50/photo.jpg", { accept });
    assert.equal(count.transforms(), 1);
    for (const accept of ["*/*", "text/html", "image/jpeg", "x".repeat(3000), ";;;"])
      await status("/tr:w-50/photo.jpg", { accept });
    assert.equal(count.transforms(), 2);
  });

  const evil: Record<string, Record<string, string>> = {
    "X-Forwarded headers": {
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "https",
      "x-forwarded-port": "1",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-prefix": "/evil",
      forwarded: "host=evil.example",
    },
    "another Host": { host: "evil.example" },
    "URL overrides": { "x-original-url": "/style.css", "x-rewrite-url": "/style.css" },
    "method overrides": { "x-http-method-override": "POST" },
    cookies: { cookie: "session=evil" },
    "an Authorization": { authorization: "Bearer evil" },
    "a Range": { range: "bytes=0-3" },
    "a conditional Range": { range: "bytes=0-3", "if-range": '"x"' },
    "no-cache": { "cache-control": "no-cache", pragma: "no-cache" },
    "a long Accept": { accept: "image/webp,".repeat(700) },
    "an odd Accept": { accept: "image/webp;q=abc,,;" },
    "an Accept-Encoding": { "accept-encoding": "br;q=1, gzip, *;q=0" },
    "an Origin": { origin: "https://evil.example", "access-control-request-method": "PUT" },
    "client hints": { "sec-ch-width": "99999", dpr: "5", width: "1", "save-data": "on" },
    "a Referer": { referer: "https://evil.example/" },
    "an Expect": { expect: "100-continue" },
    "an upgrade": { connection: "Upgrade", upgrade: "h2c" },
    "a condition": { "if-none-match": "*" },
    "trailers asked for": { te: "trailers" },
  };

  for (const [what, headers] of Object.entries(evil)) {
    it(`is never shaped by ${what}`, async () => {
      for (const path of ["/tr:w-50/photo.jpg", "/style.css", "/photo.jpg"]) {
        const fresh = await startServer(webConfig([origin.url]));
        const expected = await fresh.ask(path);
        await fresh.close();
        await server.ask(path, { headers });
        const next = await server.ask(path);
        assert.equal(next.status, 200);
        assert(next.body.equals(expected.body), path);
        for (const name of [
          "content-type",
          "etag",
          "vary",
          "cache-control",
          "content-length",
          "content-encoding",
        ])
          assert.equal(next.headers[name], expected.headers[name], `${path} ${name}`);
        for (const value of Object.values(next.headers)) assert(!/evil/.test(value), value);
      }
    });
  }

  it("does not reach an origin by headers of clients", async () => {
    const headers = {
      cookie: "session=s3cret",
      authorization: "Bearer s3cret",
      "x-forwarded-for": "6.6.6.6",
      "x-api-key": "s3cret",
      referer: "https://s3cret.example/",
      "user-agent": "s3cret",
      "accept-language": "s3cret",
      range: "bytes=0-9",
    };
    for (const path of ["/tr:w-50/photo.jpg", "/style.css"]) await server.ask(path, { headers });
    assert(origin.requests.length > 0);
    for (const { headers: received } of origin.requests) {
      assert(!/s3cret|6\.6\.6\.6/.test(JSON.stringify(received)), JSON.stringify(received));
      assert.equal(received["x-req-from"], "mediatap");
      assert.match(String(received["cdn-loop"]), /mediatap/);
      assert.equal(received["accept-encoding"], "identity");
    }
  });

  it("depends on query parameters that no language reserves", async () => {
    for (const path of ["/tr:w-50/photo.jpg", "/tr:w-50/photo.jpg?v=1", "/tr:w-50/photo.jpg?v=2"]) {
      assert.match(await status(path), /fwd=miss/, path);
      assert.match(await status(path), /hit/, path);
    }
    // The same name and value, put together in another way, is another version.
    assert.match(await status("/tr:w-50/photo.jpg?v1=2"), /fwd=miss/);
    assert.match(await status("/tr:w-50/photo.jpg?v=12"), /fwd=miss/);
    assert.match(await status("/tr:w-50/photo.jpg?v=1&w=2"), /fwd=miss/);
    assert.match(await status("/tr:w-50/photo.jpg?v=1%26w=2"), /fwd=miss/);
  });

  it("does not depend on query parameters that are to be ignored", async () => {
    const other = await startServer({ ...webConfig([origin.url]), ignoreQuery: ["utm_source"] });
    try {
      await other.ask("/tr:w-50/photo.jpg");
      const answer = await other.ask("/tr:w-50/photo.jpg?utm_source=mail");
      assert.match(answer.headers["cache-status"] ?? "", /hit/);
      assert.match((await other.ask("/tr:w-50/photo.jpg?v=1")).headers["cache-status"] ?? "", /miss/);
    } finally {
      await other.close();
    }
  });

  it("holds that a file is missing: one question for many requests and clients", async () => {
    for (let i = 0; i < 3; i++) assert.equal((await server.ask("/gone.jpg")).status, 404);
    assert.equal(origin.count("gone.jpg"), 1);
    const [first, second] = [
      await server.ask("/gone.jpg"),
      await server.ask("/gone.jpg", { method: "HEAD" }),
    ];
    assert.equal(first.headers["ik-error"], second.headers["ik-error"]);
    assert.match(first.headers["ik-error"] ?? "", /^ENOENT/);
  });

  it("tells a remembered failure exactly as it told it first", async () => {
    for (const path of ["/gone.jpg", "/tr:w-50/broken.jpg", "/broken.jpg"]) {
      const [first, second] = [await server.ask(path), await server.ask(path)];
      assert(first.status >= 400);
      assert.equal(second.status, first.status, path);
      assert.equal(second.text, first.text);
      assert.equal(second.headers["ik-error"], first.headers["ik-error"]);
      assert.equal(second.headers["cache-control"], first.headers["cache-control"]);
    }
  });

  it("never keeps errors as long as successes", async () => {
    for (const [path, limit] of [
      ["/gone.jpg", 60],
      ["/broken.jpg", 60],
      ["/tr:w-abc/photo.jpg", 60],
      ["/..%2fetc", 60],
    ] as const) {
      const control = (await server.ask(path)).headers["cache-control"] ?? "";
      const age = control === "no-store" ? 0 : Number(/max-age=(\d+)/.exec(control)?.[1]);
      assert(age <= limit, `${path}: ${control}`);
    }
    const success = (await server.ask("/photo.jpg")).headers["cache-control"];
    assert.match(success ?? "", /max-age=15552000/);
  });

  it("holds no error that a client's own headers brought about", async () => {
    for (const [path, headers] of [
      ["/photo.jpg", { host: "a@b" }],
      ["/photo.jpg", { range: "bytes=99999999-" }],
    ] as const) {
      const answer = await server.ask(path, { headers });
      assert(answer.status >= 400, `${answer.status}`);
      assert.equal(answer.headers["cache-control"], "no-store");
      assert.equal((await server.ask(path)).status, 200);
    }
  });

  it("keeps no error longer than the endpoint lets successes be kept", async () => {
    const other = await startServer({
      ...webConfig([origin.url]),
      cacheControl: "public, max-age=0, must-revalidate",
    });
    try {
      for (const path of ["/gone.jpg", "/tr:w-abc/photo.jpg"])
        assert.equal((await other.ask(path)).headers["cache-control"], "no-store");
    } finally {
      await other.close();
    }
  });

  it("passes only harmless headers of an origin on", async () => {
    origin.files.set("headers.css", {
      bytes: Buffer.from("a{}"),
      headers: {
        "content-type": "text/css",
        "set-cookie": "evil=1",
        "content-security-policy": "default-src *",
        "strict-transport-security": "max-age=1",
        location: "https://evil.example",
        "x-accel-redirect": "/etc/passwd",
        "x-sendfile": "/etc/passwd",
        "server-timing": "evil;dur=1",
        "access-control-allow-origin": "https://evil.example",
        "access-control-allow-credentials": "true",
        "content-disposition": "attachment; filename=evil.exe",
        "cache-control": "private, evil",
        vary: "Evil",
        link: "<https://evil.example>; rel=evil",
        refresh: "0; url=https://evil.example",
        "x-powered-by": "evil",
        server: "evil",
        age: "12345",
        expires: "evil",
        "alt-svc": "evil",
        "clear-site-data": "*",
        "keep-alive": "timeout=666",
        "x-internal-secret": "evil",
      },
    });
    for (const path of ["/headers.css", "/headers.css?v=2"]) {
      const { status, headers } = await server.ask(path);
      assert.equal(status, 200);
      const all = JSON.stringify(headers);
      assert(!/evil|passwd|12345|666/i.test(all), all);
      for (const name of [
        "set-cookie",
        "location",
        "content-security-policy",
        "refresh",
        "clear-site-data",
        "link",
      ])
        assert.equal(headers[name], undefined, name);
    }
  });

  it("decides types by name, not by what an origin claims", async () => {
    origin.files.set("photo2.jpg", { bytes: await photo(30, 30), headers: { "content-type": "text/html" } });
    origin.files.set("script.png", {
      bytes: Buffer.from("<script>alert(1)</script>"),
      headers: { "content-type": "image/png" },
    });
    origin.files.set("noname", { bytes: Buffer.from("<b>x</b>"), headers: { "content-type": "text/html" } });
    const script = await server.ask("/script.png");
    assert(script.status >= 400);
    origin.files.set("code", {
      bytes: Buffer.from("alert(1)"),
      headers: { "content-type": "text/javascript" },
    });
    assert.equal((await server.ask("/code")).headers["content-type"], "application/octet-stream");
    const noname = await server.ask("/noname");
    assert.match(noname.headers["content-security-policy"] ?? "", /sandbox/);
    for (const type of ["text/xsl", "image/x+xml", "model/vnd.collada+xml"]) {
      const name = type.replace(/\W/g, "");
      origin.files.set(name, { bytes: Buffer.from("<b>x</b>"), headers: { "content-type": type } });
      const { headers } = await server.ask(`/${name}`);
      assert.equal(headers["content-type"], type);
      assert.match(headers["content-security-policy"] ?? "", /sandbox/, type);
    }
  });
});
