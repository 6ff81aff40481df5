import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { startOrigin, type TestServer, until, type WebOrigin } from "@mediatap/test";
import { type Copies, makeCopies, startWith } from "./server.ts";

const MB = 1024 * 1024;
const SIZE = 200 * MB;

describe("cache-source: a file of 200 MB", () => {
  let origin: WebOrigin;
  let copies: Copies;
  let server: TestServer;
  const block = randomBytes(MB);

  /** A block that is never the same. */
  function* blocks() {
    for (let at = 0; at < SIZE / MB; at++) {
      const bytes = Buffer.from(block);
      bytes.writeUInt32BE(at, 0);
      yield bytes;
    }
  }

  beforeEach(async () => {
    origin = await startOrigin({
      "film.mp4": {
        answer(_, response) {
          response.writeHead(200, { "content-length": SIZE, etag: '"film"' });
          Readable.from(blocks()).pipe(response);
        },
      },
    });
    copies = await makeCopies();
    server = await startWith(origin, copies);
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
    await copies.close();
  });

  async function hashOf(stream: AsyncIterable<Buffer>): Promise<string> {
    const hash = createHash("sha256");
    for await (const chunk of stream) hash.update(chunk);
    return hash.digest("hex");
  }

  const download = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get(`${server.url}/film.mp4`, resolve).on("error", reject);
    });

  it("passes through whole, is copied on its way, and never held in memory", async () => {
    const expected = await hashOf(Readable.from(blocks()));
    const before = process.memoryUsage.rss();
    let most = 0;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss() - before);
    }, 20);
    try {
      await until(async () => {
        assert.equal(await hashOf(await download()), expected);
        await until(async () => (await copies.others()).length === 0, "nothing is under way");
        // A copy is given up whose disk is far slower than its reader.
        return (await copies.records()).length === 1;
      }, "it is copied");
      const requests = origin.requests.length;
      const [path = ""] = await copies.bytes();
      assert.equal(await hashOf(createReadStream(join(copies.path, path))), expected);
      assert.equal(await hashOf(await download()), expected);
      assert.equal(origin.requests.length, requests, "the last one comes from the copy");
    } finally {
      clearInterval(timer);
    }
    assert(most < SIZE / 2, `${Math.round(most / MB)} MB more than before`);
  });
});
