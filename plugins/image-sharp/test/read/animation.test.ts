import assert from "node:assert/strict";
import type { Output, Step } from "@mediatap/core";
import sharp from "sharp";
import { BLUE, contextOf, GREEN, near, pixels, plan, RED, render, sourceOf, taps } from "../helpers.ts";

const WIDTH = 40;
const HEIGHT = 20;

/** Frames of one colour each: red, green, blue; the left upper corner of each is white. */
async function animation(format: "gif" | "webp"): Promise<Buffer> {
  const frames = await Promise.all(
    [RED, GREEN, BLUE].map(async ([r, g, b]) => {
      const base = sharp({
        create: {
          width: WIDTH,
          height: HEIGHT,
          channels: 3,
          background: { r: r as number, g: g as number, b: b as number },
        },
      });
      const corner = { create: { width: 10, height: 10, channels: 3, background: "#ffffff" } } as const;
      return base
        .composite([{ input: corner, left: 0, top: 0 }])
        .png()
        .toBuffer();
    }),
  );
  const joined = sharp(frames, { join: { animated: true } });
  const timing = { delay: [100, 200, 300], loop: 3 };
  return (format === "gif" ? joined.gif(timing) : joined.webp({ ...timing, lossless: true })).toBuffer();
}

const half: Step = { op: "resize", width: 20, fit: "inside", enlarge: true };

async function meta(bytes: Uint8Array) {
  const { pages, pageHeight, width, delay, loop } = await sharp(bytes, { animated: true }).metadata();
  return { pages, pageHeight, width, delay, loop };
}

