import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, makePng, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import sharp from "sharp";
import { imageSharp } from "../../src/index.ts";
import { plan } from "../helpers.ts";
import { LOBSTER } from "../text/helpers.ts";

type Limits = Record<string, number>;

describe("a text layer on a picture", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    const font = await readFile(LOBSTER);
    folder = await makeFolder({
      "white.png": await makePng(400, 200, () => [255, 255, 255, 255]),
      "fonts/own.ttf": font,
      "fonts/own.woff2": Buffer.concat([Buffer.from("wOF2"), font]),
      "fonts/broken.ttf": font.subarray(0, 5000),
    });
    server = await start();
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  const start = (limits: Limits = {}) =>
    startServer({
      plugins: [urlImagekit(), storageFs(), imageSharp()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"] } },
      limits,
    });

  const ask = (layer: string) => server.ask(`/tr:f-png,l-text,${layer},l-end/white.png`);

  /** What is not white: first and last column and row. */
  async function inkOf(layer: string) {
    const { status, text, body } = await ask(layer);
    assert.equal(status, 200, text.slice(0, 200));
    const { data, info } = await sharp(body).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height], [400, 200]);
    const ink = { left: 400, right: -1, top: 200, bottom: -1 };
    for (let at = 0; at < data.length; at += 3) {
      if (data[at] === 255 && data[at + 1] === 255 && data[at + 2] === 255) continue;
      const [x, y] = [(at / 3) % 400, Math.floor(at / 3 / 400)];
      ink.left = Math.min(ink.left, x);
      ink.right = Math.max(ink.right, x);
      ink.top = Math.min(ink.top, y);
      ink.bottom = Math.max(ink.bottom, y);
    }
    const at = (x: number, y: number) => [...data.subarray((y * 400 + x) * 3, (y * 400 + x) * 3 + 3)];
    return { ...ink, width: ink.right - ink.left + 1, height: ink.bottom - ink.top + 1, at, data };
  }

  it("lies in the middle, in the size and colour from the URL", async () => {
    const { left, right, top, bottom, height } = await inkOf("i-HHHH,fs-100,co-FF0000");
    assert(Math.abs(left + right - 399) <= 2 && Math.abs(top + bottom - 199) <= 2);
    assert.equal(height, 72);
    const { at, left: from, top: start } = await inkOf("i-H,fs-100,co-FF0000,lx-10,ly-20");
    assert.deepEqual([from, start], [10, 20]);
    assert.deepEqual(at(15, 50), [255, 0, 0]);
  });

  it("has a box of the given width, aligned to its side", async () => {
    const { left, width, at } = await inkOf("i-Hi,fs-20,w-300,bg-00FF00,ia-right,pa-10,lx-50,ly-0");
    assert.deepEqual([left, width], [50, 300]);
    assert.deepEqual(at(60, 15), [0, 255, 0]);
    const dark = Array.from({ length: 300 }, (_, x) => x + 50).filter((x) => at(x, 15)[1] === 0);
    assert(Math.min(...dark) > 300 && Math.max(...dark) < 340);
  });

  it("knows the picture that it lies on", async () => {
    assert.deepEqual((await inkOf("i-H,fs-bh_div_2")).data, (await inkOf("i-H,fs-100")).data);
    const { width } = await inkOf("i-Hi,fs-20,w-bw_mul_0.5,bg-00FF00");
    assert.equal(width, 200);
  });

  it("is set in a family, or in a font file of the endpoint", async () => {
    const plain = await inkOf("i-Text,fs-50");
    const family = await inkOf("i-Text,fs-50,ff-Lobster");
    assert.notDeepEqual(family.data, plain.data);
    assert.deepEqual((await inkOf("i-Text,fs-50,ff-fonts@@own.ttf")).data, family.data);
    assert.deepEqual((await inkOf("i-Text,fs-50,ff-Nonesuch")).data, plain.data);
  });

  it("is faint, turned and rounded as other layers are", async () => {
    const { at } = await inkOf("i-Hi,fs-20,w-100,bg-FF0000,al-5,lx-0,ly-0");
    const [r, g, b] = at(2, 5) as [number, number, number];
    assert(r === 255 && Math.abs(g - 128) < 3 && g === b);
    const upright = await inkOf("i-Hello,fs-40");
    const turned = await inkOf("i-Hello,fs-40,rt-90");
    assert.deepEqual([turned.width, turned.height], [upright.height, upright.width]);
  });

  it("is rendered unchanged, from base64 too", async () => {
    const base64 = encodeURIComponent(Buffer.from("<b>x</b> & שלום").toString("base64"));
    const { width } = await inkOf(`ie-${base64},fs-30`);
    assert(width > 200);
  });

  for (const [what, layer, message] of [
    ["a WOFF2 file", "i-a,ff-fonts@@own.woff2", /WOFF2/],
    ["a broken font", "i-a,ff-fonts@@broken.ttf", /font is damaged/],
    ["a text that is too wide", `i-${"W".repeat(300)},fs-200`, /16383 px/],
    ["a font that is too high", "i-a,fs-17000", /16383 px/],
    ["padding that leaves no room", "i-a,w-20,pa-10", /padding/],
  ] as const) {
    it(`is refused with ${what}`, async () => {
      const { status, text } = await ask(layer);
      assert.equal(status, 400, text.slice(0, 200));
      assert.match(text, message);
      assert(text.length < 300 && !text.includes(folder.path) && !text.includes("/tmp"));
    });
  }

  it("needs its font file", async () => {
    assert.equal((await ask("i-a,ff-fonts@@none.ttf")).status, 404);
  });

  it("is priced by its letters and their size", async () => {
    const white = await readFile(`${folder.path}/white.png`);
    const price = async (text: string, size: number) => {
      const style = { size, color: { r: 0, g: 0, b: 0, alpha: 1 }, align: "left" as const };
      const layer = { kind: "text" as const, text, style, steps: [] };
      const step = { op: "overlay" as const, layer, place: { gravity: "center" as const } };
      const result = await plan(white, { steps: [step] });
      assert(result);
      return result;
    };
    const [small, large] = [await price("a", 20), await price("word ".repeat(400), 80)];
    assert(large.cost > small.cost + 100);
    assert(large.memory > small.memory + 50e6);
    await assert.rejects(price("word ".repeat(400), 3000), { code: "ELIMIT" });
  });
});
