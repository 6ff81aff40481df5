import assert from "node:assert/strict";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { jobLanguage, memoryStorage, startServer, type TestServer } from "@mediatap/test";
import { type PageSources, pageFile } from "../../src/http/page-file.ts";
import type { Plugin } from "../../src/plugin/plugin.ts";

const page = (name: string, sources?: PageSources): Plugin => ({
  name: "page",
  version: "1",
  apiVersion: 1,
  apply({ route }) {
    route("GET", "/", pageFile(name, "hello", sources));
  },
});

describe("a file of a page", () => {
  let server: TestServer;
  const serve = async (...given: Parameters<typeof page>) => {
    server = await startServer({
      plugins: [jobLanguage(), memoryStorage(Buffer.of()), page(...given)],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
    });
    return await server.ask("/");
  };
  afterEach(() => server?.close());

  it("has the type of its name, and is revalidated each time", async () => {
    const { headers, body } = await serve("index.html");
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    assert.equal(headers["cache-control"], "no-cache");
    assert.equal(body.toString(), "hello");
    const again = await server.ask("/", { headers: { "if-none-match": String(headers.etag) } });
    assert.deepEqual([again.status, again.body.length], [304, 0]);
  });

  it("is compressed for clients that accept it, under a tag of its own", async () => {
    await serve("app.js");
    const text = "let a = 1;\n".repeat(100);
    await server.close();
    server = await startServer({
      plugins: [
        jobLanguage(),
        memoryStorage(Buffer.of()),
        { ...page("app.js"), apply: ({ route }) => route("GET", "/", pageFile("app.js", text)) },
      ],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
    });
    const plain = await server.ask("/");
    assert.deepEqual([plain.headers["content-encoding"], plain.text], [undefined, text]);
    for (const [coding, decode] of [
      ["br", brotliDecompressSync],
      ["gzip", gunzipSync],
    ] as const) {
      const headers = { "accept-encoding": coding };
      const answer = await server.ask("/", { headers });
      assert.equal(answer.headers["content-encoding"], coding);
      assert.equal(answer.headers.vary?.toLowerCase(), "accept-encoding");
      assert.equal(decode(answer.body).toString(), text);
      const tag = String(answer.headers.etag);
      assert.notEqual(tag, plain.headers.etag);
      assert.equal((await server.ask("/", { headers: { ...headers, "if-none-match": tag } })).status, 304);
      assert.equal((await server.ask("/", { headers: { "if-none-match": tag } })).status, 200);
    }
  });

  it("is plain text if the name has no known extension", async () => {
    const { headers } = await serve("notes");
    assert.equal(headers["content-type"], "text/plain; charset=utf-8");
  });

  it("loads from its server alone, and from where it is allowed to", async () => {
    const { headers } = await serve("index.html", { "img-src": ["data:", "blob:"], "media-src": ["blob:"] });
    assert.equal(
      headers["content-security-policy"],
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; media-src 'self' blob:",
    );
  });
});