describe("image-sharp: animations", () => {
  for (const source of ["gif", "webp"] as const) {
    it(`keeps frames and timing of ${source} as WebP`, async () => {
      const { bytes, rendition } = await render(await animation(source), { steps: [half], accept: "webp" });
      assert.deepEqual([rendition.format, rendition.width, rendition.height], ["webp", 20, 10]);
      assert.deepEqual(await meta(bytes), {
        pages: 3,
        pageHeight: 10,
        width: 20,
        delay: [100, 200, 300],
        loop: 3,
      });
      assert.ok(near((await pixels(bytes, 1)).at(15, 7), GREEN, 40));
    });

    it(`keeps ${source} moving for clients without WebP, and never as AVIF`, async () => {
      const bytes = await animation(source);
      assert.equal((await render(bytes, { accept: "basic" })).rendition.format, "gif");
      assert.equal((await render(bytes, { accept: "avif" })).rendition.format, "webp");
    });
  }

  for (const format of ["avif", "jpeg", "png"] as const) {
    it(`gives the first frame as ${format}`, async () => {
      const { bytes, rendition, plan: result } = await render(await animation("gif"), { output: { format } });
      assert.deepEqual([rendition.width, rendition.height], [WIDTH, HEIGHT]);
      assert.ok(near((await pixels(bytes)).at(30, 15), RED, 20));
      assert.match((result.explain() as { why: string }).why, /first frame/);
    });
  }

  it("gives one frame, counted from 1", async () => {
    const bytes = await animation("gif");
    const page = async (number: number, output: Output = { format: "png" }) =>
      render(bytes, { steps: [{ op: "frame", page: number }], output });
    assert.ok(near((await pixels((await page(2)).bytes)).at(30, 15), GREEN));
    assert.ok(near((await pixels((await page(3)).bytes)).at(30, 15), BLUE));
    const still = await page(2, { format: "gif" });
    assert.equal((await sharp(still.bytes).metadata()).pages ?? 1, 1);
    await assert.rejects(page(4), { code: "EINVAL" });
  });

  it("does each step to each frame", async () => {
    const color = { r: 255, g: 0, b: 255, alpha: 1 };
    const { bytes } = await render(await animation("gif"), {
      steps: [
        { op: "rotate", angle: 90 },
        { op: "blur", sigma: 1 },
        { op: "border", width: 4, color },
        { op: "round", radius: [12, 0, 0, 0] },
      ],
      output: { format: "webp", lossless: true },
    });
    assert.deepEqual(await meta(bytes), {
      pages: 3,
      pageHeight: 48,
      width: 28,
      delay: [100, 200, 300],
      loop: 3,
    });
    for (const [page, expected] of [RED, GREEN, BLUE].entries()) {
      const { at } = await pixels(bytes, page);
      assert.ok(near(at(8, 40), expected), `frame ${page} has its colour`);
      assert.ok(near(at(20, 8), [255, 255, 255, 255], 30), `frame ${page} is turned`);
      assert.ok(near(at(14, 46), [255, 0, 255, 255]), `frame ${page} has a border`);
      assert.equal(at(0, 0)[3], 0, `frame ${page} is rounded`);
    }
  });

  it("flips frames, not their order", async () => {
    const { bytes } = await render(await animation("gif"), {
      steps: [{ op: "flip", horizontal: false, vertical: true }],
      output: { format: "webp", lossless: true },
    });
    const { at } = await pixels(bytes, 0);
    assert.ok(near(at(20, 4), RED) && near(at(3, 17), [255, 255, 255, 255]));
  });

  it("pads frames, with the first one's dominant colour if a paint is requested", async () => {
    for (const background of [
      { kind: "color", color: { r: 255, g: 0, b: 0, alpha: 1 } },
      { kind: "blurred", intensity: 10, brightness: 0 },
    ] as const) {
      const { bytes } = await render(await animation("gif"), {
        steps: [{ op: "resize", width: 40, height: 40, fit: "contain", enlarge: true, background }],
        output: { format: "webp", lossless: true },
      });
      assert.equal((await meta(bytes)).pageHeight, 40);
      const { at } = await pixels(bytes, 2);
      assert.ok(near(at(30, 3), RED) && near(at(30, 20), BLUE) && near(at(30, 37), RED));
    }
  });

  it("trims all frames alike", async () => {
    const framed = await sharp(await animation("webp"), { animated: true })
      .extend({ top: 5, bottom: 5, left: 8, right: 8, background: "#000000" })
      .webp({ lossless: true })
      .toBuffer();
    const { bytes } = await render(framed, {
      steps: [{ op: "trim", tolerance: 10 }, half],
      output: { format: "webp", lossless: true },
    });
    const { pages, pageHeight, width } = await meta(bytes);
    assert.deepEqual([pages, pageHeight, width], [3, 10, 20]);
    assert.ok(near((await pixels(bytes, 2)).at(18, 1), BLUE, 30));
  });

  it("passes each frame to a plugin's step", async () => {
    let calls = 0;
    const { bytes } = await render(await animation("webp"), {
      steps: [{ op: "invert" } as unknown as Step],
      output: { format: "webp", lossless: true },
      step: async (frame) => {
        calls++;
        assert.deepEqual([frame.width, frame.height], [WIDTH, HEIGHT]);
        const invert = (value: number, index: number) => (index % frame.channels < 3 ? 255 - value : value);
        return { ...frame, data: frame.data.map(invert) };
      },
    });
    assert.equal(calls, 3);
    assert.ok(near((await pixels(bytes, 0)).at(30, 15), [0, 255, 255]));
  });

  it("is refused before it is decoded where it has too many frames or pixels", async () => {
    const bytes = await animation("gif");
    const limited = (limits: Parameters<typeof plan>[1]) =>
      assert.rejects(plan(bytes, limits), { code: "ELIMIT" });
    await limited({ limits: { frames: 2 } });
    await limited({ limits: { megapixels: 0.002 } });
    await limited({ limits: { frameMegapixels: 0.0007 } });
    await limited({ limits: { outputMegapixels: 0.002 }, accept: "webp" });
    assert.ok(
      await plan(bytes, { limits: { frames: 2 }, output: { format: "png" } }),
      "one frame is no animation",
    );
  });

  it("counts its frames", async () => {
    const { inspect } = taps();
    const header = await inspect(sourceOf(await animation("gif")), contextOf({}, inspect));
    assert.deepEqual([header?.frames, header?.width, header?.height], [3, WIDTH, HEIGHT]);
  });
});
