import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Step } from "@mediatap/core";
import { arcGeometry, type Point } from "@mediatap/core/steps";
import sharp from "sharp";
import { offLoop, threadWork } from "../../src/effects/pool.ts";
import type { Pixels } from "../../src/pixels/buffer.ts";
import {
  BLUE,
  GREEN,
  near,
  PNG,
  pixels,
  plan,
  quarters,
  RED,
  render,
  renderQuarters,
  scale,
  WHITE,
} from "../helpers.ts";

type Corners = readonly [Point, Point, Point, Point];

const move = (...corners: Corners): Step => ({ op: "distort", mode: "perspective", corners });
const bend = (angle: number): Step => ({ op: "distort", mode: "arc", angle });

describe("image-sharp: corners moved", () => {
  it("leave the picture as it is where they stay", async () => {
    const picture = await sharp("examples/start/media/dogs.jpg").resize(60, 40).png().toBuffer();
    const before = await pixels(picture);
    const { bytes } = await render(picture, {
      steps: [move([0, 0], [60, 0], [60, 40], [0, 40])],
      output: PNG,
    });
    const after = await pixels(bytes);
    for (let x = 0; x < 60; x++) {
      for (let y = 0; y < 40; y++) assert.deepEqual(after.at(x, y), before.at(x, y), `${x},${y}`);
    }
  });

  it("take the picture along and leave the rest clear", async () => {
    const { at, width, height } = await renderQuarters([move([10, 6], [50, 6], [50, 42], [10, 42])]);
    assert.deepEqual([width, height], [64, 48]);
    assert.deepEqual([at(9, 24)[3], at(50, 24)[3], at(30, 5)[3], at(30, 42)[3]], [0, 0, 0, 0]);
    assert.ok(
      near(at(11, 7), RED) && near(at(48, 7), GREEN) && near(at(11, 40), BLUE) && near(at(48, 40), WHITE),
    );
  });

  it("see the picture in space: what is far is small", async () => {
    // The upper edge is half as long, so the middle line lies at a third of the height, not at half.
    const { at } = await renderQuarters([move([16, 0], [48, 0], [64, 48], [0, 48])]);
    assert.ok(near(at(28, 14), RED) && near(at(28, 18), BLUE), `${at(28, 14)} ${at(28, 18)}`);
    assert.ok(near(at(36, 14), GREEN) && near(at(36, 18), WHITE));
  });

  it("have smooth edges", async () => {
    const { at } = await renderQuarters([move([10.25, 0], [64, 0], [64, 48], [10.25, 48])]);
    assert.ok(near(at(10, 24), [...at(11, 24).slice(0, 3), 191], 2), `${at(10, 24)}`);
    const slanted = await renderQuarters([move([0, 0], [64, 0], [64, 48], [24, 48])]);
    const row = Array.from({ length: 64 }, (_, x) => slanted.at(x, 24)[3] as number);
    assert.ok(
      row.some((alpha) => alpha > 40 && alpha < 215),
      `${row}`,
    );
    const edge = slanted.at(
      row.findIndex((alpha) => alpha > 0),
      24,
    );
    assert.ok(near(edge, BLUE.slice(0, 3)) || near(edge, RED.slice(0, 3)), "no dark rim");
  });

  it("grow the canvas where they lie outside, and may mirror", async () => {
    const { at, width, height } = await renderQuarters([move([-20, -10], [64, 0], [64, 48], [0, 60])]);
    assert.deepEqual([width, height], [84, 70]);
    assert.ok(near(at(4, 4), RED) && near(at(80, 54), WHITE) && at(80, 4)[3] === 0);
    const mirrored = await renderQuarters([move([64, 0], [0, 0], [0, 48], [64, 48])]);
    assert.ok(near(mirrored.at(2, 2), GREEN, 0) && near(mirrored.at(62, 46), BLUE, 0));
  });

  it("shrink without missing pixels", async () => {
    const stripes = Buffer.from(Array.from({ length: 64 * 64 }, (_, at) => (at % 2) * 255));
    const fine = await sharp(stripes, { raw: { width: 64, height: 64, channels: 1 } })
      .png()
      .toBuffer();
    const { bytes } = await render(fine, { steps: [move([0, 0], [13, 0], [13, 13], [0, 13])], output: PNG });
    const { at } = await pixels(bytes);
    for (let x = 1; x < 12; x++) assert.ok(near(at(x, 6), [128, 128, 128, 255], 32), `${at(x, 6)}`);
  });
});

