import assert from "node:assert/strict";
import type { Output, Step } from "@mediatap/core";
import sharp, { type Sharp } from "sharp";
import { near, pixels, plan, quarters, render, scale } from "../helpers.ts";

const [WIDTH, HEIGHT] = [512, 256];

/** An HDR photograph: bright upper left, less bright below, dark on the right. */
async function photograph(orientation = 1): Promise<Uint8Array> {
  // sharp reads gain maps while the tests of other settings run, too.
  unblock();
  const data = Buffer.alloc(WIDTH * HEIGHT * 3);
  for (let at = 0; at < WIDTH * HEIGHT; at++) {
    const [x, y] = [at % WIDTH, Math.floor(at / WIDTH)];
    data.fill(x >= WIDTH / 2 ? 60 : y < HEIGHT / 2 ? 250 : 180, at * 3, at * 3 + 3);
  }
  const image = sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } }).toColourspace("scrgb");
  const upright = await image.jpeg({ quality: 95 }).toBuffer();
  if (orientation === 1) return upright;
  const turned = sharp(upright) as Sharp & { keepGainMap(): Sharp };
  return turned.keepGainMap().withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
}

const unblock = () => sharp.unblock({ operation: ["VipsForeignLoadUhdrFile", "VipsForeignLoadUhdrBuffer"] });

/** The gain map's value at a point, as fractions of width and height. */
async function gainOf(bytes: Uint8Array) {
  unblock();
  const { gainMap } = await sharp(bytes).metadata();
  if (!gainMap) return undefined;
  const map = await pixels(gainMap.image);
  const at = (x: number, y: number) =>
    map.at(Math.floor(x * map.width), Math.floor(y * map.height))[0] as number;
  return { width: map.width, height: map.height, at };
}

const kept = { options: { gainMaps: true } };
const explained = async (steps: readonly Step[], output: Output = {}, bytes?: Uint8Array) =>
  (await plan(bytes ?? (await photograph()), { ...kept, steps, output, accept: "webp" }))?.explain() as {
    gainMap?: string;
    format: string;
    why: string;
  };

describe("image-sharp: gain maps", () => {
  it("are kept by the steps that sharp can apply to them", async () => {
    const source = await gainOf(await photograph());
    assert(
      source &&
        source.at(0.2, 0.2) > source.at(0.2, 0.8) + 5 &&
        source.at(0.2, 0.8) > source.at(0.8, 0.5) + 5,
    );
    const window = {
      op: "extract",
      at: { from: "corner", x: 0, y: 0 },
      width: 256,
      height: 256,
      outside: "error",
      shrink: true,
    } as const;
    const around = { op: "border", width: 16, color: { r: 9, g: 9, b: 9, alpha: 1 } } as const;
    const chains: [steps: Step[], width: number, points: [number, number, "bright" | "middle" | "dark"][]][] =
      [
        [
          [],
          512,
          [
            [0.2, 0.2, "bright"],
            [0.2, 0.8, "middle"],
            [0.8, 0.5, "dark"],
          ],
        ],
        [
          [scale(200)],
          200,
          [
            [0.2, 0.2, "bright"],
            [0.2, 0.8, "middle"],
            [0.8, 0.5, "dark"],
          ],
        ],
        [
          [window],
          256,
          [
            [0.5, 0.2, "bright"],
            [0.5, 0.8, "middle"],
          ],
        ],
        [
          [scale(256), { op: "sharpen", amount: 50 }],
          256,
          [
            [0.2, 0.2, "bright"],
            [0.8, 0.5, "dark"],
          ],
        ],
        [
          [scale(256), around],
          288,
          [
            [0.2, 0.25, "bright"],
            [0.2, 0.7, "middle"],
          ],
        ],
        [
          [{ op: "flip", horizontal: true, vertical: false }],
          512,
          [
            [0.8, 0.2, "bright"],
            [0.2, 0.5, "dark"],
          ],
        ],
      ];
    const levels = { bright: source.at(0.2, 0.2), middle: source.at(0.2, 0.8), dark: source.at(0.8, 0.5) };
    for (const [steps, width, points] of chains) {
      const { bytes, rendition } = await render(await photograph(), { ...kept, steps, accept: "webp" });
      assert.deepEqual([rendition.format, rendition.width], ["jpeg", width]);
      const map = await gainOf(bytes);
      assert(map, JSON.stringify(steps));
      for (const [x, y, level] of points) {
        assert(
          Math.abs(map.at(x, y) - levels[level]) <= 4,
          `${JSON.stringify(steps)}: ${map.at(x, y)}, ${level}`,
        );
      }
    }
  });

  it("are dropped if the steps, the format or the picture do not allow for them", async () => {
    assert.deepEqual(await explained([scale(200)]), {
      ...(await explained([scale(200)])),
      gainMap: "kept",
      format: "jpeg",
      why: "only JPEG carries the gain map",
    });
    for (const step of [
      { op: "rotate", angle: 90 },
      { op: "grayscale" },
      { op: "round", radius: "max" },
      { op: "trim", tolerance: 10 },
      { op: "flip", horizontal: false, vertical: true },
    ] as const) {
      const { gainMap, format } = await explained([step]);
      assert.deepEqual([gainMap, format], ["lost", "webp"], step.op);
    }
    assert.equal((await explained([scale(50)])).gainMap, "lost");
    assert.equal((await explained([], { format: "png" })).gainMap, "lost");
    assert.equal((await explained([], { format: "auto", lossless: true })).gainMap, "lost");
    assert.equal((await explained([], { format: "auto", smallest: true })).gainMap, "lost");
    assert.equal((await explained([], {}, await (await quarters()).jpeg().toBuffer())).gainMap, undefined);
  });

  it("do not keep a turned picture from being made", async () => {
    for (const orientation of [1, 2, 3, 6, 8]) {
      const photo = await photograph(orientation);
      const { bytes, rendition } = await render(photo, {
        ...kept,
        steps: [scale(128)],
        output: { format: "jpeg" },
      });
      assert.equal((rendition.height as number) > 128, orientation > 4);
      assert.equal((await gainOf(bytes)) !== undefined, orientation < 3);
    }
  });

  it("are ignored if the option is off", async () => {
    for (const output of [{ format: "jpeg" }, { format: "jpeg", metadata: "keep" }] as const) {
      const { bytes, plan: result } = await render(await photograph(), { steps: [scale(200)], output });
      assert.equal(await gainOf(bytes), undefined);
      assert.equal((result.explain() as { gainMap?: string }).gainMap, undefined);
      const { at } = await pixels(bytes);
      const source = await pixels(
        await sharp(await photograph())
          .png()
          .toBuffer(),
      );
      assert(near(at(40, 20), source.at(100, 50)) && near(at(160, 50), source.at(400, 128)));
    }
  });

  it("are counted in cost and memory", async () => {
    const cost = async (gainMaps: boolean) =>
      (
        await plan(await photograph(), {
          options: { gainMaps },
          steps: [scale(200)],
          output: { format: "jpeg" },
        })
      )?.cost ?? 0;
    assert((await cost(true)) > (await cost(false)));
  });
});
