import assert from "node:assert/strict";
import type { Step, StepOf } from "@mediatap/core";
import type { Rgba } from "@mediatap/core/steps";
import sharp from "sharp";
import {
  BLUE,
  CLEAR,
  color,
  GREEN,
  MAGENTA,
  near,
  PNG,
  pixels,
  quarters,
  RED,
  render,
  renderQuarters,
  scale,
  WHITE,
} from "../helpers.ts";

const rgba = (r: number, g: number, b: number, alpha = 1): Rgba => ({ r, g, b, alpha });

describe("image-sharp: gradients", () => {
  const gradient = (change: Partial<StepOf<"gradient">>): Step => ({
    op: "gradient",
    angle: 90,
    from: rgba(255, 0, 255),
    to: rgba(255, 0, 255, 0),
    stop: 1,
    ...change,
  });

  /** A black picture of 101x51 under a gradient. */
  async function over(change: Partial<StepOf<"gradient">>, alpha = 1) {
    const background = { r: 0, g: 0, b: 0, alpha };
    const black = await sharp({ create: { width: 101, height: 51, channels: 4, background } })
      .png()
      .toBuffer();
    const { bytes } = await render(black, { steps: [gradient(change)], output: PNG });
    return pixels(bytes);
  }

  it("run from edge to edge, the way they point to", async () => {
    const right = await over({});
    assert.ok(near(right.at(0, 25), MAGENTA) && near(right.at(100, 25), [0, 0, 0, 255]));
    assert.ok(near(right.at(50, 5), [128, 0, 128, 255], 3) && near(right.at(50, 45), [128, 0, 128, 255], 3));
    const up = await over({ angle: 0 });
    assert.ok(near(up.at(50, 50), MAGENTA) && near(up.at(50, 0), [0, 0, 0, 255]));
    const corner = await over({ angle: 135 });
    assert.ok(near(corner.at(0, 0), MAGENTA) && near(corner.at(100, 50), [0, 0, 0, 255]));
    assert.ok(near(corner.at(50, 25), [128, 0, 128, 255], 3));
  });

  it("stop at the given stop point", async () => {
    const half = await over({ stop: 0.5, to: rgba(0, 0, 255) });
    assert.ok(near(half.at(25, 5), [128, 0, 255, 255], 6) && near(half.at(51, 5), BLUE));
    const early = await over({ stop: ["div", "currentWidth", 10], to: rgba(0, 0, 255) });
    assert.ok(near(early.at(5, 5), [128, 0, 255, 255], 20) && near(early.at(11, 5), BLUE));
  });

  it("fade without a grey in between, and cover clear pixels, too", async () => {
    const faded = await over({ to: rgba(0, 0, 0, 0) }, 0);
    assert.ok(near(faded.at(50, 25), [255, 0, 255, 128], 4));
    const mixed = await over({ from: rgba(255, 0, 0, 1), to: rgba(0, 255, 0, 0.5) }, 0);
    // Premultiplied: (255·1 + 0) / 2 and (0 + 255·0.5) / 2 over an opacity of 0.75.
    assert.ok(near(mixed.at(50, 25), [170, 85, 0, 191], 4));
  });

  it("leave an opaque picture opaque, colour a grey one, and go along in one pass", async () => {
    const grey = await (await quarters()).grayscale().toColourspace("b-w").png().toBuffer();
    const { bytes, plan } = await render(grey, { steps: [scale(32), gradient({})], output: PNG });
    assert.equal((await sharp(bytes).metadata()).hasAlpha, false);
    assert.ok(near((await pixels(bytes)).at(0, 3), MAGENTA, 16));
    const { passes } = plan.explain() as { passes: string[] };
    assert.deepEqual(passes, ["scale to 32x24, gradient by 90"]);
  });
});

