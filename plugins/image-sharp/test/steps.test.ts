import assert from "node:assert/strict";
import type { Step } from "@mediatap/core";
import { BLACK, BLUE, GREEN, near, pixels, quarters, RED, render, WHITE } from "./helpers.ts";

const PNG = { format: "png" } as const;

/** What comes of the quarters, 64x48, as PNG. */
async function drawn(steps: readonly Step[], alpha = 255, width = 64, height = 48) {
  const { bytes, plan } = await render(await (await quarters(width, height, alpha)).png().toBuffer(), {
    steps,
    output: PNG,
  });
  return { ...(await pixels(bytes)), passes: (plan.explain() as { passes: string[] }).passes };
}

const cut = (width: number, height: number, x: number, y: number): Step => ({
  op: "extract",
  width,
  height,
  at: { from: "corner", x, y },
  outside: "error",
  shrink: true,
});
const scale = (width: number): Step => ({ op: "resize", width, fit: "inside", enlarge: true });
const color = (r: number, g: number, b: number, alpha = 1) =>
  ({ kind: "color", color: { r, g, b, alpha } }) as const;
const MAGENTA = [255, 0, 255, 255];

describe("image-sharp: steps", () => {
  it("cuts a window", async () => {
    const { at, width, height } = await drawn([cut(10, 6, 32, 24)]);
    assert.deepEqual([width, height], [10, 6]);
    assert.ok(near(at(0, 0), WHITE) && near(at(9, 5), WHITE));
  });

  it("pads a window that is larger than the picture", async () => {
    const { at, width, height } = await drawn([
      {
        op: "extract",
        width: 84,
        height: 68,
        outside: "pad",
        shrink: true,
        background: color(255, 0, 255),
      },
    ]);
    assert.deepEqual([width, height], [84, 68]);
    assert.ok(
      near(at(9, 9), MAGENTA) &&
        near(at(10, 10), RED) &&
        near(at(73, 57), WHITE) &&
        near(at(74, 58), MAGENTA),
    );
  });

  it("lays an opaque colour behind clear parts of a padded picture, too, in one pass", async () => {
    const padded = (background: ReturnType<typeof color>): Step => ({
      op: "resize",
      width: 64,
      height: 64,
      fit: "contain",
      enlarge: true,
      background,
    });
    const { at, passes } = await drawn([padded(color(255, 0, 255))], 0);
    assert.ok(near(at(32, 2), MAGENTA) && near(at(32, 32), MAGENTA));
    assert.equal(passes.length, 1);
    const clear = await drawn([padded(color(255, 0, 255, 0.5))], 0);
    assert.equal(clear.at(32, 32)[3], 0);
  });

  it("turns clockwise", async () => {
    const { at, width, height } = await drawn([{ op: "rotate", angle: 90 }]);
    assert.deepEqual([width, height], [48, 64]);
    assert.ok(
      near(at(2, 2), BLUE) && near(at(45, 2), RED) && near(at(2, 61), WHITE) && near(at(45, 61), GREEN),
    );
  });

  it("turns by any angle on a clear canvas that grows", async () => {
    const { at, width, height } = await drawn([{ op: "rotate", angle: 45 }]);
    assert.ok(Math.abs(width - 79) <= 1 && Math.abs(height - 79) <= 1);
    assert.equal(at(1, 1)[3], 0);
    assert.ok(near(at(39, 10), RED, 40) || near(at(39, 10), GREEN, 40));
  });

  it("fills the corners of a turned picture", async () => {
    const { at } = await drawn([{ op: "rotate", angle: 30, background: color(255, 0, 255) }]);
    assert.ok(near(at(0, 0), MAGENTA));
  });

  it("goes on from the true size of a turned picture", async () => {
    const { width } = await drawn([{ op: "rotate", angle: 45 }, scale(40)]);
    assert.equal(width, 40);
  });

  it("mirrors", async () => {
    const { at } = await drawn([{ op: "flip", horizontal: true, vertical: true }]);
    assert.ok(near(at(2, 2), WHITE) && near(at(61, 45), RED));
  });

  it("blurs across an edge", async () => {
    const { at } = await drawn([{ op: "blur", sigma: 5 }]);
    const [r, g] = at(32, 4) as [number, number];
    assert.ok(r > 80 && r < 200 && g > 80 && g < 200);
  });

  it("takes the colours out", async () => {
    const { at } = await drawn([{ op: "grayscale" }]);
    const [r, g, b] = at(2, 2);
    assert.ok(r === g && g === b && r !== 0 && r !== 255);
  });

  it("stretches the tones to the full range", async () => {
    const { data, info } = await (await quarters())
      .linear(0.4, 60)
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { default: sharp } = await import("sharp");
    const dull = await sharp(data, { raw: info }).png().toBuffer();
    const { bytes } = await render(dull, { steps: [{ op: "contrast" }], output: PNG });
    const { at } = await pixels(bytes);
    assert.ok(near(at(60, 44), WHITE, 6));
  });

  for (const step of [
    { op: "sharpen", amount: 50 },
    { op: "unsharp", radius: 2, sigma: 2, amount: 1, threshold: 0 },
  ] as const) {
    it(`raises the contrast of edges by ${step.op}`, async () => {
      const { default: sharp } = await import("sharp");
      const { data, info } = await (await quarters())
        .grayscale()
        .linear(0.5, 60)
        .blur(2)
        .raw()
        .toBuffer({ resolveWithObject: true });
      const soft = await sharp(data, { raw: info }).png().toBuffer();
      const before = await pixels(soft);
      const { bytes } = await render(soft, { steps: [step], output: PNG });
      const after = await pixels(bytes);
      const rise = (image: typeof before) =>
        Math.abs((image.at(30, 4)[0] as number) - (image.at(33, 4)[0] as number));
      assert.ok(rise(after) > rise(before));
    });
  }

  it("trims an even edge and goes on from the true size", async () => {
    const { default: sharp } = await import("sharp");
    const framed = await (await quarters(40, 20))
      .extend({ top: 10, bottom: 10, left: 30, right: 30, background: "#ff00ff" })
      .png()
      .toBuffer();
    const trimmed = await render(framed, { steps: [{ op: "trim", tolerance: 10 }], output: PNG });
    assert.deepEqual([trimmed.rendition.width, trimmed.rendition.height], [40, 20]);
    const scaled = await render(framed, { steps: [{ op: "trim", tolerance: 10 }, scale(80)], output: PNG });
    assert.deepEqual([scaled.rendition.width, scaled.rendition.height], [80, 40]);
    assert.equal((await sharp(scaled.bytes).metadata()).height, 40);
  });

  it("draws a border around the picture", async () => {
    const { at, width, height } = await drawn([{ op: "border", width: 5, color: color(255, 0, 255).color }]);
    assert.deepEqual([width, height], [74, 58]);
    assert.ok(near(at(4, 4), MAGENTA) && near(at(5, 5), RED) && near(at(73, 57), MAGENTA));
  });

  it("rounds single corners", async () => {
    const { at } = await drawn([{ op: "round", radius: [20, 0, 10, 0] }]);
    assert.deepEqual([at(0, 0)[3], at(63, 0)[3], at(63, 47)[3], at(0, 47)[3]], [0, 255, 0, 255]);
    assert.equal(at(10, 10)[3], 255);
  });

  it("cuts an ellipse", async () => {
    const { at } = await drawn([{ op: "round", radius: "max" }]);
    assert.deepEqual([at(3, 3)[3], at(60, 44)[3], at(32, 1)[3], at(1, 24)[3]], [0, 0, 255, 255]);
  });

  it("makes radii that do not fit smaller", async () => {
    const { at } = await drawn([{ op: "round", radius: [500, 500, 500, 500] }], 255, 48, 48);
    assert.deepEqual([at(2, 2)[3], at(24, 1)[3], at(24, 24)[3]], [0, 255, 255]);
  });

  it("makes the picture translucent, also where it was before", async () => {
    assert.equal((await drawn([{ op: "opacity", value: 0.5 }])).at(5, 5)[3], 128);
    assert.ok(
      Math.abs(((await drawn([{ op: "opacity", value: 0.5 }], 100)).at(5, 5)[3] as number) - 50) <= 1,
    );
  });

  it("lays a translucent picture on a colour", async () => {
    const { at } = await drawn([{ op: "flatten", background: color(0, 0, 0) }], 128);
    assert.ok(near(at(60, 44), [128, 128, 128, 255]));
  });

  it("lays a clear picture on a translucent colour", async () => {
    const { at } = await drawn([{ op: "flatten", background: color(0, 0, 255, 0.5) }], 0);
    assert.ok(near(at(5, 5), [0, 0, 255, 128]));
  });

  it("refuses what it cannot do", async () => {
    const unknown = { op: "vignette" } as unknown as Step;
    await assert.rejects(drawn([unknown]), { code: "EUNSUPPORTED" });
  });

  it("hands pixels to a plugin that knows the step, and goes on from what comes back", async () => {
    const invert = { op: "invert" } as unknown as Step;
    const { bytes } = await render(await (await quarters()).png().toBuffer(), {
      steps: [scale(32), invert, cut(4, 4, 0, 0)],
      output: PNG,
      step: async (frame) => ({ ...frame, data: frame.data.map((value) => 255 - value) }),
    });
    const { at, width } = await pixels(bytes);
    assert.equal(width, 4);
    assert.ok(near(at(1, 1), [0, 255, 255, 255]));
  });

  it("blames a plugin that hands back other pixels than it says", async () => {
    const step = { op: "invert" } as unknown as Step;
    const bytes = await (await quarters()).png().toBuffer();
    const short = render(bytes, { steps: [step], step: async (frame) => ({ ...frame, width: 1 }) });
    await assert.rejects(short, { code: "EINTERNAL" });
    const large = render(bytes, {
      steps: [step, scale(5)],
      limits: { outputMegapixels: 0.01 },
      step: async () => ({ data: new Uint8Array(200 * 200), width: 200, height: 200, channels: 1 }),
    });
    await assert.rejects(large, { code: "ELIMIT" });
  });

  it("chooses steps by the picture's size, also by one that only pixels tell", async () => {
    const wider: Step = {
      op: "when",
      if: { left: "cw", is: "gt", right: 50 },
      // biome-ignore lint/suspicious/noThenProperty: the word of the model.
      then: [scale(50), { op: "grayscale" }],
      else: [{ op: "border", width: 1, color: color(0, 0, 0).color }],
    };
    assert.equal((await drawn([wider])).width, 50);
    assert.equal((await drawn([scale(20), wider])).width, 22);
    const { default: sharp } = await import("sharp");
    const framed = await (await quarters(30, 20))
      .extend({ top: 20, bottom: 20, left: 20, right: 20, background: "#ff00ff" })
      .png()
      .toBuffer();
    const { bytes } = await render(framed, { steps: [{ op: "trim", tolerance: 10 }, wider], output: PNG });
    assert.equal((await sharp(bytes).metadata()).width, 32);
  });

  it("looks where there is something to see", async () => {
    const { default: sharp } = await import("sharp");
    const red = { create: { width: 40, height: 40, channels: 3, background: "#ff0000" } } as const;
    const spot = await sharp(red).png().toBuffer();
    const dull = await sharp({ create: { width: 400, height: 80, channels: 3, background: "#808080" } })
      .composite([{ input: spot, left: 340, top: 20 }])
      .png()
      .toBuffer();
    for (const focus of ["attention", "entropy", "faces"] as const) {
      const { bytes, plan } = await render(dull, {
        steps: [{ op: "resize", width: 80, height: 80, fit: "cover", enlarge: true, focus }],
        output: PNG,
      });
      const { width } = await pixels(bytes);
      const stats = await sharp(bytes).stats();
      assert.equal(width, 80);
      assert.ok(
        stats.channels.some(({ stdev }) => stdev > 20),
        `${focus} sees the spot`,
      );
      const notes = (plan.explain() as { notes?: string[] }).notes ?? [];
      assert.equal(notes.length, focus === "faces" ? 1 : 0);
    }
  });
});

