import assert from "node:assert/strict";
import type { Step } from "@mediatap/core";
import fc from "fast-check";
import sharp from "sharp";
import { quarters, render } from "../helpers.ts";

const RUNS = 60;
const PNG = { format: "png" } as const;

const color = fc.constantFrom({ r: 255, g: 0, b: 255, alpha: 1 }, { r: 0, g: 200, b: 100, alpha: 0.5 });
const side = fc.integer({ min: 16, max: 60 });
const gravity = fc.constantFrom("center", "left", "top-right", "bottom" as const);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    op: fc.constant("resize" as const),
    width: side,
    height: side,
    fit: fc.constantFrom("cover", "contain", "fill", "inside"),
    enlarge: fc.boolean(),
    focus: gravity,
    background: color.map((value) => ({ kind: "color" as const, color: value })),
  }),
  fc.record({
    op: fc.constant("extract" as const),
    width: side,
    height: side,
    outside: fc.constant("pad" as const),
    shrink: fc.constant(true),
    focus: gravity,
    background: color.map((value) => ({ kind: "color" as const, color: value })),
  }),
  fc.record({ op: fc.constant("rotate" as const), angle: fc.constantFrom(90, 180, 270) }),
  fc.record({ op: fc.constant("flip" as const), horizontal: fc.boolean(), vertical: fc.boolean() }),
  fc.record({ op: fc.constant("border" as const), width: fc.integer({ min: 0, max: 6 }), color }),
  fc.record({ op: fc.constant("blur" as const), sigma: fc.constantFrom(1, 2.5) }),
  fc.record({
    op: fc.constant("round" as const),
    radius: fc.constantFrom("max" as const, [3, 0, 9, 40] as const),
  }),
  fc.record({ op: fc.constant("opacity" as const), value: fc.constant(0.6) }),
  fc.record({
    op: fc.constant("flatten" as const),
    background: color.map((value) => ({ kind: "color" as const, color: value })),
  }),
  fc.constant({ op: "grayscale" as const }),
);

/** Colours as they show on a middle grey, so that what is clear has none. */
async function shown(bytes: Uint8Array) {
  const { data, info } = await sharp(bytes)
    .flatten({ background: "#808080" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** Renders the chain at once and step by step, and compares. */
async function compare(source: Uint8Array, steps: readonly Step[]): Promise<void> {
  const fused = await render(source, { steps, output: PNG });
  let single = source;
  for (const one of steps) single = (await render(single, { steps: [one], output: PNG })).bytes;
  const [a, b] = await Promise.all([shown(fused.bytes), shown(single)]);
  assert.deepEqual([a.width, a.height], [b.width, b.height]);
  let sum = 0;
  for (const [index, value] of a.data.entries()) sum += Math.abs(value - (b.data[index] as number));
  // Rounding between the steps moves single pixels a little.
  assert.ok(sum / a.data.length < 5, `differs by ${(sum / a.data.length).toFixed(1)} on average`);
}

const chain = fc.array(step, { minLength: 2, maxLength: 5 });

/** libvips scales up with a shift of half a pixel, which a turning before or after shows. */
const neverUp = (steps: readonly Step[]): Step[] =>
  steps.map((one) => (one.op === "resize" ? { ...one, enlarge: false } : one));

describe("image-sharp: order", () => {
  it("renders a chain like its steps one by one", async () => {
    const source = await (await quarters(52, 40)).png().toBuffer();
    await fc.assert(
      fc.asyncProperty(chain, (steps) => compare(source, steps)),
      { numRuns: RUNS },
    );
  });

  it("also for a picture that EXIF turns", async () => {
    const turned = (orientation: number) => sharp(source).withMetadata({ orientation }).png().toBuffer();
    const source = await (await quarters(52, 40)).png().toBuffer();
    const sources = await Promise.all([3, 6, 7].map(turned));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(0, 1, 2), chain, (index, steps) =>
        compare(sources[index] as Uint8Array, neverUp(steps)),
      ),
      { numRuns: RUNS },
    );
  });
});
