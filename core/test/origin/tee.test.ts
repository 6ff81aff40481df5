import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { until } from "@mediatap/test";
import { createTee } from "../../src/origin/tee.ts";
import { createLogger } from "../../src/util/log.ts";

const log = createLogger({ level: "silent" });
const MB = 1024 * 1024;

type Write = (body: Readable) => Promise<void>;

describe("the copy of an original", () => {
  const bytes = randomBytes(40 * MB);
  const pieces = (size: number) =>
    Readable.from(
      Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      ),
    );

  /** What a writer got in the end. */
  function keeping(write: (body: Readable) => Promise<Buffer>) {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    promise.catch(() => {});
    return { write: (body: Readable) => write(body).then(resolve, reject), result: promise };
  }

  /** `timeout`: milliseconds for which a copy that is far behind is waited for. */
  function along(
    source: Readable,
    write: Write,
    { timeout = 60_000, maxBytes = bytes.length } = {},
  ): Readable {
    return createTee({ origin: "site", log, write, maxBytes, timeout }).along(source, bytes.length);
  }

  it("is complete, and the response too", async () => {
    const copy = keeping(buffer);
    assert(bytes.equals(await buffer(along(pieces(64 * 1024), copy.write))));
    assert(bytes.equals(await copy.result));
  });

  it("is written once, whoever reads", async () => {
    const copies: Promise<Buffer>[] = [];
    const write = async (body: Readable) => void copies.push(buffer(body));
    const tee = createTee({ origin: "site", log, write, maxBytes: bytes.length });
    tee.store(bytes);
    tee.store(bytes);
    assert(bytes.equals(await buffer(tee.along(pieces(64 * 1024), bytes.length))));
    assert.equal(copies.length, 1);
    assert(bytes.equals(await (copies[0] as Promise<Buffer>)));
  });

  it("fails if it is too large; the response goes on", async () => {
    const copy = keeping(buffer);
    assert(bytes.equals(await buffer(along(pieces(64 * 1024), copy.write, { maxBytes: 20 * MB }))));
    await assert.rejects(copy.result, /too large/);
  });

  it("is complete if it is slower than the reader of the answer", async () => {
    const slow = keeping(async (body) => {
      await until(
        () => body.readableLength + (body as PassThrough).writableLength > 8 * MB,
        "it is far behind",
      );
      return buffer(body);
    });
    assert(bytes.equals(await buffer(along(pieces(64 * 1024), slow.write))));
    assert(bytes.equals(await slow.result));
  });

  it("is cancelled if it stands still; the response goes on", async () => {
    const { promise: gone, resolve } = Promise.withResolvers<Error | null>();
    const still: Write = async (body) => {
      body.once("close", () => resolve(body.errored));
    };
    assert(bytes.equals(await buffer(along(pieces(64 * 1024), still, { timeout: 10 }))));
    assert.match((await gone)?.message ?? "", /too slow/);
  });

  it("is cancelled if it fails; the response goes on", async () => {
    const failing: Write = () => Promise.reject(new Error("the disk is full"));
    assert(bytes.equals(await buffer(along(pieces(64 * 1024), failing))));
  });

  it("fails if the original breaks off, or is too short", async () => {
    const broken = new PassThrough();
    const copy = keeping(buffer);
    const answer = buffer(along(broken, copy.write));
    broken.write(bytes.subarray(0, MB));
    broken.destroy(new Error("broke off"));
    await assert.rejects(answer);
    await assert.rejects(copy.result);

    const short = keeping(buffer);
    await buffer(along(Readable.from([bytes.subarray(0, MB)]), short.write));
    await assert.rejects(short.result);
  });

  it("fails if the reader of the response leaves", async () => {
    const copy = keeping(buffer);
    const answer = along(pieces(64 * 1024), copy.write);
    for await (const _ of answer) break;
    await assert.rejects(copy.result);
  });
});
