import assert from "node:assert/strict";
import fc from "fast-check";
import sharp from "sharp";
import { BLACK, BLUE, GREEN, near, pixels, quarters, RED, render, scale, WHITE } from "../helpers.ts";

const png = async (width?: number, height?: number) => (await quarters(width, height)).png().toBuffer();

describe("image-sharp: resize", () => {
  it("covers a box and crops what is left over at the centre", async () => {
    const { bytes, rendition } = await render(await png(80, 40), {
      steps: [{ op: "resize", width: 20, height: 20, fit: "cover", enlarge: true }],
      output: { format: "png" },
    });
    assert.deepEqual([rendition.width, rendition.height, rendition.type], [20, 20, "image/png"]);
    const { at, width, height } = await pixels(bytes);
    assert.deepEqual([width, height], [20, 20]);
    assert.ok(
      near(at(2, 2), RED) && near(at(17, 2), GREEN) && near(at(2, 17), BLUE) && near(at(17, 17), WHITE),
    );
  });

  it("crops at the requested side", async () => {
    const { bytes } = await render(await png(80, 40), {
      steps: [{ op: "resize", width: 20, height: 40, fit: "cover", enlarge: true, focus: "right" }],
      output: { format: "png" },
    });
    const { at } = await pixels(bytes);
    assert.ok(near(at(2, 2), GREEN) && near(at(2, 37), WHITE));
  });

  it("fits a picture inside a box and keeps its ratio", async () => {
    const { rendition } = await render(await png(640, 865), {
      steps: [{ op: "resize", width: 300, height: 200, fit: "inside", enlarge: false }],
    });
    assert.deepEqual([rendition.width, rendition.height], [148, 200]);
  });

  it("pads with black where no paint is named, away from the focus", async () => {
    const { bytes } = await render(await png(40, 40), {
      steps: [{ op: "resize", width: 80, height: 40, fit: "contain", enlarge: true, focus: "left" }],
      output: { format: "png" },
    });
    const { at, width } = await pixels(bytes);
    assert.equal(width, 80);
    assert.ok(
      near(at(2, 2), RED) && near(at(37, 37), WHITE) && near(at(42, 20), BLACK) && near(at(78, 20), BLACK),
    );
  });
});

describe("image-sharp: JPEGs that are scaled as they are decoded", () => {
  it("has the promised size for all sizes of sources, upright or not", async () => {
    const side = fc.integer({ min: 1, max: 400 });
    const to = fc.integer({ min: 1, max: 60 });
    await fc.assert(
      fc.asyncProperty(side, side, to, fc.integer({ min: 1, max: 8 }), fc.boolean(), async (...values) => {
        const [width, height, target, orientation, grey] = values;
        const image = sharp({ create: { width, height, channels: 3, background: "#c33" } });
        const source = await (grey ? image.toColourspace("b-w") : image)
          .withMetadata({ orientation })
          .jpeg()
          .toBuffer();
        const color = { r: 0, g: 200, b: 0, alpha: 1 };
        const { rendition, plan, bytes } = await render(source, {
          steps: [scale(target), { op: "border", width: 1, color }],
          output: { format: "jpeg" },
        });
        const explained = (plan.explain() as { size: string }).size;
        const info = await sharp(bytes).metadata();
        assert.equal(`${info.width}x${info.height}`, explained);
        assert.equal(`${rendition.width}x${rendition.height}`, explained);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps the position of lines if the decoder drops the remaining rows", async () => {
    const [width, height] = [1600, 1415];
    const data = Buffer.alloc(width * height * 3, 255);
    data.fill(0, width * 3 * (height - 60), width * 3 * (height - 40));
    const source = await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 95 })
      .toBuffer();
    const { bytes, rendition, plan } = await render(source, {
      steps: [scale(170)],
      output: { format: "png" },
    });
    assert.deepEqual([rendition.width, rendition.height], [170, 150]);
    assert.equal((plan.explain() as { shrinkOnLoad: number }).shrinkOnLoad, 8);
    const { at } = await pixels(bytes);
    let [sum, weights] = [0, 0];
    for (let y = 0; y < 150; y++) {
      const dark = 255 - (at(100, y)[0] as number);
      sum += dark * (y + 0.5);
      weights += dark;
    }
    const expected = ((height - 50) * 170) / width;
    assert.ok(Math.abs(sum / weights - expected) < 0.3, `${sum / weights} for ${expected}`);
  });
});

describe("image-sharp: formats", () => {
  for (const format of ["jpeg", "png", "webp", "avif"] as const) {
    it(`writes ${format}`, async () => {
      const { bytes, rendition } = await render(await png(), { output: { format } });
      assert.deepEqual([rendition.format, rendition.type], [format, `image/${format}`]);
      const { at } = await pixels(bytes);
      assert.ok(near(at(5, 5), RED, 20) && near(at(60, 45), WHITE, 20));
    });
  }
});