describe("image-sharp: pictures bent", () => {
  it("rise in the middle, with the upper edge outside", async () => {
    const { at, width, height } = await renderQuarters([bend(180)], 255, 314, 100);
    assert.deepEqual([width, height], [300, 150]);
    assert.ok(near(at(140, 3), RED) && near(at(160, 3), GREEN), "outside");
    assert.ok(near(at(140, 97), BLUE) && near(at(160, 97), WHITE), "inside");
    assert.ok(near(at(4, 146), RED) && near(at(96, 146), BLUE), "left end");
    assert.ok(near(at(295, 146), GREEN) && near(at(203, 146), WHITE), "right end");
    assert.deepEqual([at(2, 2)[3], at(150, 148)[3], at(150, 104)[3]], [0, 0, 0]);
  });

  it("sink, with the lower edge outside, and stay upright", async () => {
    const { at, width, height } = await renderQuarters([bend(-180)], 255, 314, 100);
    assert.deepEqual([width, height], [300, 150]);
    assert.ok(near(at(140, 146), BLUE) && near(at(160, 146), WHITE));
    assert.ok(near(at(140, 53), RED) && near(at(160, 53), GREEN));
    assert.ok(near(at(4, 3), BLUE) && near(at(96, 3), RED) && near(at(295, 3), WHITE));
  });

  it("close to a ring without a seam, and lose what lies beyond the centre", async () => {
    const ring = await renderQuarters([bend(360)], 255, 628, 100);
    assert.deepEqual([ring.width, ring.height], [300, 300]);
    for (let y = 260; y < 299; y++) assert.equal(ring.at(150, y)[3], 255);
    assert.equal(ring.at(150, 150)[3], 0);
    const disc = await renderQuarters([bend(360)], 255, 100, 200);
    assert.ok(disc.at(disc.width / 2, disc.height / 2)[3] === 255);
  });
});

