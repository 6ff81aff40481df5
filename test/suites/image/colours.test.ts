import assert from "node:assert/strict";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import sharp from "sharp";
import { folderConfig } from "../support/plugins.ts";

type Color = readonly [number, number, number];

/** Four bars; all of these colours are in every gamut that is used here. */
const BARS: readonly Color[] = [
  [180, 60, 60],
  [40, 120, 50],
  [50, 70, 150],
  [230, 230, 230],
];
const [WIDTH, HEIGHT] = [64, 16];

const barAt = (x: number) => BARS[Math.floor((x * BARS.length) / WIDTH)] as Color;

function bars() {
  const data = Buffer.alloc(WIDTH * HEIGHT * 3);
  for (let at = 0; at < WIDTH * HEIGHT; at++) data.set(barAt(at % WIDTH), at * 3);
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
}

/** A TIFF of 16 bits a sample (TIFF 6.0, uncompressed), with a colour profile. */
function deepTiff(samples: (x: number, part: number) => number, icc?: Uint8Array): Buffer {
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 6);
  for (let at = 0; at < WIDTH * HEIGHT * 3; at++) {
    pixels.writeUInt16LE(samples(Math.floor(at / 3) % WIDTH, at % 3), at * 2);
  }
  const extra = Buffer.from(Uint16Array.of(16, 16, 16).buffer);
  const profile = icc ?? new Uint8Array();
  const [pixelsAt, extraAt] = [8, 8 + pixels.length];
  const profileAt = extraAt + 8;
  const directoryAt = profileAt + profile.length + (profile.length % 2);
  const [SHORT, LONG, BYTES] = [3, 4, 7];
  const entries: [tag: number, type: number, count: number, value: number][] = [
    [256, LONG, 1, WIDTH],
    [257, LONG, 1, HEIGHT],
    [258, SHORT, 3, extraAt],
    [259, SHORT, 1, 1],
    [262, SHORT, 1, 2],
    [273, LONG, 1, pixelsAt],
    [277, SHORT, 1, 3],
    [278, LONG, 1, HEIGHT],
    [279, LONG, 1, pixels.length],
    ...(icc ? [[34675, BYTES, icc.length, profileAt] as [number, number, number, number]] : []),
  ];
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  directory.writeUInt16LE(entries.length);
  for (const [index, [tag, type, count, value]] of entries.entries()) {
    const at = 2 + index * 12;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(count, at + 4);
    directory.writeUInt32LE(value, at + 8);
  }
  const head = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  head.writeUInt32LE(directoryAt, 4);
  const file = Buffer.alloc(directoryAt + directory.length);
  for (const [part, at] of [
    [head, 0],
    [pixels, pixelsAt],
    [extra, extraAt],
    [profile, profileAt],
    [directory, directoryAt],
  ] as const) {
    file.set(part, at);
  }
  return file;
}

