import assert from "node:assert/strict";
import sharp from "sharp";
import { color, MAGENTA, near, PNG, quarters, RED, render, renderQuarters, scale } from "../helpers.ts";

describe("image-sharp: edges and transparency", () => {
  it("trims an even edge and goes on from the true size", async () => {
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
    const { at, width, height } = await renderQuarters([
      { op: "border", width: 5, color: color(255, 0, 255).color },
    ]);
    assert.deepEqual([width, height], [74, 58]);
    assert.ok(near(at(4, 4), MAGENTA) && near(at(5, 5), RED) && near(at(73, 57), MAGENTA));
  });

  it("rounds single corners", async () => {
    const { at } = await renderQuarters([{ op: "round", radius: [20, 0, 10, 0] }]);
    assert.deepEqual([at(0, 0)[3], at(63, 0)[3], at(63, 47)[3], at(0, 47)[3]], [0, 255, 0, 255]);
    assert.equal(at(10, 10)[3], 255);
  });

  it("cuts an ellipse", async () => {
    const { at } = await renderQuarters([{ op: "round", radius: "max" }]);
    assert.deepEqual([at(3, 3)[3], at(60, 44)[3], at(32, 1)[3], at(1, 24)[3]], [0, 0, 255, 255]);
  });

  it("makes radii that do not fit smaller", async () => {
    const { at } = await renderQuarters([{ op: "round", radius: [500, 500, 500, 500] }], 255, 48, 48);
    assert.deepEqual([at(2, 2)[3], at(24, 1)[3], at(24, 24)[3]], [0, 255, 255]);
  });

  it("makes the picture translucent, also where it was before", async () => {
    assert.equal((await renderQuarters([{ op: "opacity", value: 0.5 }])).at(5, 5)[3], 128);
    assert.ok(
      Math.abs(((await renderQuarters([{ op: "opacity", value: 0.5 }], 100)).at(5, 5)[3] as number) - 50) <=
        1,
    );
  });

  it("lays a translucent picture on a colour", async () => {
    const { at } = await renderQuarters([{ op: "flatten", background: color(0, 0, 0) }], 128);
    assert.ok(near(at(60, 44), [128, 128, 128, 255]));
  });

  it("lays a clear picture on a translucent colour", async () => {
    const { at } = await renderQuarters([{ op: "flatten", background: color(0, 0, 255, 0.5) }], 0);
    assert.ok(near(at(5, 5), [0, 0, 255, 128]));
  });
});
