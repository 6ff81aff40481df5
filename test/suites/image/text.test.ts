import assert from "node:assert/strict";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import {
  makeFolder,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { photo } from "../support/photos.ts";
import { folderConfig, webConfig } from "../support/plugins.ts";

const CSS = "body { color: red }\n".repeat(200);
const LARGE = "a { width: 1px }\n".repeat(100_000);
const FILES = {
  "style.css": CSS,
  "code.js": "console.log('hello');\n".repeat(100),
  "module.mjs": "export {};\n".repeat(100),
  "data.json": JSON.stringify(Array(500).fill("x")),
  "page.html": "<p>hello</p>".repeat(100),
  "notes.txt": "notes ".repeat(100),
  "list.m3u8": "#EXTM3U\n".repeat(100),
  "logo.svg": `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${"<g/>".repeat(200)}</svg>`,
  "feed.xml": "<a/>".repeat(100),
  "map.map": JSON.stringify({ a: "b".repeat(500) }),
  "large.css": LARGE,
  "tiny.css": "a{}",
  "empty.css": "",
  "archive.zip": Buffer.alloc(2000, "PK"),
  "font.woff2": Buffer.alloc(2000, "wOF2"),
  noextension: "x".repeat(2000),
};

describe("text", () => {
  let folder: TestFolder;
  let origin: WebOrigin;
  const servers: Record<string, TestServer> = {};
  before(async () => {
    const files = Object.fromEntries(Object.entries(FILES).map(([name, text]) => [name, Buffer.from(text)]));
    const picture = await photo(200, 200);
    folder = await makeFolder({ ...files, "photo.jpg": picture });
    origin = await startOrigin({ ...files, "photo.jpg": picture });
    servers["a folder"] = await startServer(folderConfig(folder.path));
    servers["a web server"] = await startServer(webConfig([origin.url]));
  });
  after(async () => {
    for (const server of Object.values(servers)) await server.close();
    await folder.close();
    await origin.close();
  });

  for (const where of ["a folder", "a web server"]) {
    describe(`from ${where}`, () => {
      const ask = (path: string, coding?: string, more = {}) =>
        (servers[where] as TestServer).ask(path, {
          headers: { ...(coding === undefined ? {} : { "accept-encoding": coding }), ...more },
        });

      for (const name of [
        "style.css",
        "code.js",
        "data.json",
        "page.html",
        "notes.txt",
        "list.m3u8",
        "logo.svg",
        "large.css",
      ]) {
        it(`is sent as Brotli or gzip: ${name}`, async () => {
          const text = FILES[name as keyof typeof FILES];
          const br = await ask(`/${name}`, "gzip, deflate, br");
          assert.equal(br.headers["content-encoding"], "br");
          assert.equal(brotliDecompressSync(br.body).toString(), text);
          const gzip = await ask(`/${name}`, "gzip, deflate");
          assert.equal(gzip.headers["content-encoding"], "gzip");
          assert.equal(gunzipSync(gzip.body).toString(), text);
          const plain = await ask(`/${name}`);
          assert.equal(plain.headers["content-encoding"], undefined);
          assert.equal(plain.text, text);
          assert(br.body.length < plain.body.length);
          for (const answer of [br, gzip, plain]) {
            assert.match(answer.headers.vary ?? "", /\bAccept-Encoding\b/);
            assert.equal(answer.headers["content-type"], plain.headers["content-type"]);
          }
          const tags = [br, gzip, plain].map(({ headers }) => headers.etag);
          assert.equal(new Set(tags).size, 3);
          for (const tag of tags) assert.match(tag ?? "", /^"[^"]+"$/);
        });
      }

      it("is sent in the coding that the client can take", async () => {
        for (const [coding, expected] of [
          ["br", "br"],
          ["gzip", "gzip"],
          ["gzip;q=1.0, br;q=0.1", "br"],
          ["br;q=0, gzip", "gzip"],
          ["br;q=0", undefined],
          ["gzip;q=0, br;q=0", undefined],
          ["gzip;q=0.000", undefined],
          ["identity", undefined],
          ["identity;q=0, br", "br"],
          ["deflate", undefined],
          ["compress, zstd", undefined],
          ["*", "br"],
          ["*;q=0", undefined],
          ["*, br;q=0", "gzip"],
          ["*, gzip;q=0, br;q=0", undefined],
          ["BR", "br"],
          ["x-gzip", undefined],
          ["", undefined],
          [";;;,,q=", undefined],
          ["br,".repeat(1000), undefined],
          ["xbr, brx", undefined],
        ] as const) {
          const answer = await ask("/style.css", coding);
          assert.equal(answer.status, 200);
          assert.equal(answer.headers["content-encoding"], expected, coding);
        }
      });

      it("is sent plain where a range is asked for", async () => {
        for (const name of ["style.css", "large.css"]) {
          const part = await ask(`/${name}`, "br", { range: "bytes=10-19" });
          assert.equal(part.status, 206);
          assert.equal(part.headers["content-encoding"], undefined);
          assert.equal(part.text, String(FILES[name as keyof typeof FILES]).slice(10, 20));
          const plain = await ask(`/${name}`);
          assert.equal(part.headers.etag, plain.headers.etag);
          const coded = await ask(`/${name}`, "br");
          const resumed = await ask(`/${name}`, "br", {
            range: "bytes=10-19",
            "if-range": coded.headers.etag,
          });
          assert.equal(resumed.status, 200);
        }
      });

      it("is left alone where that is of no use", async () => {
        for (const name of [
          "tiny.css",
          "empty.css",
          "archive.zip",
          "font.woff2",
          "photo.jpg?tr=orig-true",
          "tr:w-50/photo.jpg",
        ]) {
          const answer = await ask(`/${name}`, "br, gzip");
          assert.equal(answer.status, 200);
          assert.equal(answer.headers["content-encoding"], undefined, name);
          assert(!/Accept-Encoding/.test(answer.headers.vary ?? "") || name.endsWith(".css"), name);
        }
      });

      it("ignores transformations, but for its own kind of problems", async () => {
        const answer = await ask("/tr:w-300,h-200/style.css");
        assert.equal(answer.status, 200);
        assert.equal(answer.text, CSS);
      });

      it("has its type and charset", async () => {
        for (const [name, type] of [
          ["style.css", /^text\/css; charset=utf-8$/],
          ["code.js", /^(text|application)\/javascript; charset=utf-8$/],
          ["data.json", /^application\/json/],
          ["page.html", /^text\/html; charset=utf-8$/],
          ["logo.svg", /^image\/svg\+xml/],
          ["archive.zip", /^application\/zip$/],
          ["font.woff2", /^font\/woff2$/],
          ["noextension", /^application\/octet-stream$/],
        ] as const) {
          const answer = await ask(`/${name}`);
          assert.match(answer.headers["content-type"] ?? "", type, name);
        }
      });

      it("survives a client that leaves while it is compressed", async () => {
        const server = servers[where] as TestServer;
        for (let i = 0; i < 5; i++) {
          const leaving = new AbortController();
          const answer = server.ask(`/large.css?v=${i}`, {
            headers: { "accept-encoding": "br" },
            signal: leaving.signal,
          });
          setTimeout(() => leaving.abort(), i * 2);
          await answer.catch(() => undefined);
        }
        assert.equal(brotliDecompressSync((await ask("/large.css", "br")).body).toString(), LARGE);
      });
    });
  }
});
