import assert from "node:assert/strict";
import type { Step } from "@mediatap/core";
import sharp from "sharp";
import {
  BLACK,
  BLUE,
  GREEN,
  near,
  PNG,
  pixels,
  quarters,
  RED,
  render,
  renderQuarters,
  WHITE,
} from "../helpers.ts";

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
    const { at, width, height } = await renderQuarters([
      contain({ kind: "blurred", intensity: "auto", brightness: 0 }),
    ]);
    assert.deepEqual([width, height], [120, 48]);
    const [r, g, b] = at(4, 6) as [number, number, number];
    assert.ok(r > g && r > b, "the left is reddish above");
    assert.ok(near(at(32, 3), RED) && near(at(86, 44), WHITE), "the picture itself is sharp");
  });

  it("darkens a blurred copy", async () => {
    const lit = await renderQuarters([contain({ kind: "blurred", intensity: 20, brightness: 0 })]);
    const dark = await renderQuarters([contain({ kind: "blurred", intensity: 20, brightness: -100 })]);
    assert.ok((dark.at(115, 40)[0] as number) < (lit.at(115, 40)[0] as number) - 50);
  });

  it("pads with the dominant colour of the edge", async () => {
    const green = await sharp({ create: { width: 40, height: 40, channels: 3, background: "#20a040" } })
      .composite([{ input: { create: { width: 30, height: 30, channels: 3, background: "#ff0000" } } }])
      .png()
      .toBuffer();
    const { bytes } = await render(green, { steps: [contain({ kind: "dominant" })], output: PNG });
    const { at } = await pixels(bytes);
    assert.ok(near(at(2, 2), [0x20, 0xa0, 0x40, 255]) && near(at(60, 24), RED));
  });

  it("pads with a gradient from edge to edge", async () => {
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
    const { at } = await renderQuarters([contain({ kind: "gradient", colors: 4 })]);
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
