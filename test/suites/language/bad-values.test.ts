import assert from "node:assert/strict";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import sharp from "sharp";
import { photo } from "../support/photos.ts";
import { folderConfig } from "../support/plugins.ts";

/** What is no value of any parameter that has a grammar. */
const JUNK = [
  ..."5px NaN Infinity 1e3 0x10 --5 +5 5. 010 null true_false constructor __proto__ 1%3B2 50%25 %00 %D9%A3 5%20 %22".split(
    " ",
  ),
  "9".repeat(400),
  "a".repeat(1500),
];

/** Parameters of §3 to §5, each with what is beside the range or the unit of it. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  w: ["0", "N5", "iw_div_0", "iw_add", "bw"],
  h: ["0", "N5", "auto", "ih_mod_0"],
  ar: ["0", "4-0", "0-3", "N1.5", "4-3-2"],
  dpr: ["0", "0.05", "5.1", "N1", "2x"],
  c: ["extract", "pad_resize", "AT_MAX"],
  cm: ["force", "at_max"],
  fo: ["middle", "left_top", "person_unicorn"],
  z: ["0", "N1"],
  x: ["N5", "65536"],
  y: ["N5", "65536"],
  xc: ["N5", "65536"],
  yc: ["N5", "65536"],
  bg: ["FF", "FFFFFFFFF", "GGGGGG", "blurred_101", "blurred_5_256", "gradient_dominant_3", "dominant_2"],
  pg: ["0", "N1", "2-1-3", "1_x", "name-"],
  t: ["0", "100", "N5", "1.5", "yes"],
  rt: ["90deg", "left", "N", "1_2"],
  fl: ["x", "h_h", "hv", "H"],
  "e-grayscale": ["2", "yes"],
  "e-contrast": ["2", "yes"],
  "e-sharpen": ["0", "N5"],
  "e-usm": ["1-2-3", "1-2-3-4-5", "N1-2-3-4"],
  "e-shadow": ["bl-16", "st-101", "x-101", "y-N101", "z-5"],
  "e-gradient": ["ld-360", "from-nocolour", "sp-0", "sp-N1"],
  "e-distort": ["a-0", "a-361", "p-1_2_3", "x-5"],
  "e-colorize": ["in-101", "in-N1", "co-nocolour"],
  cr: ["nocolour", "FF0000_101", "FF0000_N1", "FF0000_5_nocolour"],
  bl: ["0", "101", "N5", "1.5"],
  r: ["N5", "1_2", "1_2_3", "1_2_3_4_5", "MAX", "65536"],
  b: ["5", "FF0000", "N5_FF0000", "5_nocolour", "_FF0000"],
  o: ["101", "N5", "0.8"],
  f: ["heic", "bmp", "JPG", "image/png"],
  q: ["0", "101", "N5", "80.5", "auto", "high"],
  lo: ["1", "yes", "TRUE"],
  pr: ["1", "yes"],
  cp: ["1", "yes"],
  md: ["1", "yes"],
  dn: ["0", "1201", "72.5", "N72"],
  orig: ["1", "yes"],
  n: ["nothing", "toString"],
  c2pa: ["1", "yes"],
};

/** Colours, where three digits are short for six. */
const COLOURS = new Set(["bg", "cr", "co"]);
const junkOf = (key: string) => JUNK.filter((value) => !COLOURS.has(key) || !/^[0-9a-f]{3}$/.test(value));

/** Written bare, they mean something. */
const BARE = new Set([
  "e-grayscale",
  "e-contrast",
  "e-sharpen",
  "e-usm",
  "e-shadow",
  "e-gradient",
  "e-colorize",
]);

const IMAGE = (item: string) => `l-image,i-logo.png,${item},l-end`;
const TEXT = (item: string) => `l-text,i-Hi,${item},l-end`;
const BLOCK = (item: string) => `l-image,i-ik_canvas,w-9,h-9,${item},l-end`;