describe("image-sharp: effects at work", () => {
  const source = async () => (await quarters(64, 48)).png().toBuffer();

  it("go on from the size that they leave", async () => {
    const { bytes, plan: result } = await render(await source(), {
      steps: [
        bend(90),
        scale(46),
        { op: "flatten", background: { kind: "color", color: { r: 9, g: 9, b: 9, alpha: 1 } } },
      ],
      output: PNG,
    });
    const { at, width } = await pixels(bytes);
    assert.ok(width === 46 && near(at(1, 1), [9, 9, 9, 255]));
    const { passes } = result.explain() as { passes: string[] };
    assert.deepEqual(passes.slice(0, 1), ["bend by 90"]);
  });

  it("reach each frame of an animation", async () => {
    const frame = async (hex: string) =>
      sharp({ create: { width: 40, height: 30, channels: 4, background: hex } })
        .extend({ left: 10, right: 10, top: 10, bottom: 10, background: "#00000000" })
        .png()
        .toBuffer();
    const moving = await sharp([await frame("#ff0000"), await frame("#0000ff")], { join: { animated: true } })
      .webp({ lossless: true, delay: [50, 50] })
      .toBuffer();
    const { bytes } = await render(moving, {
      steps: [
        { op: "shadow", sigma: 1, strength: 1, x: 0.1, y: 0 },
        {
          op: "gradient",
          angle: 180,
          from: { r: 0, g: 255, b: 0, alpha: 1 },
          to: { r: 0, g: 255, b: 0, alpha: 0 },
          stop: 5,
        },
        {
          op: "recolor",
          to: { r: 0, g: 0, b: 0, alpha: 1 },
          from: { r: 0, g: 0, b: 255, alpha: 1 },
          tolerance: 10,
        },
        move([0, 0], [60, 0], [60, 50], [0, 50]),
        { op: "colorize", color: { r: 128, g: 128, b: 128, alpha: 1 }, intensity: 0 },
      ],
      output: { format: "webp", lossless: true },
      accept: "webp",
    });
    const [first, second] = [await pixels(bytes), await pixels(bytes, 1)];
    assert.deepEqual([first.width, first.height], [60, 50]);
    assert.ok(near(first.at(30, 25), RED) && near(second.at(30, 25), [0, 0, 0, 255]));
    for (const { at } of [first, second]) {
      assert.ok(near(at(53, 25), [0, 0, 0, 255], 30), `${at(53, 25)}`);
      assert.ok((at(30, 0)[3] as number) > 200 && near(at(30, 0), [0, 255, 0], 2) && at(5, 25)[3] === 0);
    }
  });

  it("cost by the pixels that they touch, and are refused where that is too much", async () => {
    const cost = async (...steps: Step[]) => (await plan(await source(), { steps }))?.cost as number;
    const plain = await cost(scale(1000));
    for (const step of [
      bend(45),
      { op: "recolor", to: { r: 0, g: 0, b: 0, alpha: 1 }, tolerance: 5 },
      { op: "colorize", color: { r: 0, g: 0, b: 0, alpha: 1 }, intensity: 1 },
      {
        op: "gradient",
        angle: 0,
        from: { r: 0, g: 0, b: 0, alpha: 1 },
        to: { r: 0, g: 0, b: 0, alpha: 1 },
        stop: 1,
      },
    ] satisfies Step[]) {
      assert.ok((await cost(scale(1000), step)) > plain + 10, step.op);
    }
    await assert.rejects(
      plan(await source(), { steps: [scale(1000), bend(45)], limits: { imageWork: 100 } }),
      {
        code: "ELIMIT",
      },
    );
  });

  const grey = (width: number, height: number): Pixels => ({
    data: Buffer.alloc(width * height * 3, 200),
    width,
    height,
    channels: 3,
    frames: 1,
  });
  /** Large enough to be at work for a second or more. */
  const large = () => grey(5000, 4000);
  const bending = (picture: Pixels) =>
    threadWork<typeof import("../../src/effects/distort.ts")>("distort", {
      kind: "arc",
      arc: arcGeometry(90, picture),
      sinks: false,
    });
  const task = bending(large());

  it("leave the event loop to others", async () => {
    const { signal } = new AbortController();
    const picture = grey(2000, 1500);
    const [thread, all] = [process.threadCpuUsage(), process.cpuUsage()];
    const done = await offLoop(bending(picture), picture, { signal, milliseconds: 600_000 });
    const [here, everywhere] = [process.threadCpuUsage(thread).user, process.cpuUsage(all).user];
    assert.equal(done.width, arcGeometry(90, picture).size.width);
    assert.ok(here < everywhere / 2, `${here} of ${everywhere} microseconds`);
  });

  it("stop at once when nobody waits any more or the timeout ends, and the next one gets a thread", async () => {
    const control = new AbortController();
    const gone = new Error("gone");
    const bounds = { signal: control.signal, milliseconds: 60_000 };
    // More than there are threads: some of them still wait for their turn.
    const works = Array.from({ length: availableParallelism() + 2 }, () => offLoop(task, large(), bounds));
    const outcomes = Promise.allSettled(works);
    await sleep(100);
    control.abort(gone);
    for (const work of await outcomes) assert.equal(work.status === "rejected" && work.reason, gone);
    const { signal } = new AbortController();
    await assert.rejects(offLoop(task, large(), { signal, milliseconds: 50 }), { code: "ETIMEDOUT" });
    const { width } = (await render(await source(), { steps: [bend(90)], output: PNG })).rendition;
    assert.equal(width, 92);
  });

  it("are many at a time", async () => {
    const bytes = await source();
    const all = Array.from({ length: 12 }, (_, index) =>
      render(bytes, { steps: [bend(10 + index)], output: PNG }),
    );
    for (const { rendition } of await Promise.all(all)) assert.ok((rendition.width as number) > 60);
  });

  it("give equal bytes for equal requests", async () => {
    const bytes = await source();
    const request = {
      steps: [bend(77), { op: "shadow", sigma: 2, strength: 1, x: 0, y: 0 }],
      output: PNG,
    } as const;
    const [first, second] = [await render(bytes, request), await render(bytes, request)];
    assert.ok(Buffer.from(first.bytes).equals(second.bytes));
  });
});