describe("image-sharp: paints", () => {
  const contain = (background: Extract<Step, { op: "resize" }>["background"]): Step => ({
    op: "resize",
    width: 120,
    height: 48,
    fit: "contain",
    enlarge: true,
    ...(background && { background }),
  });

  it("pads with a blurred copy", async () => {
    const { at, width, height } = await drawn([
      contain({ kind: "blurred", intensity: "auto", brightness: 0 }),
    ]);
    assert.deepEqual([width, height], [120, 48]);
    const [r, g, b] = at(4, 6) as [number, number, number];
    assert.ok(r > g && r > b, "the left is reddish above");
    assert.ok(near(at(32, 3), RED) && near(at(86, 44), WHITE), "the picture itself is sharp");
  });

  it("darkens a blurred copy", async () => {
    const lit = await drawn([contain({ kind: "blurred", intensity: 20, brightness: 0 })]);
    const dark = await drawn([contain({ kind: "blurred", intensity: 20, brightness: -100 })]);
    assert.ok((dark.at(115, 40)[0] as number) < (lit.at(115, 40)[0] as number) - 50);
  });

  it("pads with the dominant colour of the edge", async () => {
    const { default: sharp } = await import("sharp");
    const green = await sharp({ create: { width: 40, height: 40, channels: 3, background: "#20a040" } })
      .composite([{ input: { create: { width: 30, height: 30, channels: 3, background: "#ff0000" } } }])
      .png()
      .toBuffer();
    const { bytes } = await render(green, { steps: [contain({ kind: "dominant" })], output: PNG });
    const { at } = await pixels(bytes);
    assert.ok(near(at(2, 2), [0x20, 0xa0, 0x40, 255]) && near(at(60, 24), RED));
  });

  it("pads with a gradient from edge to edge", async () => {
    const { default: sharp } = await import("sharp");
    const halves = await sharp({ create: { width: 40, height: 40, channels: 3, background: "#ff0000" } })
      .composite([
        {
          input: { create: { width: 20, height: 40, channels: 3, background: "#0000ff" } },
          left: 20,
          top: 0,
        },
      ])
      .png()
      .toBuffer();
    const { bytes } = await render(halves, {
      steps: [contain({ kind: "gradient", colors: 2 })],
      output: PNG,
    });
    const { at } = await pixels(bytes);
    assert.ok(near(at(0, 24), RED) && near(at(119, 24), BLUE));
  });

  it("pads with a gradient of the corners", async () => {
    const { at } = await drawn([contain({ kind: "gradient", colors: 4 })]);
    assert.ok(
      near(at(0, 0), RED) && near(at(119, 0), GREEN) && near(at(0, 47), BLUE) && near(at(119, 47), WHITE),
    );
  });

  it("pads a grey picture with colours of its own", async () => {
    const grey = await (await quarters(40, 40)).grayscale().toColourspace("b-w").png().toBuffer();
    for (const kind of ["gradient", "blurred"] as const) {
      const paint =
        kind === "gradient" ? { kind, colors: 4 as const } : { kind, intensity: 10, brightness: 0 };
      const { bytes } = await render(grey, { steps: [contain(paint)], output: PNG });
      const { at } = await pixels(bytes);
      assert.ok(near(at(118, 46), WHITE, 30) && near(at(83, 46), WHITE) && !near(at(36, 1), WHITE, 100));
    }
  });

  it("flattens on the dominant colour", async () => {
    const { bytes } = await render(await (await quarters(40, 40)).png().toBuffer(), {
      steps: [
        { op: "round", radius: [10, 10, 10, 10] },
        { op: "flatten", background: { kind: "dominant" } },
      ],
      output: PNG,
    });
    const { at } = await pixels(bytes);
    assert.equal(at(0, 0)[3], 255);
    assert.ok(!near(at(0, 0), BLACK));
  });
});