describe("image-sharp: shadows", () => {
  const shadow: StepOf<"shadow"> = { op: "shadow", sigma: 0, strength: 0.5, x: 0.1, y: 0.1 };

  /** A red square of 20x20 in the middle of a clear picture of 60x60, in the shadow. */
  async function cast(change: Partial<typeof shadow>) {
    const square = await sharp({ create: { width: 20, height: 20, channels: 4, background: "#ff0000" } })
      .extend({ top: 20, bottom: 20, left: 20, right: 20, background: "#00000000" })
      .png()
      .toBuffer();
    const { bytes } = await render(square, { steps: [{ ...shadow, ...change }], output: PNG });
    return pixels(bytes);
  }

  it("lie under the picture, moved by shares of its sides, with the given strength", async () => {
    const { at, width, height } = await cast({ x: 0.1, y: -0.2 });
    assert.deepEqual([width, height], [60, 60]);
    assert.deepEqual(at(25, 25), RED);
    const dark = [0, 0, 0, 128];
    assert.deepEqual([at(45, 8), at(45, 27), at(26, 8)], [dark, dark, dark]);
    assert.deepEqual([at(46, 10), at(45, 7), at(25, 8), at(45, 28)], [CLEAR, CLEAR, CLEAR, CLEAR]);
  });

  it("are soft", async () => {
    const { at } = await cast({ sigma: 4, x: 0, y: 0 });
    const dark = [19, 15, 12, 10].map((x) => at(x, 30)[3] as number);
    assert.ok(near([dark[0] as number], [60], 10), `${dark}`);
    assert.ok(
      dark.every((value, index) => index === 0 || value < (dark[index - 1] as number)),
      `${dark}`,
    );
    assert.ok((dark[3] as number) > 0 && at(2, 30)[3] === 0);
  });

  it("may lie outside of the picture wholly or partly", async () => {
    const gone = await cast({ x: 1, y: 0 });
    assert.ok(gone.at(59, 30)[3] === 0 && near(gone.at(30, 30), RED));
    const cut = await cast({ x: 0.5, y: 0, sigma: 1 });
    assert.ok((cut.at(58, 30)[3] as number) > 100 && cut.at(45, 30)[3] === 0);
  });

  it("are not visible on an opaque picture, which explain notes", async () => {
    const { bytes, plan } = await render(await (await quarters()).png().toBuffer(), {
      steps: [shadow],
      output: PNG,
    });
    assert.ok(near((await pixels(bytes)).at(2, 2), RED));
    const { notes, passes } = plan.explain() as { notes: string[]; passes: string[] };
    assert.ok(notes.some((note) => note.includes("no shadow")) && passes.length === 0);
  });

  it("are refused for more than 2 megapixels", async () => {
    const large = await sharp({ create: { width: 2001, height: 1000, channels: 4, background: "#0000" } })
      .png()
      .toBuffer();
    await assert.rejects(render(large, { steps: [shadow] }), { code: "ELIMIT", message: /2 megapixels/ });
    const small = await render(large, { steps: [scale(200), shadow], output: PNG });
    assert.equal(small.rendition.width, 200);
  });
});

describe("image-sharp: tints", () => {
  const tint = (intensity: number, r: number, g: number, b: number, alpha = 1): Step => ({
    op: "colorize",
    color: rgba(r, g, b, alpha),
    intensity,
  });

  it("take hue and saturation from the colour and leave luminosity", async () => {
    const luminosity = ([r, g, b]: readonly number[]) =>
      0.3 * (r as number) + 0.59 * (g as number) + 0.11 * (b as number);
    const { at } = await renderQuarters([tint(1, 255, 128, 0)]);
    for (const [x, y, before] of [
      [2, 2, RED],
      [62, 2, GREEN],
      [2, 46, BLUE],
      [62, 46, WHITE],
    ] as const) {
      const after = at(x, y);
      assert.ok(Math.abs(luminosity(after) - luminosity(before)) <= 1.5, `${after}`);
      const [r, g, b] = after as [number, number, number];
      assert.ok(r >= g && g >= b);
    }
    assert.ok(near(at(62, 46), WHITE, 1));
  });

  it("make a picture grey with grey, and mix by intensity and opacity", async () => {
    const [r, g, b] = (await renderQuarters([tint(1, 128, 128, 128)])).at(2, 2);
    assert.ok(r === g && g === b && Math.abs((r as number) - 77) <= 1);
    const half = (await renderQuarters([tint(0.5, 128, 128, 128)])).at(2, 2);
    assert.ok(near(half, [166, 38, 38, 255], 2));
    assert.deepEqual((await renderQuarters([tint(1, 128, 128, 128, 0.5)])).at(2, 2), half);
  });

  it("colour a grey picture, and keep what is clear", async () => {
    const grey = await sharp(Buffer.from([77, 255, 77, 100]), { raw: { width: 2, height: 1, channels: 2 } })
      .png()
      .toBuffer();
    const { bytes } = await render(grey, { steps: [tint(1, 255, 0, 0)], output: PNG });
    const { at } = await pixels(bytes);
    assert.ok(near(at(0, 0), RED, 2) && at(1, 0)[3] === 100);
  });
});

