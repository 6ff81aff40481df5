import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import {
  type Answer,
  makeFolder,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import sharp from "sharp";
import { photo } from "../support/photos.ts";
import { folderConfig, webConfig } from "../support/plugins.ts";

type Colour = readonly [number, number, number, number?];

const plain = (width: number, height: number, [r, g, b, alpha = 255]: Colour) =>
  sharp({ create: { width, height, channels: 4, background: { r, g, b, alpha: alpha / 255 } } });

const png = (width: number, height: number, colour: Colour) => plain(width, height, colour).png().toBuffer();

const RED: Colour = [255, 0, 0];
const GREEN: Colour = [0, 255, 0];
const BLUE: Colour = [0, 0, 255];
const WHITE: Colour = [255, 255, 255];

/** A blue square of 20 px with 30 px of nothing around it. */
const logo = async () =>
  plain(80, 80, [0, 0, 0, 0])
    .composite([{ input: await png(20, 20, BLUE) }])
    .png()
    .toBuffer();

async function pixels(answer: Answer) {
  assert.equal(answer.status, 200, answer.text.slice(0, 200));
  const { data, info } = await sharp(answer.body).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * 4, (y * info.width + x) * 4 + 4),
  ];
  return { width: info.width, height: info.height, at };
}

describe("layers", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({
      "base.png": await png(200, 100, WHITE),
      "clear.png": await png(200, 100, [255, 255, 255, 0]),
      "grey.png": await sharp(await png(200, 100, WHITE))
        .toColourspace("b-w")
        .png()
        .toBuffer(),
      "red.png": await png(40, 20, RED),
      "green.png": await png(400, 400, GREEN),
      "in/logo.png": await logo(),
      "corner.png": await plain(60, 40, [0, 0, 0, 0])
        .composite([{ input: await png(20, 40, BLUE), left: 0, top: 0 }])
        .png()
        .toBuffer(),
      "dot.png": await png(1, 1, RED),
      "dot.svg": `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10" fill="#00f"/></svg>`,
      "photo.jpg": await photo(200, 100),
      "notes.txt": "notes",
      "moving.gif": await moving(),
    });
    server = await startServer(folderConfig(folder.path));
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  const draw = async (chain: string, file = "base.png") =>
    pixels(await server.ask(`/${file}?tr=${chain}${chain.includes("f-") ? "" : ",f-png"}`));

  /** Each point of the picture and what colour it has there, give or take a little. */
  async function assertColours(chain: string, points: Record<string, Colour>, file?: string) {
    const { at, ...size } = await draw(chain, file);
    for (const [point, [r, g, b, alpha = 255]] of Object.entries(points)) {
      const [x = 0, y = 0] = point.split(",").map(Number);
      const found = at(x, y);
      // What is clear has no colour.
      const wanted = alpha === 0 ? [...found.slice(0, 3), 0] : [r, g, b, alpha];
      const near = wanted.every((value, i) => Math.abs(value - (found[i] ?? 0)) <= 6);
      assert(near, `${chain} at ${point} of ${JSON.stringify(size)}: ${found}`);
    }
    return size;
  }

  const POSITIONS: readonly [place: string, inside: string, outside: string][] = [
    ["", "80,40", "79,40"],
    ["lfo-top_left", "0,0", "40,0"],
    ["lfo-bottom_right", "199,99", "159,99"],
    ["lfo-top", "80,0", "79,0"],
    ["lx-10,ly-5", "10,5", "9,5"],
    ["lx-10,ly-5", "49,24", "50,24"],
    ["lx-N10,ly-N5", "189,94", "190,94"],
    ["lx-N0,ly-12", "199,12", "159,12"],
    ["lxc-100,lyc-50", "80,40", "79,40"],
    ["lxc-N20,lyc-10", "160,0", "159,0"],
    ["lx-bw_sub_cw,ly-bh_div_2", "160,50", "159,50"],
    ["lx-500,ly-500", "199,99", "159,99"],
    ["lx-10,ly-10,lap-center", "110,60", "109,60"],
    ["lx-N10,ly-N10,lap-center", "90,40", "89,40"],
    ["lfo-left,lx-100", "100,0", "99,0"],
  ];
  for (const [place, inside, outside] of POSITIONS) {
    it(`lie where ${place || "nothing"} says`, async () => {
      const size = await assertColours(`l-image,i-red.png${place && `,${place}`},l-end`, {
        [inside]: RED,
        [outside]: WHITE,
      });
      assert.deepEqual(size, { width: 200, height: 100 });
    });
  }

  it("come after the size, and before the next step", async () => {
    const size = await assertColours("l-image,i-red.png,lx-0,ly-0,l-end,w-100,h-100:w-50", {
      "0,0": RED,
      "17,7": RED,
      "22,12": WHITE,
    });
    assert.deepEqual(size, { width: 50, height: 50 });
  });

  it("are trimmed of empty margins unless they say otherwise", async () => {
    await assertColours("l-image,i-in@@logo.png,lx-0,ly-0,l-end", {
      "0,0": BLUE,
      "19,19": BLUE,
      "21,21": WHITE,
    });
    await assertColours("l-image,i-in@@logo.png,t-false,lx-0,ly-0,l-end", { "0,0": WHITE, "31,31": BLUE });
    await assertColours("l-image,i-in@@logo.png,w-50,lx-0,ly-0,l-end", { "48,48": BLUE, "52,52": WHITE });
  });

  it("are seen also where they reach into a corner of their file, or are a pixel wide", async () => {
    await assertColours("l-image,i-corner.png,lx-0,ly-0,l-end", {
      "0,0": BLUE,
      "19,39": BLUE,
      "21,5": WHITE,
    });
    await assertColours("l-image,i-dot.png,w-20,h-30,lx-0,ly-0,l-end", { "0,0": RED, "19,29": RED });
  });

  it("are priced by what is done to them, and refused where all together take too long", async () => {
    const strict = await startServer({ ...folderConfig(folder.path), limits: { imageWork: 10_000 } });
    try {
      const layers = Array(8).fill("l-image,i-red.png,w-9000,h-9000,bl-60,l-end").join(",");
      const refused = await strict.ask(`/tr:${layers}/dot.png`);
      assert.equal(refused.status, 400);
      assert.match(refused.headers["ik-error"] ?? "", /^ELIMIT - Expected at most 10000 ms of work/);
      const nested = await strict.ask(`/tr:l-image,i-red.png,${layers},l-end/dot.png`);
      assert.match(nested.headers["ik-error"] ?? "", /ms of work/);
    } finally {
      await strict.close();
    }
  });

  it("are cut at the edges where they are larger", async () => {
    const size = await assertColours("l-image,i-green.png,t-false,l-end", { "0,0": GREEN, "199,99": GREEN });
    assert.deepEqual(size, { width: 200, height: 100 });
  });

  it("are sized by their own picture and by the one below", async () => {
    await assertColours("l-image,i-red.png,w-bw_div_2,h-bh,c-force,lfo-left,l-end", {
      "99,99": RED,
      "101,50": WHITE,
    });
    await assertColours("l-image,i-red.png,w-iw_mul_2,lfo-left,l-end", { "79,50": RED, "81,50": WHITE });
  });

  it("are turned, framed, rounded and faded", async () => {
    await assertColours("l-image,i-red.png,rt-90,lx-0,ly-0,l-end", { "19,39": RED, "21,5": WHITE });
    await assertColours("l-image,i-red.png,b-5_0000FF,lx-0,ly-0,l-end", {
      "2,2": BLUE,
      "10,10": RED,
      "49,29": BLUE,
    });
    await assertColours("l-image,i-red.png,r-max,lx-0,ly-0,l-end", { "0,0": WHITE, "20,10": RED });
    await assertColours("l-image,i-red.png,o-50,lx-0,ly-0,l-end", { "5,5": [255, 128, 128] });
    await assertColours("l-image,i-red.png,al-5,lx-0,ly-0,l-end", { "5,5": [255, 128, 128] });
  });

  it("are laid on each other in the order written, and nested", async () => {
    const two = "l-image,i-red.png,lx-0,ly-0,l-end,l-image,i-ik_canvas,bg-0000FF,w-10,h-10,lx-0,ly-0,l-end";
    await assertColours(two, { "5,5": BLUE, "15,5": RED });
    await assertColours("l-image,i-red.png,l-image,i-dot.svg,lfo-right,l-end,lx-0,ly-0,l-end", {
      "5,10": RED,
      "35,10": BLUE,
    });
  });

  it("draw an SVG sharp at the size it is shown", async () => {
    await assertColours("l-image,i-dot.svg,w-90,t-false,lx-0,ly-0,l-end", { "88,88": BLUE, "91,91": WHITE });
  });

  it("are blocks of colour over all of the picture, or a part", async () => {
    await assertColours("l-image,i-ik_canvas,bg-FF000050,l-end", {
      "0,0": [255, 128, 128],
      "199,99": [255, 128, 128],
    });
    await assertColours("l-image,i-ik_canvas,bg-FF0000,w-bw_div_2,h-10,lfo-bottom,l-end", {
      "100,95": RED,
      "100,85": WHITE,
      "45,95": WHITE,
    });
  });

  it("multiply, cut out and cut to shape", async () => {
    const on = "w-200,h-100,l-image,i-ik_canvas,bg-FFFF00,l-end";
    await assertColours(`${on}:l-image,i-red.png,lm-multiply,l-end`, { "100,50": RED, "5,5": [255, 255, 0] });
    await assertColours("l-image,i-red.png,lm-cutout,l-end", { "100,50": [0, 0, 0, 0], "5,5": WHITE });
    const size = await assertColours("l-image,i-red.png,r-max,lm-cutter,l-end", {
      "20,10": WHITE,
      "0,0": [0, 0, 0, 0],
    });
    assert.deepEqual(size, { width: 40, height: 20 });
  });

  it("move what lies below", async () => {
    // Full red moves by 30 px to the right, no green by 30 px up.
    const before = await draw("w-200", "photo.jpg");
    for (const reach of ["x-30,y-0", "x-bw_mul_0.15", "lx-bh_mul_0.3,ly-0", "x-ch_mul_0.3"]) {
      const shift = `l-image,i-ik_canvas,bg-FF7F00,w-bw,h-bh,lm-displace,${reach},l-end`;
      const after = await draw(shift, "photo.jpg");
      for (const x of [20, 60, 120]) {
        const [a, b] = [before.at(x + 30, 50), after.at(x, 50)];
        assert(
          a.every((value, i) => Math.abs(value - (b[i] ?? 0)) <= 8),
          `${reach}: ${a} ${b}`,
        );
      }
    }
  });

  it("bring colour to a grey picture, and keep clear ones clear", async () => {
    await assertColours("l-image,i-red.png,l-end", { "100,50": RED, "0,0": WHITE }, "grey.png");
    await assertColours("l-image,i-red.png,l-end", { "100,50": RED, "0,0": [255, 255, 255, 0] }, "clear.png");
  });

  it("leave an opaque picture without an alpha channel", async () => {
    const { body } = await server.ask("/base.png?tr=w-100,r-10,l-image,i-red.png,l-end:bg-FFFFFF,f-png");
    assert.equal((await sharp(body).metadata()).hasAlpha, false);
    const photo = await server.ask("/photo.jpg?tr=l-image,i-red.png,l-end,f-webp");
    assert.equal((await sharp(photo.body).metadata()).hasAlpha, false);
  });

  it("lie on each frame of an animation", async () => {
    const answer = await server.ask("/moving.gif?tr=w-40,l-image,i-red.png,w-10,lx-0,ly-0,l-end,f-webp");
    assert.equal(answer.status, 200);
    const { pages } = await sharp(answer.body, { animated: true }).metadata();
    assert.equal(pages, 3);
    for (let page = 0; page < 3; page++) {
      const { data } = await sharp(answer.body, { page })
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      assert(Math.abs((data[0] ?? 0) - 255) < 25 && (data[1] ?? 255) < 40, `${[...data.subarray(0, 3)]}`);
    }
  });

  const FAILURES: readonly [chain: string, status: number, code: string][] = [
    ["l-image,i-missing.png,l-end", 404, "ENOENT"],
    ["l-image,i-notes.txt,l-end", 404, "UNIDENTIFIED"],
    ["l-image,i-red.png,w-abc,l-end", 400, "EINVAL"],
    ["l-image,i-ik_canvas,w-50000,h-50000,l-end", 400, "ELIMIT"],
    ["l-image,i-red.png,w-60000,h-60000,c-force,l-end", 400, "ELIMIT"],
    ["l-image,i-ik_canvas,w-0,h-5,l-end", 400, "EINVAL"],
    ["l-image,i-red.png,w-bw_sub_bw,l-end", 400, "EINVAL"],
    ["l-image,i-red.png,lx-9999999_pow_9999999,l-end", 400, "EINVAL"],
    ["l-video,i-a.mp4,l-end", 403, "EUNSUPPORTED"],
    ["l-image,ie-aHR0cDovLzEyNy4wLjAuMS94LnBuZw==,l-end", 404, "ENOENT"],
  ];
  for (const [chain, status, code] of FAILURES) {
    it(`answer ${status} ${code} for ${chain}`, async () => {
      const answer = await server.ask(`/base.png?tr=${chain}`);
      assert.equal(answer.status, status, `${answer.headers["ik-error"]}`);
      assert.match(answer.headers["ik-error"] ?? "", new RegExp(`^${code} `));
    });
  }

  it("make the answer new when they change", async () => {
    const own = await makeFolder({
      "base.png": await png(50, 50, WHITE),
      "layer.png": await png(50, 50, RED),
    });
    const config = folderConfig(own.path);
    const origins = { files: { type: "FOLDER", path: own.path, checkSeconds: 0 } };
    const place = await startServer({ ...config, origins });
    try {
      const url = "/base.png?tr=l-image,i-layer.png,t-false,l-end,f-png";
      const first = await place.ask(url);
      assert.deepEqual((await pixels(first)).at(25, 25), [255, 0, 0, 255]);
      const { etag = "" } = first.headers;
      assert.equal((await place.ask(url, { headers: { "if-none-match": etag } })).status, 304);
      await writeFile(`${own.path}/layer.png`, await png(50, 50, BLUE));
      const second = await place.ask(url, { headers: { "if-none-match": etag } });
      assert.equal(second.status, 200);
      assert.deepEqual((await pixels(second)).at(25, 25), [0, 0, 255, 255]);
      assert.notEqual(second.headers.etag, etag);
    } finally {
      await place.close();
      await own.close();
    }
  });

  it("are downloaded once, however often they are shown, and not at all for a hit", async () => {
    const origin = await startOrigin({
      "base.png": await png(50, 50, WHITE),
      "layer.png": await png(10, 10, RED),
    });
    const place = await startServer(webConfig([origin.url]));
    try {
      const layer = "l-image,i-layer.png,l-end";
      for (let i = 0; i < 3; i++) {
        assert.equal(
          (await place.ask(`/base.png?tr=${layer},${layer},l-image,i-layer.png,w-5,l-end`)).status,
          200,
        );
      }
      assert.deepEqual(origin.requests.map(({ url }) => url).sort(), ["/base.png", "/layer.png"]);
    } finally {
      await place.close();
      await origin.close();
    }
  });

  it("that are private need a signature, as every private file does", async () => {
    const origin = await startOrigin({
      "base.png": await png(50, 50, WHITE),
      "layer.png": { bytes: await png(10, 10, RED), headers: { "is-private-file": "true" } },
    });
    const place = await startServer(webConfig([origin.url]));
    try {
      const answer = await place.ask("/base.png?tr=l-image,i-layer.png,l-end");
      assert.equal(answer.status, 401);
    } finally {
      await place.close();
      await origin.close();
    }
  });
});

/** Three frames of 40 by 40 px. */
async function moving(): Promise<Buffer> {
  const frames = await Promise.all([GREEN, BLUE, WHITE].map((colour) => png(40, 40, colour)));
  return sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer();
}
