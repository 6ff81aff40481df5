import assert from "node:assert/strict";
import type { Step } from "@mediatap/core";
import sharp from "sharp";
import {
  BLUE,
  color,
  cut,
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

describe("image-sharp: steps of others and conditions", () => {
  it("refuses what it cannot do", async () => {
    const unknown = { op: "vignette" } as unknown as Step;
    await assert.rejects(renderQuarters([unknown]), { code: "EUNSUPPORTED" });
  });

  it("passes pixels to a plugin that knows the step, and continues with its result", async () => {
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

  it("chooses steps by the picture's size, also by a size that only pixels show", async () => {
    const wider: Step = {
      op: "when",
      if: { left: "currentWidth", is: "gt", right: 50 },
      // biome-ignore lint/suspicious/noThenProperty: the word of the model.
      then: [scale(50), { op: "grayscale" }],
      else: [{ op: "border", width: 1, color: color(0, 0, 0).color }],
    };
    assert.equal((await renderQuarters([wider])).width, 50);
    assert.equal((await renderQuarters([scale(20), wider])).width, 22);
    const framed = await (await quarters(30, 20))
      .extend({ top: 20, bottom: 20, left: 20, right: 20, background: "#ff00ff" })
      .png()
      .toBuffer();
    const { bytes } = await render(framed, { steps: [{ op: "trim", tolerance: 10 }, wider], output: PNG });
    assert.equal((await sharp(bytes).metadata()).width, 32);
  });
});

describe("image-sharp: passes", () => {
  const count = async (steps: readonly Step[]) => (await renderQuarters(steps)).passes.length;

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

  it("starts a new pass after a step whose size only pixels show", async () => {
    const { passes } = await renderQuarters([{ op: "trim", tolerance: 10 }, scale(20)]);
    assert.equal(passes.length, 2);
  });

  it("keeps the requested order: a border added before grayscale is grey, one added after is not", async () => {
    const border: Step = { op: "border", width: 4, color: color(255, 0, 255).color };
    const before = await renderQuarters([border, { op: "grayscale" }]);
    const after = await renderQuarters([{ op: "grayscale" }, border]);
    assert.equal(before.at(0, 0)[0], before.at(0, 0)[1]);
    assert.ok(near(after.at(0, 0), MAGENTA));
  });

  it("turns, then scales: the requested width is that of the turned picture", async () => {
    const { at, width, height } = await renderQuarters([{ op: "rotate", angle: 90 }, scale(24)]);
    assert.deepEqual([width, height], [24, 32]);
    assert.ok(near(at(1, 1), BLUE) && near(at(22, 1), RED));
  });

  it("cuts from a turned picture by the turned picture's coordinates", async () => {
    const { at } = await renderQuarters([{ op: "rotate", angle: 90 }, cut(10, 10, 0, 0)]);
    assert.ok(near(at(5, 5), BLUE));
  });

  it("cuts, scales, then cuts again", async () => {
    const { at, width, passes } = await renderQuarters([cut(32, 48, 32, 0), scale(16), cut(8, 8, 4, 12)]);
    assert.equal(width, 8);
    assert.ok(near(at(4, 7), WHITE) && passes.length === 1);
  });
});