describe("image-sharp: colours replaced", () => {
  const recolor = (to: Rgba, tolerance: number, from?: Rgba): Step => ({
    op: "recolor",
    to,
    tolerance,
    ...(from && { from }),
  });

  it("are those near to the one named", async () => {
    const { at } = await renderQuarters([recolor(rgba(255, 0, 255), 20, rgba(250, 10, 0))]);
    assert.ok(near(at(2, 2), MAGENTA, 16));
    assert.ok(near(at(62, 2), GREEN, 0) && near(at(2, 46), BLUE, 0) && near(at(62, 46), WHITE, 0));
  });

  it("become exactly the new one, and their shades its shades", async () => {
    const shades = await sharp(Buffer.from([0, 0, 200, 0, 0, 170, 60, 60, 200]), {
      raw: { width: 3, height: 1, channels: 3 },
    })
      .png()
      .toBuffer();
    const { bytes } = await render(shades, {
      steps: [recolor(rgba(0, 120, 0), 60, rgba(0, 0, 200))],
      output: PNG,
    });
    const { at } = await pixels(bytes);
    assert.deepEqual(at(0, 0), [0, 120, 0, 255]);
    const [darker, lighter] = [at(1, 0)[1] as number, at(2, 0)[1] as number];
    assert.ok(darker < 120 && darker > 80 && lighter > 120, `${darker} ${lighter}`);
  });

  it("are only the very one without tolerance, and fade out at its end", async () => {
    const near1 = await sharp(Buffer.from([200, 0, 0, 202, 0, 0]), {
      raw: { width: 2, height: 1, channels: 3 },
    })
      .png()
      .toBuffer();
    const exact = await render(near1, {
      steps: [recolor(rgba(0, 0, 255), 0, rgba(200, 0, 0))],
      output: PNG,
    });
    const { at } = await pixels(exact.bytes);
    assert.deepEqual([at(0, 0), at(1, 0)], [BLUE, [202, 0, 0, 255]]);
    const line = Buffer.from(
      Array.from({ length: 60 }, (_, value) => [value * 4, value * 4, value * 4]).flat(),
    );
    const ramp = await sharp(line, { raw: { width: 60, height: 1, channels: 3 } })
      .png()
      .toBuffer();
    const soft = await render(ramp, { steps: [recolor(rgba(0, 0, 0, 0), 40, rgba(0, 0, 0))], output: PNG });
    const opacity = (await pixels(soft.bytes)).at;
    const steps = Array.from({ length: 60 }, (_, x) => opacity(x, 0)[3] as number);
    assert.ok(steps[0] === 0 && steps[59] === 255);
    assert.ok(
      steps.some((value) => value > 60 && value < 200),
      "between",
    );
  });

  it("are the most common one if none is named", async () => {
    const spot = await sharp({ create: { width: 40, height: 40, channels: 3, background: "#20a040" } })
      .composite([{ input: { create: { width: 20, height: 20, channels: 3, background: "#ff0000" } } }])
      .png()
      .toBuffer();
    const { bytes } = await render(spot, { steps: [recolor(rgba(255, 0, 255), 20)], output: PNG });
    const { at } = await pixels(bytes);
    assert.ok(near(at(1, 1), MAGENTA, 1) && near(at(20, 20), RED, 1));
  });

  it("may become clear", async () => {
    const { at } = await renderQuarters([recolor(rgba(255, 0, 0, 0), 20, rgba(255, 0, 0))]);
    assert.deepEqual([at(2, 2)[3], at(62, 2)], [0, GREEN]);
    const padded = await renderQuarters([
      recolor(rgba(255, 0, 0, 0.5), 20, rgba(255, 0, 0)),
      { op: "flatten", background: color(0, 0, 0) },
    ]);
    assert.ok(near(padded.at(2, 2), [128, 0, 0, 255], 2));
  });
});
