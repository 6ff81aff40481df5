import assert from "node:assert/strict";
import { once } from "node:events";
import { truncate, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import {
  type Answer,
  makeFolder,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { noise, photo, seen } from "../support/photos.ts";
import { folderConfig, webConfig } from "../support/plugins.ts";

const TEXT = Buffer.from("0123456789".repeat(100));
const BIG = Buffer.alloc(3_000_000, "abcdefghij");

/** The same files, once in a folder and once behind a web server. */
describe("ranges", () => {
  let picture: Buffer;
  before(async () => {
    picture = await photo(200, 120);
  });

  const places: [string, () => Promise<{ server: TestServer; close(): Promise<void> }>][] = [
    [
      "a folder",
      async () => {
        const folder = await makeFolder({
          "a.bin": TEXT,
          "big.bin": BIG,
          "photo.jpg": picture,
          "none.bin": "",
        });
        const server = await startServer(folderConfig(folder.path));
        return { server, close: () => folder.close() };
      },
    ],
    [
      "a web server",
      async () => {
        const origin = await startOrigin({
          "a.bin": TEXT,
          "big.bin": BIG,
          "photo.jpg": picture,
          "none.bin": new Uint8Array(),
        });
        const server = await startServer(webConfig([origin.url]));
        return { server, close: () => origin.close() };
      },
    ],
  ];

  for (const [where, open] of places) {
    describe(`of files from ${where}`, () => {
      let server: TestServer;
      let close: () => Promise<void>;
      before(async () => {
        ({ server, close } = await open());
      });
      after(async () => {
        await server.close();
        await close();
      });

      for (const [what, path] of [
        ["a small original", "/a.bin"],
        ["a large original", "/big.bin"],
        ["a rendition", "/tr:w-50,f-png/photo.jpg"],
      ] as const) {
        describe(what, () => {
          let whole: Answer;
          const range = (value: string, headers = {}) =>
            server.ask(path, { headers: { range: value, ...headers } });

          before(async () => {
            whole = await server.ask(path);
            assert.equal(whole.status, 200);
          });

          it("says that it serves ranges", () => {
            assert.equal(whole.headers["accept-ranges"], "bytes");
            assert.match(whole.headers.etag ?? "", /^"[^"]+"$/);
          });

          it("gives exactly the bytes asked for", async () => {
            const n = whole.body.length;
            for (const [value, start, end] of [
              ["bytes=0-0", 0, 0],
              ["bytes=0-99", 0, 99],
              ["bytes=10-", 10, n - 1],
              ["bytes=-5", n - 5, n - 1],
              [`bytes=-${n + 10}`, 0, n - 1],
              [`bytes=0-${n - 1}`, 0, n - 1],
              [`bytes=${n - 1}-`, n - 1, n - 1],
              [`bytes=5-${n + 100}`, 5, n - 1],
              ["bytes=5-99999999999999999999999999", 5, n - 1],
              ["BYTES=1-2", 1, 2],
              ["bytes= 1-2", 1, 2],
            ] as const) {
              const part = await range(value);
              assert.equal(part.status, 206, value);
              assert.equal(part.headers["content-range"], `bytes ${start}-${end}/${n}`, value);
              assert.equal(part.headers["content-length"], String(end - start + 1));
              assert(part.body.equals(whole.body.subarray(start, end + 1)), value);
              assert.equal(part.headers.etag, whole.headers.etag);
              assert.equal(part.headers["content-type"], whole.headers["content-type"]);
              assert.equal(part.headers["cache-control"], whole.headers["cache-control"]);
            }
          });

          it("answers 416 with the length for what lies behind the end", async () => {
            const n = whole.body.length;
            for (const value of [
              `bytes=${n}-`,
              `bytes=${n + 5}-${n + 9}`,
              "bytes=-0",
              "bytes=9223372036854775807-",
            ]) {
              const answer = await range(value);
              assert.equal(answer.status, 416, value);
              assert.equal(answer.headers["content-range"], `bytes */${n}`);
              assert.equal(answer.body.length, 0);
            }
          });

          it("gives the whole for what is malformed, foreign, or more than one range", async () => {
            for (const value of [
              "bytes=",
              "bytes=-",
              "bytes=5-2",
              "bytes=a-b",
              "bytes=1.5-2",
              "bytes=--5",
              "bytes=-9223372036854775808-",
              "bytes=0x0-0x5",
              "items=0-5",
              "bytes 0-5",
              "0-5",
              "bytes=0-1,3-4",
              `bytes=${"0-,".repeat(500)}0-`,
              "bytes=0-0,-1",
            ]) {
              const answer = await range(value);
              assert.equal(answer.status, 200, value);
              assert.equal(answer.headers["content-range"], undefined);
              assert(answer.body.equals(whole.body), value);
            }
          });

          it("lets a range count only while If-Range holds", async () => {
            const { etag = "", "last-modified": date } = whole.headers;
            for (const [condition, status] of [
              [etag, 206],
              ['"other"', 200],
              [`W/${etag}`, 200],
              [`${etag}, ${etag}`, 200],
              ["garbage", 200],
              ["*", 200],
              ["Mon, 01 Jan 2001 00:00:00 GMT", 200],
              [new Date(Date.now() + 86_400_000).toUTCString(), 200],
              ...(date ? [[date, 206] as const] : []),
            ] as const) {
              const answer = await range("bytes=1-3", { "if-range": condition });
              assert.equal(answer.status, status, condition);
              const expected = status === 206 ? whole.body.subarray(1, 4) : whole.body;
              assert(answer.body.equals(expected), condition);
            }
          });

          it("ignores a range for HEAD", async () => {
            const head = await server.ask(path, { method: "HEAD", headers: { range: "bytes=0-3" } });
            assert.equal(head.status, 200);
            assert.equal(head.headers["content-length"], String(whole.body.length));
            assert.equal(head.headers["content-range"], undefined);
          });

          it("decides If-None-Match before the range", async () => {
            const answer = await range("bytes=0-3", { "if-none-match": whole.headers.etag });
            assert.equal(answer.status, 304);
          });

          it("keeps the whole when a part was asked for first", async () => {
            const separator = path.includes("?") ? "&" : "?";
            const part = await server.ask(`${path}${separator}v=first`, { headers: { range: "bytes=0-3" } });
            assert.equal(part.status, 206);
            const then = await server.ask(`${path}${separator}v=first`);
            assert.equal(then.status, 200);
            assert(then.body.equals(whole.body));
          });
        });
      }

      it("answers 416 for any range of an empty file", async () => {
        const answer = await server.ask("/none.bin", { headers: { range: "bytes=0-" } });
        assert.equal(answer.status, 416);
        assert.equal(answer.headers["content-range"], "bytes */0");
      });
    });
  }
});

describe("large originals", () => {
  let folder: TestFolder;
  let origin: WebOrigin;
  let fromFolder: TestServer;
  let fromWeb: TestServer;
  const SIZE = 50 * 1024 * 1024;
  before(async () => {
    folder = await makeFolder();
    await writeFile(join(folder.path, "video.mp4"), "start");
    await truncate(join(folder.path, "video.mp4"), SIZE);
    origin = await startOrigin({ "big.bin": BIG, "photo.jpg": await noise(900, 700) });
    fromFolder = await startServer(folderConfig(folder.path));
    fromWeb = await startServer(webConfig([origin.url]));
  });
  after(async () => {
    await fromFolder.close();
    await fromWeb.close();
    await folder.close();
    await origin.close();
  });

  it("are streamed as fast as the client reads, not held in memory", async () => {
    const before = process.memoryUsage();
    const clients = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
        const sent = request({ host: "127.0.0.1", port: fromFolder.port, path: "/video.mp4", agent: false });
        sent.on("response", resolve).on("error", reject).end();
        const res = await promise;
        await once(res, "readable");
        return res;
      }),
    );
    // Nobody reads: 300 MB could have been read ahead by now, were nothing in its way.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    const growth = arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed;
    assert(growth < 60 * 1024 * 1024, `${Math.round(growth / 1024 / 1024)} MB`);
    const lengths = await Promise.all(
      clients.map(async (res) => {
        let length = 0;
        for await (const chunk of res) length += chunk.length;
        return length;
      }),
    );
    assert.deepEqual(lengths, Array(6).fill(SIZE));
  });

  it("give any part of them", async () => {
    const start = await fromFolder.ask("/video.mp4", { headers: { range: "bytes=0-6" } });
    assert.equal(start.text, "start\0\0");
    const end = await fromFolder.ask("/video.mp4", { headers: { range: "bytes=-3" } });
    assert.equal(end.headers["content-range"], `bytes ${SIZE - 3}-${SIZE - 1}/${SIZE}`);
  });

  it("read only the part from a web server", async () => {
    await fromWeb.ask("/big.bin", { method: "HEAD" });
    const at = origin.requests.length;
    const part = await fromWeb.ask("/big.bin", { headers: { range: "bytes=1000-1009" } });
    assert.equal(part.status, 206);
    assert.equal(part.text, "abcdefghij");
    assert.equal(origin.requests[at]?.headers.range, "bytes=1000-1009");
  });

  it("let go of the origin's connection after HEAD, 304 and a part", async () => {
    const { headers } = await fromWeb.ask("/big.bin?v=1", { method: "HEAD" });
    for (let i = 0; i < 5; i++) {
      await fromWeb.ask(`/big.bin?v=a${i}`, { method: "HEAD" });
      await fromWeb.ask(`/big.bin?v=b${i}`, { headers: { range: "bytes=0-9" } });
      await fromWeb.ask(`/big.bin?v=c${i}`, { headers: { "if-none-match": headers.etag ?? "" } });
    }
    // None of these needed the whole file: nothing may still be sending it.
    await until(
      () => [...origin.sockets].every((socket) => socket.writableLength === 0),
      "no answer of the origin is under way",
    );
  });

  it("can be delivered as they are and transformed, in any order", async () => {
    for (let i = 0; i < 3; i++) {
      const whole = await fromWeb.ask(`/photo.jpg?tr=orig-true&v=${i}`);
      assert.equal(whole.status, 200);
      assert.equal((await seen(whole.body)).width, 900);
      const small = await fromWeb.ask(`/tr:w-40/photo.jpg?v=${i}`);
      assert.equal(small.status, 200, small.headers["ik-error"]);
      assert.equal((await seen(small.body)).width, 40);
    }
  });

  it("can be delivered as they are and transformed at the same time", async () => {
    const paths = Array.from({ length: 8 }, (_, i) =>
      i % 2 ? `/photo.jpg?tr=orig-true&v=s${i}` : `/tr:w-41/photo.jpg?v=s${i}`,
    );
    const answers = await Promise.all(paths.map((path) => fromWeb.ask(path)));
    for (const [at, answer] of answers.entries()) {
      assert.equal(answer.status, 200, answer.headers["ik-error"]);
      assert.equal((await seen(answer.body)).width, at % 2 ? 900 : 41);
    }
  });
});
