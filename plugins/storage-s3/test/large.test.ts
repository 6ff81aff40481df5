import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline, Readable } from "node:stream";
import type { Storage } from "@mediatap/core/storage";
import { entryOf, read, storageOf } from "./places.ts";

const MB = 1024 * 1024;
const SIZE = 300 * MB;
/** The object repeats this for ever; its length divides no power of two. */
const PATTERN = Buffer.from(Array.from({ length: 251 }, (_, i) => i));
const BLOCK = Buffer.concat(Array.from({ length: 1000 }, () => PATTERN));

/** The byte at a place of the object. */
const byteAt = (place: number) => place % PATTERN.length;

/** A service with one object, which is made as it is sent: it takes no memory, and counts what it sent. */
async function startGiant(): Promise<Server & { sent: number }> {
  const server = Object.assign(createServer(), { sent: 0 });
  server.on("request", ({ headers: { range } }, response) => {
    const [, from = "0", to = `${SIZE - 1}`] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    const [start, end] = [Number(from), Math.min(Number(to), SIZE - 1)];
    response.writeHead(range ? 206 : 200, {
      etag: '"giant"',
      "content-length": end - start + 1,
      ...(range && { "content-range": `bytes ${start}-${end}/${SIZE}` }),
    });
    pipeline(Readable.from(bytes(start, end)), response, () => undefined);
  });
  function* bytes(start: number, end: number): Generator<Buffer> {
    for (let at = start; at <= end; ) {
      const block = BLOCK.subarray(byteAt(at), byteAt(at) + Math.min(64 * 1024, end + 1 - at));
      at += block.length;
      server.sent += block.length;
      yield block;
    }
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

describe("an object of 300 MB", () => {
  let server: Awaited<ReturnType<typeof startGiant>>;
  let storage: Storage;
  let close: () => void;
  beforeEach(async () => {
    server = await startGiant();
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    ({ storage, close } = storageOf({ endpoint, accessKey: "any", secretKey: "any" }));
  });
  afterEach(async () => {
    close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("flows: it is never held", async () => {
    let most = 0;
    let at = 0;
    for await (const chunk of await (await entryOf(storage, "giant.mp4")).body()) {
      const bytes = chunk as Buffer;
      assert(bytes.equals(BLOCK.subarray(byteAt(at), byteAt(at) + bytes.length)), `from ${at} on`);
      at += bytes.length;
      most = Math.max(most, server.sent - at);
    }
    assert.equal(at, SIZE);
    // What is under way: in buffers of the system, and in those of streams.
    assert(most < 30 * MB, `${most} bytes`);
  });

  it("is read in parts without the rest", async () => {
    let wanted = 0;
    for (const [start, length] of [
      [0, 1],
      [150 * MB + 7, 100_000],
      [SIZE - 1000, 1000],
      [SIZE - 10, 1000],
    ] as const) {
      const part = await read(storage, "giant.mp4", { range: { start, end: start + length - 1 } });
      assert.equal(part.length, Math.min(length, SIZE - start));
      assert(part.equals(BLOCK.subarray(byteAt(start), byteAt(start) + part.length)));
      wanted += part.length;
    }
    assert.equal(server.sent, wanted);
  });

  it("is no longer sent when nobody reads it any more", async () => {
    const entry = await entryOf(storage, "giant.mp4");
    for await (const _ of await entry.body()) break;
    await entry.close?.();
    await new Promise((resolve) => server.close(resolve));
    assert(server.sent < 50 * MB, `${server.sent} bytes`);
  });
});
