import assert from "node:assert/strict";
import {
  makeFolder,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { photo, seen } from "./support/photos.ts";
import {
  type Counter,
  counter,
  folderConfig,
  type TestCache,
  testCache,
  until,
  webConfig,
} from "./support/plugins.ts";

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
  });
});

describe("a folder that changes", () => {
  let folder: TestFolder;
  let server: TestServer;
  beforeEach(async () => {
    folder = await makeFolder({
      "photo.jpg": await photo(120, 80),
      "a.txt": "one",
      "big.bin": Buffer.alloc(2e6, "a"),
    });
    // Look again each time: what is tried here is what happens then, not the second in between.
    server = await startServer({
      ...folderConfig(folder.path),
      origins: { files: { type: "FOLDER", path: folder.path, checkSeconds: 0 } },
    });
  });
  afterEach(async () => {
    await server.close();
    await folder.close();
  });

  it("shows a new picture under an old name", async () => {
    const before = await server.ask("/tr:f-png/photo.jpg");
    await folder.write("photo.jpg", await photo(90, 90));
    const after = await server.ask("/tr:f-png/photo.jpg");
    assert.notEqual(after.headers.etag, before.headers.etag);
    assert.equal((await seen(after.body)).width, 90);
  });

  it("shows a new text under an old name, whatever its length", async () => {
    for (const text of ["one", "two", "three and more", "", "four"]) {
      await folder.write("a.txt", text);
      await folder.touch("a.txt", text.length);
      const answer = await server.ask("/a.txt");
      assert.equal(answer.status, 200);
      assert.equal(answer.text, text);
    }
  });

  it("shows a new large file under an old name", async () => {
    for (const letter of ["b", "c"]) {
      await server.ask("/big.bin");
      await folder.write("big.bin", Buffer.alloc(1_500_000, letter));
      const part = await server.ask("/big.bin", { headers: { range: "bytes=1000-1003" } });
      assert.equal(part.text, letter.repeat(4));
      assert.equal((await server.ask("/big.bin")).body.length, 1_500_000);
    }
  });

  it("finds a file that was not there before, and misses one that is gone", async () => {
    assert.equal((await server.ask("/new.jpg")).status, 404);
    await folder.write("new.jpg", await photo(20, 20));
    assert.equal((await server.ask("/new.jpg")).status, 200);
    await folder.remove("new.jpg");
    assert.equal((await server.ask("/new.jpg")).status, 404);
    await folder.write("new.jpg", await photo(20, 20));
    assert.equal((await server.ask("/new.jpg")).status, 200);
  });

  it("asks no client to wait longer than a second for what is new", async () => {
    const usual = await startServer(folderConfig(folder.path));
    try {
      assert.equal((await usual.ask("/later.jpg")).status, 404);
      const before = await usual.ask("/a.txt");
      await folder.write("later.jpg", await photo(20, 20));
      await folder.write("a.txt", "another text");
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      assert.equal((await usual.ask("/later.jpg")).status, 200);
      const after = await usual.ask("/a.txt");
      assert.equal(after.text, "another text");
      assert.notEqual(after.headers.etag, before.headers.etag);
    } finally {
      await usual.close();
    }
  });

  it("is answered within that second by the old file or the new one, never by an error", async () => {
    const usual = await startServer(folderConfig(folder.path));
    try {
      for (const name of ["/a.txt", "/big.bin"]) {
        const { headers } = await usual.ask(name);
        await folder.write(name.slice(1), name === "/a.txt" ? "changed" : Buffer.alloc(1_200_000, "z"));
        for (const asked of [
          {},
          { range: "bytes=0-2" },
          { "if-range": headers.etag ?? "", range: "bytes=0-2" },
        ]) {
          const answer = await usual.ask(name, { headers: asked });
          assert([200, 206].includes(answer.status), `${answer.status} ${answer.headers["ik-error"]}`);
          assert.equal(Number(answer.headers["content-length"]), answer.body.length);
        }
      }
    } finally {
      await usual.close();
    }
  });
});

describe("stale copies", () => {
  let origin: WebOrigin;
  let server: TestServer;
  let cache: TestCache;
  let picture: Buffer;
  beforeEach(async () => {
    picture = await photo(120, 80);
    origin = await startOrigin({ "photo.jpg": picture });
    cache = testCache();
    server = await startServer(webConfig([origin.url], cache));
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
  });

  const failures: Record<string, () => void | Promise<void>> = {
    "answers 500": () => fail(500),
    "answers 503": () => fail(503),
    "sends a page": () => {
      origin.files.set("photo.jpg", {
        bytes: Buffer.from("<html>"),
        headers: { "content-type": "text/html" },
      });
    },
    "breaks off": () => {
      origin.files.set("photo.jpg", {
        answer: (_, response) => {
          response.writeHead(200, { "content-length": 5000 });
          response.write("abc", () => response.destroy());
        },
      });
    },
    "is gone": () => origin.close(),
  };
  function fail(status: number) {
    origin.files.set("photo.jpg", { answer: (_, response) => response.writeHead(status).end("secret") });
  }

  for (const [what, act] of Object.entries(failures)) {
    it(`are served when the origin ${what}, and say so`, async () => {
      const whole = await server.ask("/tr:w-50/photo.jpg");
      cache.expire();
      await act();
      for (let i = 0; i < 2; i++) {
        const answer = await server.ask("/tr:w-50/photo.jpg");
        assert.equal(answer.status, 200, answer.headers["ik-error"]);
        assert(answer.body.equals(whole.body));
        assert.equal(answer.headers["x-mediatap-provenance"], "stale");
        const age = Number(/max-age=(\d+)/.exec(answer.headers["cache-control"] ?? "")?.[1] ?? 0);
        assert(age <= 60, answer.headers["cache-control"]);
      }
    });
  }

  it("give way to the real one as soon as the origin is back", async () => {
    await server.ask("/tr:w-50/photo.jpg");
    cache.expire();
    fail(500);
    assert.equal((await server.ask("/tr:w-50/photo.jpg")).headers["x-mediatap-provenance"], "stale");
    origin.files.set("photo.jpg", { bytes: picture });
    const back = await server.ask("/tr:w-50/photo.jpg");
    assert.equal(back.headers["x-mediatap-provenance"], undefined);
    assert.match(back.headers["cache-control"] ?? "", /15552000/);
  });

  it("are not served for a file that is gone or denied", async () => {
    for (const status of [404, 410, 403]) {
      fail(200);
      origin.files.set("photo.jpg", { bytes: picture });
      cache.clear();
      assert.equal((await server.ask("/tr:w-50/photo.jpg")).status, 200);
      cache.expire();
      fail(status);
      assert.equal((await server.ask("/tr:w-50/photo.jpg")).status, 404, String(status));
    }
  });

  it("are confirmed once for many who ask at that moment", async () => {
    await server.ask("/tr:w-50/photo.jpg");
    cache.expire();
    const before = origin.requests.length;
    const release = Promise.withResolvers<void>();
    origin.files.set("photo.jpg", {
      answer: async (_, response) => {
        await release.promise;
        response.writeHead(304).end();
      },
    });
    const asked = origin.asked("photo.jpg");
    const answers = Array.from({ length: 20 }, () => server.ask("/tr:w-50/photo.jpg"));
    await asked;
    await server.ask("/-/live");
    release.resolve();
    for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
    await until(() => origin.requests.length > before, "the origin was asked");
    assert.equal(origin.requests.length, before + 1);
  });
});