describe("colours", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    const p3 = await bars().withIccProfile("p3").png().toBuffer();
    const { icc } = await sharp(p3).metadata();
    const inP3 = await sharp(p3, { ignoreIcc: true }).raw().toBuffer();
    folder = await makeFolder({
      "srgb.png": await bars().png().toBuffer(),
      "p3.png": p3,
      "p3.jpg": await bars()
        .withIccProfile("p3")
        .jpeg({ quality: 98, chromaSubsampling: "4:4:4" })
        .toBuffer(),
      "cmyk.jpg": await bars()
        .toColourspace("cmyk")
        .withIccProfile("cmyk")
        .jpeg({ quality: 98, chromaSubsampling: "4:4:4" })
        .toBuffer(),
      "deep.png": await bars().toColourspace("rgb16").png().toBuffer(),
      "deep-p3.png": await bars().toColourspace("rgb16").withIccProfile("p3").png().toBuffer(),
      "deep.tiff": deepTiff((x, part) => (barAt(x)[part] as number) * 257),
      "deep-p3.tiff": deepTiff((x, part) => (inP3[x * 3 + part] as number) * 257, icc),
      "grey.jpg": await bars().toColourspace("b-w").jpeg({ quality: 98 }).toBuffer(),
    });
    server = await startServer(folderConfig(folder.path));
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  async function seen(path: string) {
    const answer = await server.ask(path);
    assert.equal(answer.status, 200, `${path}: ${answer.headers["ik-error"]}`);
    const meta = await sharp(answer.body).metadata();
    const middles = async (options: object) => {
      const { data, info } = await sharp(answer.body, options)
        .toColourspace("srgb")
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      const step = info.width / BARS.length;
      return BARS.map((_, bar) => {
        const at =
          (Math.floor(info.height / 2) * info.width + Math.floor((bar + 0.5) * step)) * info.channels;
        return [...data.subarray(at, at + 3)];
      });
    };
    return { ...meta, shown: await middles({}), stored: await middles({ ignoreIcc: true }) };
  }

  function assertBars(
    shown: readonly (readonly number[])[],
    tolerance: number,
    what: string,
    wanted: readonly (readonly number[])[] = BARS,
  ) {
    for (const [bar, color] of wanted.entries()) {
      const far = color.some((value, part) => Math.abs(value - (shown[bar]?.[part] as number)) > tolerance);
      assert(!far, `${what}: ${shown[bar]} for ${color}`);
    }
  }

  const FILES = [
    "srgb.png",
    "p3.png",
    "p3.jpg",
    "cmyk.jpg",
    "deep.png",
    "deep-p3.png",
    "deep.tiff",
    "deep-p3.tiff",
  ];
  for (const file of FILES) {
    it(`of ${file} look the same in all formats, whatever is done to it`, async () => {
      for (const chain of [
        "f-png",
        "w-32,f-png",
        "w-32:rt-180:rt-180,f-png",
        "w-48,f-jpg,q-95",
        "f-webp,q-95",
        "f-avif,q-95",
      ]) {
        const { shown, icc } = await seen(`/tr:${chain}/${file}`);
        // Inks hold less than light does, and each format rounds.
        assertBars(shown, file === "cmyk.jpg" ? 30 : chain.includes("f-png") ? 4 : 9, `${file} ${chain}`);
        assert.equal(icc, undefined);
      }
    });

    it(`of ${file} look the same where its profile is kept`, async () => {
      for (const chain of [
        "cp-true,f-png",
        "cp-true,w-32,f-png",
        "cp-true,w-48,f-jpg,q-95",
        "cp-true,f-webp,q-95",
        "md-true,f-png",
      ]) {
        const { shown, icc, space } = await seen(`/tr:${chain}/${file}`);
        assertBars(shown, file === "cmyk.jpg" ? 30 : chain.includes("f-png") ? 4 : 9, `${file} ${chain}`);
        if (/p3/.test(file)) assert(icc, `${file} ${chain}`);
        // No format of the web but JPEG knows inks, and few programs show them.
        assert.equal(space, "srgb");
      }
    });
  }

  it("keep their own numbers with a kept profile, and other ones without", async () => {
    const kept = await seen("/tr:cp-true,f-png/p3.png");
    const { data } = await sharp(
      await (await sharp((await server.ask("/tr:orig-true/p3.png")).body, { ignoreIcc: true }))
        .png()
        .toBuffer(),
    )
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.deepEqual(kept.stored[0], [...data.subarray(8 * 3, 8 * 3 + 3)]);
    const converted = await seen("/tr:f-png/p3.png");
    assertBars(converted.stored, 3, "p3.png");
    assert.notDeepEqual(converted.stored[0], kept.stored[0]);
  });

  it("of grey pictures stay grey, and take in a colour that is added", async () => {
    const { shown } = await seen("/tr:f-png/grey.jpg");
    for (const [r, g, b] of shown) assert(r === g && g === b);
    const { body } = await server.ask("/tr:b-8_FF0000,f-png/grey.jpg");
    assert.deepEqual([...(await sharp(body).removeAlpha().raw().toBuffer()).subarray(0, 3)], [255, 0, 0]);
  });
});
