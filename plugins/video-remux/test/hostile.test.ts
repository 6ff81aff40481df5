import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import fc from "fast-check";
import { mp4, numbered } from "../../video-ffmpeg/test/support/videos.ts";
import { unfitFor } from "../src/boxes.ts";
import { cutOf, stretchesOf } from "../src/cut.ts";
import { followedGrid } from "../src/follow.ts";
import { equalGrid, type Grid } from "../src/grid.ts";
import { trackOf } from "../src/track.ts";
import { initOf, segmentHeader } from "../src/write.ts";
import { describeRemuxing } from "./support/remuxing.ts";

describeRemuxing("video-remux: streams of a file whose index lies", (remuxing) => {
  /** Some numbers of its index become others. */
  const edits = fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      value: fc.oneof(
        fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x00ffffff),
        fc.integer({ min: 0, max: 0xffffffff }),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  );
  type Edits = readonly { readonly at: number; readonly value: number }[];

  function edited(bytes: Buffer, from: number, to: number, list: Edits): Buffer {
    const changed = Buffer.from(bytes);
    for (const { at, value } of list) changed.writeUInt32BE(value, from + Math.floor(at * (to - from - 4)));
    return changed;
  }

  /** Where the index of a file is that has it in front. */
  function indexIn(bytes: Buffer): readonly [number, number] {
    const from = bytes.readUInt32BE(0);
    return [from, from + bytes.readUInt32BE(from)];
  }

  it("are packaged if possible, else encoded", async () => {
    const bytes = await remuxing.studio.bytes("count.mp4");
    const [from, to] = indexIn(bytes);
    const rate = { n: 30_000, d: 1_001 };
    const frames = 120;
    const fixed = equalGrid(rate, 390, frames);
    const judge = (index: Buffer, grid = fixed, isAgain = false): void => {
      try {
        const found = trackOf(index, bytes.length);
        const cut = cutOf(found, grid, 0);
        const { base, count } = cut;
        initOf(found);
        segmentHeader(found, cut, { from: base, samples: count }, 1);
        for (const { start, length } of stretchesOf(found, base, count)) {
          assert(start >= 0 && start + length <= bytes.length);
        }
      } catch (error) {
        unfitFor(error);
        if (!isAgain) judge(index, followed(index), true);
      }
    };
    const followed = (index: Buffer): Grid => {
      try {
        return followedGrid(trackOf(index, bytes.length), fixed, frames, 0);
      } catch (error) {
        unfitFor(error);
        return fixed;
      }
    };
    judge(bytes.subarray(from + 8, to));
    fc.assert(
      fc.property(edits, (list) => judge(edited(bytes, from + 8, to, list).subarray(from + 8, to))),
      { numRuns: 3_000 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: to - from - 8 }), (end) =>
        judge(bytes.subarray(from + 8, from + 8 + end)),
      ),
    );
  });

  it("succeed, or fail with the file's error", async () => {
    await remuxing.studio.make("short.mp4", ...numbered(2), ...mp4(25));
    const bytes = await remuxing.studio.bytes("short.mp4");
    const place = await remuxing.start({ segmentSeconds: 1 });
    let count = 0;
    await fc.assert(
      fc.asyncProperty(edits, async (list) => {
        const name = `edited-${count++}.mp4`;
        await writeFile(remuxing.studio.path(name), edited(bytes, ...indexIn(bytes), list));
        for (const part of ["master.m3u8?sr=240", "240-init.mp4", "240-1.m4s"]) {
          const { status, text } = await place.ask(`/${name}/${part}`);
          assert([200, 400, 403, 404].includes(status), `${part} ${status} ${text.slice(0, 200)}`);
        }
      }),
      { numRuns: 12 },
    );
    assert.equal((await place.ask("/short.mp4/240-1.m4s")).status, 200);
  });

  it("are refused if it does not match its frames", async () => {
    const bytes = Buffer.from(await remuxing.studio.bytes("count.mp4"));
    // The pictures of the last two segments are other bytes.
    bytes.fill(0x55, Math.floor(bytes.length * 0.7));
    await writeFile(remuxing.studio.path("other-bytes.mp4"), bytes);
    assert.deepEqual(await remuxing.made("other-bytes.mp4", "240"), ["copied"]);
    const answer = await remuxing.server.ask("/other-bytes.mp4/240-3.m4s");
    assert.equal(answer.status, 400);
    assert.match(answer.text, /index does not match/);
    assert.equal((await remuxing.server.ask("/other-bytes.mp4/240-0.m4s")).status, 200);
  });
});
