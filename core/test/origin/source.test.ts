import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { Source } from "../../src/model/source.ts";
import { createByteBudget, createSource } from "../../src/origin/source.ts";

const CHUNK = 1000;

/** A source whose bytes count up, so that a gap shows. */
function counting(chunks: number, limit: number) {
  const bytes = Buffer.from(Array.from({ length: chunks * CHUNK }, (_, at) => at % 251));
  const parts = Array.from({ length: chunks }, (_, at) => bytes.subarray(at * CHUNK, (at + 1) * CHUNK));
  const budget = createByteBudget(limit);
  const entry = { body: () => Readable.from(parts, { objectMode: false }) };
  const metadata = { origin: "test", path: "file", fetched: 0 };
  return { source: createSource({ entry, metadata, budget, open: async () => entry }), budget, bytes };
}

describe("a source for whose bytes there is no room", () => {
  it("is not read on with a gap when there is room again", async () => {
    const { source, budget, bytes } = counting(10, 3 * CHUNK);
    await assert.rejects(source.bytes(1e6), { code: "EBUSY" });
    budget.adopt(1e6);
    await assert.rejects(source.peek(5 * CHUNK), { code: "EBUSY" });
    await assert.rejects(source.bytes(1e6), { code: "EBUSY" });
    // As a stream it takes no room, and is opened again.
    assert.deepEqual(await buffer(await source.stream()), bytes);
  });

  it("gives back the room that it took", async () => {
    const { source, budget } = counting(10, 3 * CHUNK);
    await assert.rejects(source.bytes(1e6), { code: "EBUSY" });
    await source.close();
    budget.acquire(3 * CHUNK);
    assert.throws(() => budget.acquire(1), { code: "EBUSY" });
  });
});

describe("a source in a file that is gone", () => {
  const missing = () => {
    const entry = { file: join(tmpdir(), "no-such-file.jpg"), body: () => Readable.from([]) };
    const metadata = { origin: "test", path: "file", size: 100_000, fetched: 0 };
    return createSource({ entry, metadata, budget: createByteBudget(1e6), open: async () => entry });
  };
  const expected = { code: "UNIDENTIFIED", message: "The file changed while it was read" };

  for (const [way, read] of [
    ["its beginning", (source: Source) => source.peek(100)],
    ["all bytes", (source: Source) => source.bytes(1e6)],
    ["a stream", (source: Source) => source.stream()],
  ] as const) {
    it(`counts as changed, read by ${way}`, () => assert.rejects(read(missing()), expected));
  }
});