describe("image-sharp: passes", () => {
  const count = async (steps: readonly Step[]) => (await drawn(steps)).passes.length;

  it("does in one pipeline what libvips does in that order", async () => {
    assert.equal(
      await count([cut(40, 40, 0, 0), scale(20), { op: "blur", sigma: 1 }, { op: "round", radius: "max" }]),
      1,
    );
    assert.equal(await count([{ op: "grayscale" }, scale(20), cut(4, 4, 0, 0)]), 1);
    assert.equal(await count([scale(20), { op: "grayscale" }]), 1);
    assert.equal(await count([{ op: "rotate", angle: 90 }, scale(20)]), 1);
  });

  it("starts a new pipeline where the order matters", async () => {
    assert.equal(await count([scale(20), scale(40)]), 2);
    assert.equal(await count([{ op: "blur", sigma: 1 }, scale(20)]), 2);
    assert.equal(
      await count([{ op: "grayscale" }, { op: "border", width: 2, color: color(255, 0, 0).color }]),
      2,
    );
  });

  it("begins anew behind a step whose size only pixels tell", async () => {
    const { passes } = await drawn([{ op: "trim", tolerance: 10 }, scale(20)]);
    assert.equal(passes.length, 2);
  });

  it("keeps the order asked for: a border drawn before is grey, one drawn after is not", async () => {
    const border: Step = { op: "border", width: 4, color: color(255, 0, 255).color };
    const before = await drawn([border, { op: "grayscale" }]);
    const after = await drawn([{ op: "grayscale" }, border]);
    assert.equal(before.at(0, 0)[0], before.at(0, 0)[1]);
    assert.ok(near(after.at(0, 0), MAGENTA));
  });

  it("turns, then scales: the width asked for is that of the turned picture", async () => {
    const { at, width, height } = await drawn([{ op: "rotate", angle: 90 }, scale(24)]);
    assert.deepEqual([width, height], [24, 32]);
    assert.ok(near(at(1, 1), BLUE) && near(at(22, 1), RED));
  });

  it("cuts from a turned picture by the turned picture's places", async () => {
    const { at } = await drawn([{ op: "rotate", angle: 90 }, cut(10, 10, 0, 0)]);
    assert.ok(near(at(5, 5), BLUE));
  });

  it("cuts, scales, then cuts again", async () => {
    const { at, width, passes } = await drawn([cut(32, 48, 32, 0), scale(16), cut(8, 8, 4, 12)]);
    assert.equal(width, 8);
    assert.ok(near(at(4, 7), WHITE) && passes.length === 1);
  });
});
