import assert from "node:assert/strict";
import { jobLanguage, memoryStorage, startServer, type TestServer } from "@mediatap/test";
import { type PageSources, pageFile } from "../../src/http/page-file.ts";
import type { Plugin } from "../../src/plugin.ts";

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

  it("has the type of its name, and is asked for each time", async () => {
    const { headers, body } = await serve("index.html");
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    assert.equal(headers["cache-control"], "no-cache");
    assert.equal(body.toString(), "hello");
    const again = await server.ask("/", { headers: { "if-none-match": String(headers.etag) } });
    assert.deepEqual([again.status, again.body.length], [304, 0]);
  });

  it("is plain text where the name does not tell", async () => {
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
