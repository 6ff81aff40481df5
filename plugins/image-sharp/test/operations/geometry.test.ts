import assert from "node:assert/strict";
import type { Step } from "@mediatap/core";
import type { Paint } from "@mediatap/core/steps";
import sharp from "sharp";
import {
  BLUE,
  color,
  cut,
  GREEN,
  MAGENTA,
  near,
  PNG,
  pixels,
  RED,
  render,
  renderQuarters,
  scale,
  WHITE,
} from "../helpers.ts";

describe("image-sharp: positions", () => {
  it("cuts a window", async () => {
    const { at, width, height } = await renderQuarters([cut(10, 6, 32, 24)]);
    assert.deepEqual([width, height], [10, 6]);
    assert.ok(near(at(0, 0), WHITE) && near(at(9, 5), WHITE));
  });

  it("pads a window that is larger than the picture", async () => {
    const { at, width, height } = await renderQuarters([
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

  it("fills clear pixels of a padded picture with the colour, too, in one pass", async () => {
    const padded = (background: ReturnType<typeof color>, height = 64): Step => ({
      op: "resize",
      width: 64,
      height,
      fit: "contain",
      enlarge: true,
      background,
    });
    const { at, passes } = await renderQuarters([padded(color(255, 0, 255))], 0);
    assert.ok(near(at(32, 2), MAGENTA) && near(at(32, 32), MAGENTA));
    assert.equal(passes.length, 1);
    const half = [255, 0, 255, 128];
    const clear = await renderQuarters([padded(color(255, 0, 255, 0.5))], 0);
    assert.ok(near(clear.at(32, 2), half) && near(clear.at(32, 32), half));
    assert.equal(clear.passes.length, 1);
    const even = await renderQuarters([padded(color(255, 0, 255, 0.5), 48)], 0);
    assert.ok(near(even.at(32, 32), half));
    const red = await renderQuarters([padded(color(0, 0, 255, 0.5))], 128);
    assert.ok(near(red.at(5, 15), [170, 0, 85, 192]) && near(red.at(5, 2), [0, 0, 255, 128]));
  });

  it("fills clear pixels also if no padding is needed", async () => {
    const window = (background: Paint): Step =>
      ({ ...cut(20, 20, 5, 5), outside: "pad", background }) as Step;
    const even = (background: Paint): Step => ({
      op: "resize",
      width: 64,
      height: 48,
      fit: "contain",
      enlarge: true,
      background,
    });
    for (const step of [window, even]) {
      assert.ok(near((await renderQuarters([step(color(255, 0, 255))], 0)).at(10, 10), MAGENTA));
      assert.ok(
        near((await renderQuarters([step(color(255, 0, 255, 0.5))], 0)).at(10, 10), [255, 0, 255, 128]),
      );
      for (const paint of [{ kind: "dominant" }, { kind: "gradient", colors: 4 }] as const) {
        assert.equal((await renderQuarters([step(paint)], 0)).at(10, 10)[3], 255, paint.kind);
      }
    }
  });

  it("turns clockwise", async () => {
    const { at, width, height } = await renderQuarters([{ op: "rotate", angle: 90 }]);
    assert.deepEqual([width, height], [48, 64]);
    assert.ok(
      near(at(2, 2), BLUE) && near(at(45, 2), RED) && near(at(2, 61), WHITE) && near(at(45, 61), GREEN),
    );
  });

  it("turns by any angle on a clear canvas that grows", async () => {
    const { at, width, height } = await renderQuarters([{ op: "rotate", angle: 45 }]);
    assert.ok(Math.abs(width - 79) <= 1 && Math.abs(height - 79) <= 1);
    assert.equal(at(1, 1)[3], 0);
    assert.ok(near(at(39, 10), RED, 40) || near(at(39, 10), GREEN, 40));
  });

  it("fills the corners of a turned picture", async () => {
    const { at } = await renderQuarters([{ op: "rotate", angle: 30, background: color(255, 0, 255) }]);
    assert.ok(near(at(0, 0), MAGENTA));
  });

  it("goes on from the true size of a turned picture", async () => {
    const { width } = await renderQuarters([{ op: "rotate", angle: 45 }, scale(40)]);
    assert.equal(width, 40);
  });

  it("mirrors", async () => {
    const { at } = await renderQuarters([{ op: "flip", horizontal: true, vertical: true }]);
    assert.ok(near(at(2, 2), WHITE) && near(at(61, 45), RED));
  });

  it("looks where there is something to see", async () => {
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

  it("looks before it enlarges: at the picture's own pixels, however many more there would be", async () => {
    const spot = { create: { width: 4, height: 4, channels: 3, background: "#ff0000" } } as const;
    const tall = await sharp({ create: { width: 4, height: 4000, channels: 3, background: "#808080" } })
      .composite([{ input: await sharp(spot).png().toBuffer(), left: 0, top: 3000 }])
      .png()
      .toBuffer();
    for (const focus of ["attention", "entropy"] as const) {
      const { bytes, plan } = await render(tall, {
        steps: [{ op: "resize", width: 1000, height: 1000, fit: "cover", enlarge: true, focus }],
        output: PNG,
      });
      assert.deepEqual((plan.explain() as { passes: string[] }).passes, [
        `cut 4x4 by ${focus}`,
        "scale to 1000x1000",
      ]);
      const { at, width, height } = await pixels(bytes);
      assert.deepEqual([width, height], [1000, 1000]);
      if (focus === "attention")
        assert.ok([at(500, 5), at(500, 500), at(500, 995)].some((c) => near(c, RED)));
    }
  });

  it("refuses a crop of what no library can scale", async () => {
    const thin = await sharp({ create: { width: 1, height: 2000, channels: 3, background: "#808080" } })
      .png()
      .toBuffer();
    const steps = [{ op: "resize", width: 9000, height: 10, fit: "cover", enlarge: true }] as const;
    await assert.rejects(render(thin, { steps, output: PNG }), { code: "ELIMIT" });
  });
});
