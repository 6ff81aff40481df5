import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { photo, seen } from "../support/photos.ts";
import { folderConfig } from "../support/plugins.ts";

const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${"<path/>".repeat(99)}</svg>`;

describe("methods and common headers", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({
      "photo.jpg": await photo(120, 80),
      "style.css": "body { color: red }\n".repeat(50),
      "page.html": "<h1>hello</h1>",
      "logo.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>x()</script></svg>',
      "packed.svgz": gzipSync(DRAWING),
      "plain.svgz": DRAWING,
      "data.json": "{}",
      "font.woff2": "wOF2",
      empty: "",
    });
    server = await startServer(folderConfig(folder.path));
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  /** Headers that may differ from one answer to the next. */
  const VOLATILE = [
    "x-request-id",
    "date",
    "age",
    "server-timing",
    "cache-status",
    "connection",
    "keep-alive",
  ];
  const lasting = (headers: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => !VOLATILE.includes(name)));

  for (const path of [
    "/tr:w-50/photo.jpg",
    "/photo.jpg",
    "/photo.jpg?tr=orig-true",
    "/style.css",
    "/page.html",
    "/logo.svg",
    "/empty",
    "/missing.jpg",
    "/tr:w-abc/photo.jpg",
    "/",
  ]) {
    it(`answers HEAD of ${path} with the headers of GET and no body`, async () => {
      // First: a HEAD that meets a cold cache must not leave an empty body behind.
      const head = await server.ask(path, { method: "HEAD" });
      const get = await server.ask(path);
      assert.equal(head.status, get.status);
      assert.equal(head.body.length, 0);
      assert.deepEqual(lasting(head.headers), lasting(get.headers));
      assert.equal(Number(get.headers["content-length"]), get.body.length);
    });
  }

  it("sends text encoded alike to HEAD and GET", async () => {
    const headers = { "accept-encoding": "br" };
    const head = await server.ask("/style.css", { method: "HEAD", headers });
    const get = await server.ask("/style.css", { headers });
    assert.equal(get.headers["content-encoding"], "br");
    assert.deepEqual(lasting(head.headers), lasting(get.headers));
  });

  it("names the coding of compressed SVGs, and compresses none twice", async () => {
    for (const encoding of ["gzip, br", "identity"]) {
      const headers = { "accept-encoding": encoding };
      // Rendered, then from the cache.
      for (const _ of [1, 2]) {
        const { status, body, headers: sent } = await server.ask("/packed.svgz", { headers });
        const { "content-type": type, "content-encoding": coding } = sent;
        assert.deepEqual([status, type, coding], [200, "image/svg+xml", "gzip"]);
        assert.equal(gunzipSync(body).toString(), DRAWING);
      }
      const plain = await server.ask("/plain.svgz", { headers });
      assert.equal(plain.headers["content-encoding"], encoding === "identity" ? undefined : "br");
    }
    const part = await server.ask("/packed.svgz", { headers: { range: "bytes=0-1" } });
    assert.deepEqual(
      [part.status, part.headers["content-encoding"], part.body.toString("hex")],
      [206, "gzip", "1f8b"],
    );
    const none = await server.ask("/packed.svgz", { headers: { range: "bytes=9999-" } });
    assert.deepEqual([none.status, none.headers["content-encoding"]], [416, undefined]);
  });

  it("answers OPTIONS with the methods it knows and the endpoint's CORS rule", async () => {
    for (const path of ["/photo.jpg", "/missing.jpg"]) {
      const answer = await server.ask(path, { method: "OPTIONS" });
      assert.equal(answer.status, 204, path);
      assert.equal(answer.headers.allow, "GET, HEAD, OPTIONS");
      assert.equal(answer.headers["access-control-allow-origin"], "*");
      assert.match(answer.headers["access-control-allow-methods"] ?? "", /GET/);
    }
  });

  for (const method of ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"]) {
    it(`refuses ${method} with 405 and the methods that are allowed`, async () => {
      const answer = await server.ask("/photo.jpg", { method, headers: { "x-secret": "s3cret" } });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.allow, "GET, HEAD, OPTIONS");
      assert(!answer.text.includes("s3cret"));
      assert.equal((await server.ask("/photo.jpg")).status, 200);
    });
  }

  it("ignores headers that would change the method or the URL", async () => {
    const plain = await server.ask("/tr:w-20/photo.jpg");
    const forged = await server.ask("/tr:w-20/photo.jpg", {
      headers: {
        "x-http-method-override": "POST",
        "x-method-override": "DELETE",
        "x-original-url": "/missing.jpg",
        "x-rewrite-url": "/missing.jpg",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "gopher",
        forwarded: "for=1.2.3.4;host=evil.example",
      },
    });
    assert.equal(forged.status, 200);
    assert(plain.body.equals(forged.body));
    assert.equal(plain.headers.etag, forged.headers.etag);
  });

  for (const path of [
    "/tr:w-30/photo.jpg",
    "/missing.jpg",
    "/tr:w-abc/photo.jpg",
    "/a%00b.jpg",
    "/style.css",
  ]) {
    it(`sends nosniff, CORS and a request id with ${path}`, async () => {
      const { headers } = await server.ask(path);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["access-control-allow-origin"], "*");
      assert.equal(headers["timing-allow-origin"], "*");
      assert.match(headers["x-request-id"] ?? "", /^[\w-]+$/);
      assert.equal(headers["x-powered-by"], undefined);
      assert.equal(headers.server, undefined);
    });
  }

  it("gives every answer its own request id, hits included", async () => {
    const ids = new Set<string | undefined>();
    for (let i = 0; i < 5; i++) ids.add((await server.ask("/tr:w-31/photo.jpg")).headers["x-request-id"]);
    assert.equal(ids.size, 5);
  });

  for (const path of ["/logo.svg", "/page.html"]) {
    it(`keeps ${path} from doing anything in a browser`, async () => {
      for (const options of [{}, { method: "HEAD" }, { headers: { range: "bytes=0-3" } }]) {
        const { headers } = await server.ask(path, options);
        assert.match(headers["content-security-policy"] ?? "", /default-src 'none'.*sandbox/);
      }
      const { headers } = await server.ask(path);
      const again = await server.ask(path, { headers: { "if-none-match": headers.etag ?? "" } });
      assert.equal(again.status, 304);
      assert.match(again.headers["content-security-policy"] ?? "", /sandbox/);
    });
  }

  it("gives an SVG its type and leaves it as it is", async () => {
    const answer = await server.ask("/logo.svg");
    assert.match(answer.headers["content-type"] ?? "", /^image\/svg\+xml/);
    assert.match(answer.text, /<svg/);
  });

  it("does not put a sandbox around pictures", async () => {
    assert.equal((await server.ask("/photo.jpg")).headers["content-security-policy"], undefined);
  });

  for (const [accept, format] of [
    ["image/avif,image/webp,*/*", "webp"],
    ["image/webp;q=0.1", "webp"],
    ["image/webp;q=0", "jpeg"],
    ["image/*", "jpeg"],
    ["*/*", "jpeg"],
    ["", "jpeg"],
    ["image/webp,".repeat(500), "jpeg"],
    [";;;,,,q=,image/webp/webp", "jpeg"],
    ["IMAGE/WEBP", "webp"],
  ] as const) {
    it(`chooses ${format} for Accept ${JSON.stringify(accept.slice(0, 30))}`, async () => {
      const answer = await server.ask("/tr:w-40/photo.jpg", { headers: { accept } });
      assert.equal(answer.status, 200);
      assert.equal((await seen(answer.body)).format, format);
      assert.equal(answer.headers["content-type"], `image/${format}`);
      assert.equal(answer.headers.vary, "Accept");
    });
  }

  it("names Accept in Vary exactly when it took part", async () => {
    const vary = async (path: string, headers = {}) => (await server.ask(path, { headers })).headers.vary;
    assert.equal(await vary("/tr:w-41/photo.jpg"), "Accept");
    assert.equal(await vary("/tr:w-41,f-png/photo.jpg"), undefined);
    assert.equal(await vary("/photo.jpg"), "Accept");
    assert.equal(await vary("/photo.jpg?tr=orig-true"), undefined);
    assert.equal(await vary("/font.woff2"), undefined);
    assert.equal(await vary("/style.css"), "Accept-Encoding");
    assert.match((await vary("/tr:w-auto/photo.jpg", { "sec-ch-width": "33" })) ?? "", /Sec-CH-Width/i);
  });
});

describe("downloads by name", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({
      "photo.jpg": await photo(60, 40),
      "sommer größe.jpg": await photo(60, 40),
      'quo"te.txt': "text",
    });
    server = await startServer(folderConfig(folder.path));
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  const disposition = async (path: string) => {
    const answer = await server.ask(path);
    assert.equal(answer.status, 200, `${path}: ${answer.text}`);
    return answer.headers["content-disposition"];
  };

  it("offers no download unless asked", async () => {
    assert.equal(await disposition("/tr:w-20/photo.jpg"), undefined);
  });

  it("names the file, with the extension of the format that is sent", async () => {
    const named = await disposition("/photo.jpg?tr=w-20,f-png&ik-attachment=true");
    assert.match(named ?? "", /^attachment; filename="?photo\.png"?$/);
  });

  it("names text that is not Latin-1 as RFC 6266 says", async () => {
    const own = await disposition("/sommer%20gr%C3%B6%C3%9Fe.jpg?tr=w-20,f-jpg&ik-attachment=true");
    assert.match(own ?? "", /filename\*=UTF-8''sommer%20gr%C3%B6%C3%9Fe\.jpg$/);
    const euro = "/photo.jpg?tr=w-20,f-jpg&ik-attachment=true&ik-attachment-filename=%E2%82%AC";
    assert.match((await disposition(euro)) ?? "", /filename\*=UTF-8''%E2%82%AC\.jpg$/);
  });

  it("quotes quotes", async () => {
    assert.equal(
      await disposition("/quo%22te.txt?ik-attachment=true"),
      'attachment; filename="quo\\"te.txt"',
    );
  });

  for (const name of [
    "%0d%0aX-Evil:1",
    "%0aSet-Cookie:a=b",
    "a%00b",
    "..%2f..%2fetc%2fpasswd",
    "%ff",
    "%22;x=y",
  ]) {
    it(`lets no name become a header: ${name}`, async () => {
      const answer = await server.ask(`/photo.jpg?tr=w-20&ik-attachment=true&ik-attachment-filename=${name}`);
      assert([200, 400].includes(answer.status), String(answer.status));
      assert.equal(answer.headers["x-evil"], undefined);
      assert.equal(answer.headers["set-cookie"], undefined);
      assert(!/[\r\n\0]/.test(answer.headers["content-disposition"] ?? ""));
      assert(!/[/\\]etc/.test(answer.headers["content-disposition"] ?? ""));
    });
  }
});

describe("CORS by configuration", () => {
  let folder: TestFolder;
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(60, 40) });
  });
  after(() => folder.close());

  it("names the one origin that is configured, on errors too", async () => {
    const server = await startServer({ ...folderConfig(folder.path), cors: "https://www.example.com" });
    try {
      for (const path of ["/tr:w-20/photo.jpg", "/missing.jpg"]) {
        const { headers } = await server.ask(path);
        assert.equal(headers["access-control-allow-origin"], "https://www.example.com");
      }
    } finally {
      await server.close();
    }
  });

  it("says nothing where it is off", async () => {
    const server = await startServer({ ...folderConfig(folder.path), cors: false });
    try {
      for (const options of [{}, { method: "OPTIONS" }]) {
        const { headers } = await server.ask("/tr:w-20/photo.jpg", options);
        assert.deepEqual(
          Object.keys(headers).filter(
            (name) => name.startsWith("access-control") || name === "timing-allow-origin",
          ),
          [],
        );
      }
    } finally {
      await server.close();
    }
  });
});
