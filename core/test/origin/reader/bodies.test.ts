import assert from "node:assert/strict";
import { Readable } from "node:stream";
import fc from "fast-check";
import { type Chunk, chunksOf } from "../../../src/origin/reader/bodies.ts";

describe("a body in chunks", () => {
  it("has the same bytes, in chunks of one length but for the last, which is marked", async () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        pieces,
        fc.integer({ min: 1, max: 50 }),
        fc.boolean(),
        async (pieces, length, streams) => {
          const whole = Buffer.concat(pieces);
          const chunks: Chunk[] = [];
          for await (const chunk of chunksOf(streams ? Readable.from(pieces) : whole, length))
            chunks.push(chunk);
          assert(Buffer.concat(chunks.map(({ bytes }) => bytes)).equals(whole));
          const last = chunks.at(-1);
          assert.deepEqual(
            chunks.map(({ isLast }) => isLast),
            chunks.map((chunk) => chunk === last),
          );
          assert(
            chunks.every(({ bytes, isLast }) => (isLast ? bytes.length <= length : bytes.length === length)),
          );
          assert.equal(last?.bytes.length === 0, whole.length === 0);
        },
      ),
    );
  });
});
