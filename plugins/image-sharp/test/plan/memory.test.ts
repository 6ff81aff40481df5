import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeFolder, type TestFolder } from "@mediatap/test";
import sharp from "sharp";

const MB = 1024 * 1024;

/** Each needs memory in a way of its own: whole pictures in decoders, encoders, between pipelines. */
const URLS = [
  "/plain.jpg?tr=w-300",
  "/progressive.jpg?tr=w-300",
  "/plain.jpg?tr=w-2900,f-png",
  "/plain.jpg?tr=rt-90,f-jpg",
  "/plain.jpg?tr=rt-45,f-jpg",
  "/plain.jpg?tr=w-1800,f-avif",
  "/clear.png?tr=w-300",
  "/clear.png?tr=t-true,f-webp",
  "/picture.avif?tr=w-300",
];

describe("the memory that a plan is estimated to take", () => {
  let folder: TestFolder;

  before(async function () {
    if (!existsSync("/proc/self/clear_refs")) this.skip();
    const side = 3000;
    const noise = { type: "gaussian", mean: 128, sigma: 20 } as const;
    const small = await sharp({ create: { width: 300, height: 300, channels: 3, noise, background: "#000" } })
      .jpeg()
      .toBuffer();
    const large = () => sharp(small).resize(side, side);
    const clear = large()
      .ensureAlpha(0.8)
      .extend({ top: 20, background: { r: 0, g: 0, b: 0, alpha: 0 } });
    folder = await makeFolder({
      "small.jpg": small,
      "plain.jpg": await large().jpeg().toBuffer(),
      "progressive.jpg": await large().jpeg({ progressive: true }).toBuffer(),
      "clear.png": await clear.png({ compressionLevel: 1 }).toBuffer(),
      "picture.avif": await large().avif({ effort: 0 }).toBuffer(),
    });
  });
  after(() => folder?.close());

  it("is about what it takes", async () => {
    const args = [
      "--conditions=mediatap:source",
      join(import.meta.dirname, "memory-program.ts"),
      folder.path,
      ...URLS,
    ];
    // As the command sets it where there is no other allocator.
    const env = { ...process.env, MALLOC_ARENA_MAX: "2", MALLOC_MMAP_THRESHOLD_: "131072" };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.equal(lines.length, URLS.length);
    for (const { url, status, estimate, taken } of lines) {
      const shown = `${url}: ${Math.round(taken / MB)} MB for ${Math.round(estimate / MB)}`;
      assert.equal(status, 200, url);
      assert(taken < 1.25 * estimate + 16 * MB, shown);
      assert(estimate < 4 * taken + 32 * MB, shown);
    }
  });
});
