import assert from "node:assert/strict";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import sharp from "sharp";
import { folderConfig } from "../support/plugins.ts";

type Color = readonly number[];

const RED: Color = [255, 0, 0, 255];
const GREEN: Color = [0, 255, 0, 255];
const BLUE: Color = [0, 0, 255, 255];
const WHITE: Color = [255, 255, 255, 255];
const BLACK: Color = [0, 0, 0, 255];
const CLEAR: Color = [0, 0, 0, 0];

/** A picture whose samples a function tells. */
function made(width: number, height: number, at: (x: number, y: number) => Color): Promise<Buffer> {
  const data = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(at(x, y), (y * width + x) * 4);
  }
  const image = sharp(data, { raw: { width, height, channels: 4 } });
  return image.png().toBuffer();
}

const near = (actual: Color, expected: Color, tolerance = 8) =>
  expected.every((value, index) => Math.abs(value - (actual[index] as number)) <= tolerance);

describe("effects in URLs", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    const corner = (x: number, y: number) => (y < 50 ? (x < 100 ? RED : GREEN) : x < 100 ? BLUE : WHITE);
    const square = (x: number, y: number) => (x >= 80 && x < 120 && y >= 30 && y < 70 ? RED : CLEAR);
    const leftmost = (x: number) => (x < 20 ? RED : CLEAR);
    const step = (x: number) => (x < 20 ? [90, 90, 90, 255] : [150, 150, 150, 255]);
    folder = await makeFolder({
      "quarters.png": await sharp(await made(200, 100, corner))
        .removeAlpha()
        .png()
        .toBuffer(),
      "square.png": await made(200, 100, square),
      "half.png": await made(20, 20, () => [255, 0, 0, 128]),
      "framed.png": await made(60, 40, (x, y) =>
        x >= 10 && x < 40 && y >= 5 && y < 25 ? BLUE : [251, 251, 251, 255],
      ),
      "step.png": await made(40, 10, step),
      "leftmost.png": await made(60, 30, leftmost),
      "leftmost.webp": await sharp(await made(60, 30, leftmost))
        .webp({ lossless: true })
        .toBuffer(),
      "leftmost.gif": await sharp(await made(60, 60, leftmost))
        .raw()
        .toBuffer()
        .then((data) => sharp(data, { raw: { width: 60, height: 60, channels: 4, pageHeight: 30 } }))
        .then((image) => image.gif().toBuffer()),
      "ring.png": await made(60, 30, (x, y) => (x < 5 || x >= 55 || y < 5 || y >= 25 ? RED : CLEAR)),
      "dot.png": await made(1, 1, () => RED),
      "rule.png": await made(2, 40, () => RED),
      "wide.png": await made(2100, 1000, () => CLEAR),
    });
    server = await startServer(folderConfig(folder.path));
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  /** The picture that a chain makes of a file, always as PNG. */
  async function seen(chain: string, file = "quarters.png") {
    const { status, body } = await server.ask(`/tr:${chain}:f-png/${file}`);
    assert.equal(status, 200, `${chain}: ${body.subarray(0, 200)}`);
    const { data, info } = await sharp(body).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    const at = (x: number, y: number) => {
      const start = (y * info.width + x) * 4;
      return [...data.subarray(start, start + 4)];
    };
    const is = (x: number, y: number, color: Color, tolerance = 8) =>
      assert.ok(near(at(x, y), color, tolerance), `${chain} at ${x},${y}: ${at(x, y)}, not ${color}`);
    return { size: [info.width, info.height], at, is };
  }

  async function refused(chain: string, message: RegExp, file = "quarters.png") {
    const { status, headers } = await server.ask(`/tr:${chain}/${file}`);
    assert.equal(status, 400, chain);
    assert.match(headers["ik-error"] as string, message);
  }

  describe("rt, fl", () => {
    it("turn both ways, by any angle, onto clear corners or the background", async () => {
      const right = await seen("rt-90");
      assert.deepEqual(right.size, [100, 200]);
      right.is(2, 2, BLUE);
      const left = await seen("rt-N90");
      left.is(2, 2, GREEN);
      (await seen("rt-270")).is(2, 2, GREEN);
      const turned = await seen("rt-30");
      // 200 · cos 30° + 100 · sin 30°, and the other way round.
      assert.ok(
        Math.abs((turned.size[0] as number) - 223) <= 1 && Math.abs((turned.size[1] as number) - 187) <= 1,
      );
      turned.is(0, 0, CLEAR);
      const laid = await seen("rt-30,bg-FF00FF");
      laid.is(0, 0, [255, 0, 255, 255]);
      laid.is(222, 186, [255, 0, 255, 255]);
      (await seen("rt-N30,bg-FF00FF50")).is(0, 0, [255, 0, 255, 128]);
      (await seen("rt-auto")).is(2, 2, RED);
    });

    it("mirror", async () => {
      (await seen("fl-h")).is(2, 2, GREEN);
      (await seen("fl-v")).is(2, 2, BLUE);
      (await seen("fl-h_v")).is(2, 2, WHITE);
      (await seen("fl-v_h,rt-90")).is(97, 2, WHITE);
    });
  });

  describe("r, b", () => {
    it("round corners after resizing", async () => {
      const round = await seen("w-100,r-20");
      assert.deepEqual(round.size, [100, 50]);
      round.is(0, 0, CLEAR);
      round.is(20, 2, RED);
      const single = await seen("r-40_0_0_10");
      single.is(2, 2, CLEAR);
      single.is(197, 2, GREEN);
      single.is(0, 99, CLEAR);
      const circle = await seen("w-80,h-80,r-max");
      circle.is(5, 5, CLEAR);
      circle.is(40, 1, GREEN, 255);
      assert.equal(circle.at(40, 1)[3], 255);
    });

    it("frame by pixels and by expressions, and grow the canvas", async () => {
      for (const chain of ["b-10_FF00FF", "b-cw_mul_0.05_FF00FF", "b-ih_div_10_FF00FF", "b-10-FF00FF"]) {
        const { size, is } = await seen(chain);
        assert.deepEqual(size, [220, 120]);
        is(9, 9, [255, 0, 255, 255], 0);
        is(10, 10, RED, 0);
      }
    });
  });

  describe("o, bl, t", () => {
    it("make translucent, over a background opaque again", async () => {
      (await seen("o-40")).is(2, 2, [255, 0, 0, 102]);
      (await seen("o-40,bg-0000FF")).is(2, 2, [102, 0, 153, 255]);
      (await seen("o-40,bg-0000FF10")).is(2, 2, [102, 0, 153, 255]);
      (await seen("o-50", "half.png")).is(2, 2, [255, 0, 0, 64]);
      (await seen("o-0")).is(2, 2, CLEAR, 255);
      assert.equal((await seen("o-0")).at(2, 2)[3], 0);
    });

    it("blur the more, the larger the radius", async () => {
      const reach = async (radius: number) => (await seen(`bl-${radius}`)).at(105, 10)[0] as number;
      const [small, middle, large] = [await reach(1), await reach(10), await reach(100)];
      assert.ok(small < 10 && middle > 20 && large > middle, `${small} ${middle} ${large}`);
    });

    it("trim what is like the corner, within the tolerance", async () => {
      assert.deepEqual((await seen("t-true", "framed.png")).size, [30, 20]);
      assert.deepEqual((await seen("t-99", "framed.png")).size, [30, 20]);
      assert.deepEqual((await seen("t-false", "framed.png")).size, [60, 40]);
      assert.deepEqual((await seen("t-true,w-60", "framed.png")).size, [60, 40]);
    });

    it("trim clear edges also where the drawing reaches into a corner, and never the drawing", async () => {
      for (const [file, size] of [
        ["leftmost.png", [20, 30]],
        ["ring.png", [60, 30]],
        ["leftmost.webp", [20, 30]],
      ] as const) {
        const { at, size: left } = await seen("t-true", file);
        assert.deepEqual(left, size, file);
        assert.ok(near(at(0, 0), RED) && near(at(left[0] - 1, left[1] - 1), RED), file);
      }
      const moving = await seen("t-true", "leftmost.gif");
      assert.deepEqual(moving.size, [20, 30]);
      assert.ok(near(moving.at(10, 10), RED));
    });

    it("leave what is a pixel or two wide", async () => {
      for (const [file, size] of [
        ["dot.png", [1, 1]],
        ["rule.png", [2, 40]],
      ] as const) {
        assert.deepEqual((await seen("t-true", file)).size, size);
      }
    });
  });

  describe("e-grayscale, e-contrast, e-sharpen, e-usm", () => {
    const step = async (chain: string) => {
      const { at } = await seen(chain, "step.png");
      return [at(2, 5)[0] as number, at(19, 5)[0] as number, at(20, 5)[0] as number, at(37, 5)[0] as number];
    };

    it("take out colours and stretch tones", async () => {
      const grey = (await seen("e-grayscale")).at(2, 2);
      assert.ok(grey[0] === grey[1] && grey[1] === grey[2]);
      const [dark, , , bright] = (await step("e-contrast")) as [number, number, number, number];
      assert.ok(dark <= 10 && bright >= 240, `${dark} ${bright}`);
    });

    it("raise an edge, more so by larger figures, and leave areas alone", async () => {
      const rise = async (chain: string) => {
        const [dark, low, high, bright] = (await step(chain)) as [number, number, number, number];
        assert.deepEqual([dark, bright], [90, 150], chain);
        return high - low;
      };
      assert.equal(await rise("e-sharpen-0.0001"), 60);
      const [usual, more] = [await rise("e-sharpen"), await rise("e-sharpen-200")];
      assert.ok(usual > 60 && more > usual, `${usual} ${more}`);
      assert.equal(await rise("e-sharpen-50"), usual);
      assert.ok((await rise("e-usm-2-2-0.8-0.024")) > 60);
      assert.ok((await rise("e-usm-2-2-3-0.024")) > (await rise("e-usm-2-2-0.8-0.024")));
    });

    it("do not choose AVIF for what was masked", async () => {
      const accept = { accept: "image/avif,image/webp" };
      const type = async (chain: string) =>
        (await server.ask(`/tr:${chain}/quarters.png`, { headers: accept })).headers["content-type"];
      assert.equal(await type("e-usm-2-2-0.8-0.024"), "image/webp");
    });
  });

  describe("e-gradient", () => {
    it("fades white into the picture from above, bare", async () => {
      const { size, is } = await seen("e-gradient");
      assert.deepEqual(size, [200, 100]);
      is(50, 0, [255, 253, 253, 255]);
      is(50, 49, [255, 128, 128, 255]);
      is(50, 99, BLUE);
    });

    it("takes its way, colours and stop, with underscores in them", async () => {
      const { is } = await seen("e-gradient-ld-top_right_from-000000_to-lightskyblue_sp-0.5");
      is(0, 99, BLACK);
      is(199, 0, [135, 206, 250, 255]);
      is(110, 40, [135, 206, 250, 255]);
      const right = await seen("e-gradient-sp-iw_div_4_ld-right_from-black_to-FF000000");
      right.is(0, 80, BLACK, 6);
      right.is(25, 80, [0, 0, 128, 255], 6);
      right.is(51, 80, BLUE, 2);
      (await seen("e-gradient-ld-90_from-black_to-00000000_sp-50")).is(25, 80, [0, 0, 128, 255], 6);
    });
  });

  describe("e-shadow", () => {
    it("lies under the picture, by its parts or as usual", async () => {
      const hard = await seen("e-shadow-bl-0_st-100_x-10_y-N20", "square.png");
      assert.deepEqual(hard.size, [200, 100]);
      hard.is(90, 60, RED, 0);
      hard.is(130, 15, BLACK, 0);
      hard.is(90, 15, CLEAR, 0);
      const usual = await seen("e-shadow", "square.png");
      usual.is(100, 50, RED, 0);
      // 30 percent of black, half of it at the edge, which lies 2 percent further down: at 72.
      assert.ok(Math.abs((usual.at(102, 71)[3] as number) - 38) < 8, `${usual.at(102, 71)}`);
      assert.equal(usual.at(10, 10)[3], 0);
    });

    it("does not change an opaque picture, and is for 2 megapixels at most, after resizing", async () => {
      (await seen("e-shadow")).is(2, 2, RED, 0);
      await refused("e-shadow", /^ELIMIT - Expected at most 2 megapixels for a shadow/, "wide.png");
      assert.deepEqual((await seen("w-210,e-shadow", "wide.png")).size, [210, 100]);
    });
  });

  describe("e-distort", () => {
    it("moves the corners, with the canvas growing for those outside", async () => {
      const inside = await seen("e-distort-p-50_0_150_0_200_100_0_100");
      assert.deepEqual(inside.size, [200, 100]);
      inside.is(10, 10, CLEAR, 0);
      inside.is(60, 5, RED);
      inside.is(190, 95, WHITE);
      // Half of the picture lies in the upper third, as in space.
      inside.is(80, 37, BLUE);
      const outside = await seen("e-distort-p-N20_N10_200_0_200_100_0_100,bg-black");
      assert.deepEqual(outside.size, [220, 110]);
      outside.is(2, 2, RED, 120);
      outside.is(219, 0, BLACK);
    });

    it("bends up and down", async () => {
      const up = await seen("e-distort-a-90");
      const down = await seen("e-distort-a-N90");
      assert.deepEqual(up.size, down.size);
      const [width, height] = up.size as [number, number];
      const middle = Math.round(width / 2);
      up.is(middle - 4, 2, RED);
      up.is(2, 2, CLEAR, 0);
      up.is(middle, height - 2, CLEAR, 0);
      down.is(middle - 4, height - 3, BLUE);
      down.is(middle, 1, CLEAR, 0);
    });
  });

  describe("e-colorize, cr", () => {
    it("tints in grey bare, and in a colour by its intensity", async () => {
      (await seen("e-colorize")).is(2, 2, [77, 77, 77, 255], 1);
      (await seen("e-colorize-co-808080_in-50")).is(2, 2, [166, 38, 38, 255], 1);
      const [r, g, b] = (await seen("e-colorize-co-red")).at(2, 90) as [number, number, number];
      assert.ok(r > g && g === b);
    });

    it("replaces a colour, by name or the most common one", async () => {
      const named = await seen("cr-FFFF00_30_red");
      named.is(2, 2, [255, 255, 0, 255], 1);
      named.is(197, 2, GREEN, 0);
      const common = await seen("cr-00FF00", "framed.png");
      common.is(2, 2, [0, 255, 0, 255], 4);
      common.is(20, 10, BLUE, 0);
      (await seen("cr-00000000_20_0000FF", "framed.png")).is(20, 10, CLEAR, 255);
      assert.equal((await seen("cr-00000000_20_0000FF", "framed.png")).at(20, 10)[3], 0);
    });
  });

  it("dpr may be calculated", async () => {
    assert.deepEqual((await seen("w-50,dpr-iw_div_100")).size, [100, 50]);
    await refused("w-50,dpr-iw_sub_200", /^EINVAL - Expected a positive number for dpr/);
  });

  it("stand in one step in the order of the language", async () => {
    const { size, is } = await seen(
      "e-shadow-bl-0_st-100_x-5_y-0,e-gradient-to-FFFFFF,r-20,w-100",
      "square.png",
    );
    assert.deepEqual(size, [100, 50]);
    is(50, 25, WHITE);
    is(0, 0, CLEAR);
  });

  it("work in layers and in conditions", async () => {
    const layer = await seen(
      "l-image,i-square.png,e-gradient-ld-right_from-000000_sp-bw_div_4,lx-0,ly-0,l-end",
    );
    layer.is(2, 10, BLACK, 12);
    layer.is(25, 10, [128, 0, 0, 255], 6);
    layer.is(60, 10, RED);
    (await seen("if-w_gt_100,e-colorize,if-end")).is(2, 2, [77, 77, 77, 255], 1);
  });

  it("are refused by the name of what is wrong", async () => {
    await refused(
      "e-shadow-bl-16",
      /^EINVAL - Expected number from 0 to 15 for bl of e-shadow but received '16'$/,
    );
    await refused("e-gradient-ld-sideways", /for ld of e-gradient but received 'sideways'/);
    await refused("e-gradient-sp-iw_sub_200", /^EINVAL - Expected a stop above 0 for gradient/);
    await refused("e-distort-p-0_0_200_100_200_0_0_100", /convex quadrilateral for p of e-distort/);
    await refused("e-distort-p-0_0_60000_0_60000_60000_0_60000", /^ELIMIT/);
    await refused("cr-mauvish", /^EINVAL - Expected colour such as .* for cr but received 'mauvish'$/);
  });
});
