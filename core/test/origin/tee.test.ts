import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { until } from "@mediatap/test";
import { createCopies, type Write } from "../../src/origin/tee.ts";
import { createLogger } from "../../src/util/log.ts";

const log = createLogger({ level: "silent" });
const MB = 1024 * 1024;

describe("copies of an original", () => {
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

  function along(source: Readable, ...writers: Write[]): Readable {
    return patiently(60_000, source, ...writers);
  }

  /** Waits so many milliseconds for a copy that is far behind. */
  function patiently(milliseconds: number, source: Readable, ...writers: Write[]): Readable {
    const copies = createCopies("site", log, milliseconds);
    for (const write of writers) copies.add(write);
    return copies.along(source, bytes.length);
  }

  it("are whole, one as the other, and the answer too", async () => {
    const [one, two] = [keeping(buffer), keeping(buffer)];
    assert(bytes.equals(await buffer(along(pieces(64 * 1024), one.write, two.write))));
    assert(bytes.equals(await one.result));
    assert(bytes.equals(await two.result));
  });

  it("are whole where they are slower than the reader of the answer", async () => {
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

  it("are given up where they stand still; the answer goes on", async () => {
    const { promise: gone, resolve } = Promise.withResolvers<Error | null>();
    const still: Write = async (body) => {
      body.once("close", () => resolve(body.errored));
    };
    assert(bytes.equals(await buffer(patiently(10, pieces(64 * 1024), still))));
    assert.match((await gone)?.message ?? "", /too slow/);
  });

  it("are given up where they fail; the answer goes on", async () => {
    const failing: Write = () => Promise.reject(new Error("the disk is full"));
    assert(bytes.equals(await buffer(along(pieces(64 * 1024), failing))));
  });

  it("fail where the original breaks off, or is too short", async () => {
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

  it("fail where the reader of the answer leaves", async () => {
    const copy = keeping(buffer);
    const answer = along(pieces(64 * 1024), copy.write);
    for await (const _ of answer) break;
    await assert.rejects(copy.result);
  });
});
