import assert from "node:assert/strict";
import sharp from "sharp";
import { near, PNG, pixels, quarters, render, renderQuarters, WHITE } from "../helpers.ts";

describe("image-sharp: tones", () => {
  it("blurs across an edge", async () => {
    const { at } = await renderQuarters([{ op: "blur", sigma: 5 }]);
    const [r, g] = at(32, 4) as [number, number];
    assert.ok(r > 80 && r < 200 && g > 80 && g < 200);
  });

  it("takes the colours out", async () => {
    const { at } = await renderQuarters([{ op: "grayscale" }]);
    const [r, g, b] = at(2, 2);
    assert.ok(r === g && g === b && r !== 0 && r !== 255);
  });

  it("stretches the tones to the full range", async () => {
    const { data, info } = await (await quarters())
      .linear(0.4, 60)
      .raw()
      .toBuffer({ resolveWithObject: true });
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
});