/** Parameters of layers, §7: where they may stand, and what is beside their range. */
const OF_LAYERS: readonly [within: (item: string) => string, key: string, wrong: readonly string[]][] = [
  [IMAGE, "lfo", ["face", "auto", "top-left"]],
  [IMAGE, "lx", ["65536", "bw_div", "NN5"]],
  [IMAGE, "ly", ["65536", "bh_div_0"]],
  [IMAGE, "lxc", ["65536", "N"]],
  [IMAGE, "lyc", ["65536", "N"]],
  [IMAGE, "lap", ["face", "top-left"]],
  [IMAGE, "lm", ["screen", "Multiply"]],
  [IMAGE, "w", ["0", "N5"]],
  [IMAGE, "h", ["0", "auto"]],
  [IMAGE, "o", ["101"]],
  [IMAGE, "t", ["100"]],
  [IMAGE, "rt", ["left"]],
  [TEXT, "w", ["0", "N5", "iw"]],
  [TEXT, "fs", ["0", "N5", "cw", "45px"]],
  [TEXT, "co", ["FF", "nocolour"]],
  [TEXT, "ia", ["middle", "justify"]],
  [TEXT, "pa", ["1_2_3_4_5", "N5", "1_x"]],
  [TEXT, "al", ["0", "10", "0.5"]],
  [TEXT, "tg", ["u", "bold", "b-i"]],
  [TEXT, "lh", ["0", "N5"]],
  [TEXT, "bg", ["dominant", "blurred"]],
  [TEXT, "r", ["1_2"]],
  [TEXT, "fl", ["x"]],
  [BLOCK, "w", ["0", "iw"]],
  [BLOCK, "h", ["0", "cw"]],
  [BLOCK, "bg", ["dominant", "nocolour"]],
  [BLOCK, "al", ["0", "10"]],
];

/** What the language ignores instead, and what is left. */
const IGNORED: readonly [chain: string, left: string][] = [
  ["w-65536,h-50", "h-50"],
  ["w-50,h-99999999", "w-50"],
  ["w-60,h-40,ar-4-3", "w-60,h-40"],
  ["dpr-2,rt-90", "rt-90"],
  ["w-50,dpr-0.1,h-4", "w-50,h-4"],
  ["w-2000,dpr-5,q-10", "w-2000,q-10"],
  ["w-50,fo-left", "w-50"],
  ["w-50,h-50,c-force,fo-left,z-2,x-5,y-5", "w-50,h-50,c-force"],
  ["w-50,h-50,c-force,cm-extract", "w-50,h-50,cm-extract"],
  ["w-50:orig-true,e-magic", "orig-true"],
  [IMAGE("lfo-left,lx-3,ly-4"), IMAGE("lx-3,ly-4")],
  ["l-image,i-none.png,ie-bG9nby5wbmc%3D,l-end", "l-image,i-logo.png,l-end"],
  [IMAGE("q-50"), "l-image,i-logo.png,l-end"],
  [TEXT("ff-No Such Family"), TEXT("ff-Open Sans")],
];

describe("values that no parameter has", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({
      "photo.png": await photo(120, 80, "png"),
      "logo.png": await sharp(await photo(20, 10, "png"))
        .ensureAlpha(0.9)
        .png()
        .toBuffer(),
    });
    server = await startServer(folderConfig(folder.path));
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  async function assertRefused(chain: string, key: string, value: string) {
    const { status, headers, body } = await server.ask(`/tr:${chain}/photo.png`);
    const told = headers["ik-error"] ?? "";
    const what = `${chain.slice(0, 80)}: ${status} ${told}`;
    assert.equal(status, 400, what);
    assert.match(told, /^EINVAL - /, what);
    // A short name can be part of any word.
    assert.match(told, new RegExp(`(?:for|of|received|Expected) '?${key}\\b|'${key}'|\\b${key}\\b`), what);
    assert(told.length < 300 && body.length < 300, what);
    assert(value.length < 200 || !told.includes(value), what);
  }

  for (const [key, wrong] of Object.entries(PARAMETERS)) {
    it(`are refused of ${key}, which is named`, async () => {
      for (const value of [...junkOf(key), ...wrong]) await assertRefused(`${key}-${value}`, key, value);
      if (!BARE.has(key)) for (const bare of [key, `${key}-`]) await assertRefused(bare, key, "");
      // Inside of a condition as outside.
      if (!["pg", "n", "orig", "c2pa"].includes(key)) {
        await assertRefused(`if-w_gt_1,${key}-${wrong[0]},if-end`, key, "");
      }
    });
  }

  for (const [within, key, wrong] of OF_LAYERS) {
    it(`are refused of ${key} in ${within("…").slice(0, 14)}, which is named`, async () => {
      for (const value of [...junkOf(key), ...wrong])
        await assertRefused(within(`${key}-${value}`), key, value);
      await assertRefused(within(key), key, "");
    });
  }

  it("are refused as the key, too", async () => {
    for (const key of ["foo", "W", "e-magic", "toString", "__proto__", "width", "constructor", "oi", "ot"]) {
      await assertRefused(`${key}-5`, key, "");
    }
    for (const key of ["fs", "lx", "ie"]) await assertRefused(`${key}-5`, key, "");
  });

  for (const [chain, left] of IGNORED) {
    it(`are ignored where the language says so: ${chain}`, async () => {
      const [one, other] = await Promise.all(
        [chain, left].map((text) => server.ask(`/tr:${text.replaceAll(" ", "%20")}/photo.png`)),
      );
      assert.deepEqual([one?.status, other?.status], [200, 200], one?.headers["ik-error"] ?? "");
      assert(one?.body.equals(other?.body as Buffer));
    });
  }
});
