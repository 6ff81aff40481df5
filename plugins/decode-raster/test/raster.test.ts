import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { imageSharp } from "@mediatap/image-sharp";
import {
  describeWith,
  FFMPEG,
  makeFolder,
  memoryStorage,
  readPng,
  runFfmpeg,
  startServer,
  type TestServer,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import fc from "fast-check";
import { decodeRaster } from "../src/index.ts";
import { type Color, makePnm, makeQoi, makeTga, type Paint, quarters } from "./rasters.ts";

const SIZE = { width: 37, height: 22 };
const PAINT = quarters(SIZE.width, SIZE.height);
const PICTURE = { ...SIZE, paint: PAINT };

describe("decode-raster", () => {
  const files = new Map<string, Uint8Array>();
  let server: TestServer;
  before(async () => {
    server = await startServer({
      plugins: [urlImagekit(), memoryStorage(files), imageSharp(), decodeRaster()],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
    });
  });
  after(() => server?.close());

  async function pictureOf(bytes: Uint8Array, name = "picture") {
    files.set(name, bytes);
    const response = await server.ask(`/tr:f-png/${name}`);
    assert.equal(response.status, 200, response.text.slice(0, 200));
    return readPng(response.body);
  }
  async function refusal(bytes: Uint8Array, name = "broken") {
    files.set(name, bytes);
    const { status, headers, text } = await server.ask(`/tr:w-9,f-png/${name}`);
    return [status, headers["ik-error"]?.split(" ")[0] ?? text];
  }

  /** Every pixel is as painted. */
  async function assertPainted(
    bytes: Uint8Array,
    paint: Paint,
    { width, height } = SIZE,
    far = 0,
  ): Promise<void> {
    const picture = await pictureOf(bytes);
    assert.deepEqual([picture.width, picture.height], [width, height]);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [expected, actual] = [paint(x, y), picture.at(x, y)];
        const differs = actual.some((value, channel) => Math.abs(value - (expected[channel] ?? 0)) > far);
        assert(!differs, `${x}, ${y}: expected ${expected} but found ${actual}`);
      }
    }
  }

  const opaque: Paint = (x, y) => [...(PAINT(x, y).slice(0, 3) as [number, number, number]), 255];
  const grey: Paint = (x, y) => {
    const [value] = PAINT(x, y);
    return [value, value, value, 255];
  };
  const clearGrey: Paint = (x, y) => [
    ...(grey(x, y).slice(0, 3) as [number, number, number]),
    PAINT(x, y)[3],
  ];

  describe("TGA", () => {
    const kinds: readonly (readonly [what: string, bytes: Buffer, paint: Paint, far?: number])[] = [
      ["24 bits", makeTga(PICTURE), opaque],
      ["32 bits and alpha", makeTga({ ...PICTURE, bits: 32, alphaBits: 8 }), PAINT],
      ["32 bits without alpha", makeTga({ ...PICTURE, bits: 32 }), opaque],
      ["15 bits", makeTga({ ...PICTURE, bits: 15 }), opaque, 8],
      ["16 bits and alpha", makeTga({ ...PICTURE, bits: 16, alphaBits: 1 }), (x, y) => opaque(x, y), 8],
      ["grey", makeTga({ ...PICTURE, bits: 8, grey: true }), grey],
      ["grey and alpha", makeTga({ ...PICTURE, bits: 16, grey: true, alphaBits: 8 }), clearGrey],
      ["a palette", makeTga({ ...PICTURE, palette: 24 }), opaque],
      ["a palette of 16 bits", makeTga({ ...PICTURE, palette: 16 }), opaque, 8],
      [
        "a palette with alpha, from 7 on",
        makeTga({ ...PICTURE, palette: 32, first: 7, alphaBits: 8 }),
        PAINT,
      ],
      ["rows from the top", makeTga({ ...PICTURE, topDown: true }), opaque],
      ["rows from the right", makeTga({ ...PICTURE, fromRight: true }), opaque],
      ["text before its pixels", makeTga({ ...PICTURE, id: "made by hand" }), opaque],
      ["packets", makeTga({ ...PICTURE, packed: true }), opaque],
      ["packets of grey", makeTga({ ...PICTURE, bits: 8, grey: true, packed: true }), grey],
      ["packets of indices", makeTga({ ...PICTURE, palette: 24, packed: true }), opaque],
      ["packets of 16 bits", makeTga({ ...PICTURE, bits: 16, packed: true }), opaque, 8],
    ];
    for (const [what, bytes, paint, far] of kinds) {
      it(`is read with ${what}`, () => assertPainted(bytes, paint, SIZE, far));
    }

    it("is known by its fields and its length, whatever its name", async () => {
      const good = makeTga(PICTURE);
      const change = (at: number, value: number) => {
        const bytes = Buffer.from(good);
        bytes[at] = value;
        return bytes;
      };
      // Kind of map, kind of picture, colours of a map that there is not, no width, bits, interleaved rows.
      for (const bytes of [
        change(1, 2),
        change(2, 4),
        change(5, 3),
        change(12, 0),
        change(16, 7),
        change(17, 0x40),
      ]) {
        files.set("notes", bytes);
        const response = await server.ask("/tr:w-9/notes");
        assert(
          response.body.equals(bytes),
          `${bytes.subarray(0, 18).toString("hex")} ${response.status} ${response.headers["content-type"]}`,
        );
      }
      // Too short for its pixels.
      files.set("notes", good.subarray(0, -1));
      assert((await server.ask("/tr:w-9/notes")).body.equals(good.subarray(0, -1)));
      files.set("notes.tga", good.subarray(0, -1));
      assert.equal((await server.ask("/tr:w-9/notes.tga")).status, 400);
    });

    it("is broken if its packets end early", async () => {
      // A run of four for each pixel of noise: the length alone does not tell.
      const noise = makeTga({ ...SIZE, packed: true, paint: (x, y) => [x * 7, y * 11, x * y, 255] });
      assert.deepEqual(await refusal(noise.subarray(0, Math.floor(noise.length * 0.6))), [
        404,
        "UNIDENTIFIED",
      ]);
    });
  });

  describe("QOI", () => {
    it("is read with each kind of chunk", async () => {
      const busy: Paint = (x, y) => [
        (x * y) & 255,
        (x * 3 + y) & 255,
        ((x ^ y) * 9) & 255,
        y > 12 ? 255 - x : 255,
      ];
      await assertPainted(makeQoi({ ...SIZE, paint: busy }), busy);
      await assertPainted(makeQoi(PICTURE), PAINT);
      await assertPainted(makeQoi({ ...PICTURE, channels: 3 }), opaque);
    });

    it("is read like any picture of random pixels", async () => {
      const channel = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 254, 255));
      const pixels = fc.array(fc.tuple(channel, channel, channel, fc.constantFrom(255, 255, 128)), {
        minLength: 35,
        maxLength: 35,
      });
      await fc.assert(
        fc.asyncProperty(pixels, async (colors) => {
          const paint: Paint = (x, y) => colors[y * 7 + x] as Color;
          await assertPainted(makeQoi({ width: 7, height: 5, paint }), paint, { width: 7, height: 5 });
        }),
        { numRuns: 20 },
      );
    });

    it("is converted to sRGB if it is in linear light", async () => {
      const picture = await pictureOf(
        makeQoi({ ...SIZE, linear: true, channels: 3, paint: () => [55, 0, 255, 255] }),
      );
      assert.deepEqual([...picture.at(3, 3)], [128, 0, 255, 255]);
    });

    it("is broken if it ends early", async () => {
      const bytes = makeQoi({ ...SIZE, paint: (x, y) => [x * 7, y * 11, x * y * 3, 255] });
      assert.deepEqual(await refusal(bytes.subarray(0, 300)), [404, "UNIDENTIFIED"]);
    });
  });

  describe("PNM", () => {
    const black: Paint = (x, y) => (PAINT(x, y)[0] > 127 ? [255, 255, 255, 255] : [0, 0, 0, 255]);
    const kinds: readonly (readonly [what: string, bytes: Buffer, paint: Paint])[] = [
      ["bits as text", makePnm({ ...PICTURE, kind: 1 }), black],
      ["greys as text", makePnm({ ...PICTURE, kind: 2 }), grey],
      ["colours as text, and comments", makePnm({ ...PICTURE, kind: 3, comment: "1 2 3" }), opaque],
      ["bits", makePnm({ ...PICTURE, kind: 4, comment: "P5 9 9" }), black],
      ["greys", makePnm({ ...PICTURE, kind: 5 }), grey],
      ["colours", makePnm({ ...PICTURE, kind: 6 }), opaque],
      ["colours of 16 bits", makePnm({ ...PICTURE, kind: 6, max: 65_535 }), opaque],
      ["greys of 10 bits", makePnm({ ...PICTURE, kind: 5, max: 1023 }), grey],
      ["PAM of one sample", makePnm({ ...PICTURE, kind: 7, depth: 1 }), grey],
      ["PAM of grey and alpha", makePnm({ ...PICTURE, kind: 7, depth: 2 }), clearGrey],
      ["PAM of colours", makePnm({ ...PICTURE, kind: 7, depth: 3, comment: "WIDTH 9" }), opaque],
      [
        "PAM of colours and alpha, of 16 bits",
        makePnm({ ...PICTURE, kind: 7, depth: 4, max: 65_535 }),
        PAINT,
      ],
    ];
    for (const [what, bytes, paint] of kinds) it(`is read with ${what}`, () => assertPainted(bytes, paint));

    it("is known by its header, whatever its name", async () => {
      for (const text of ["P5 is a good player", "P6", "P8 1 1 1\n"]) {
        files.set("notes", Buffer.from(text));
        assert.equal((await server.ask("/tr:w-9/notes")).text, text);
        files.set("notes.ppm", Buffer.from(text));
        assert((await server.ask("/tr:w-9/notes.ppm")).status >= 400);
      }
      for (const text of ["P3 0 9 255\n", "P6 9 9 70000\n", "P7\nWIDTH 3\n"]) {
        assert.deepEqual(await refusal(Buffer.from(text)), [403, "EUNSUPPORTED"], text);
      }
    });

    it("is broken if samples are missing or no numbers", async () => {
      for (const kind of [2, 3, 4, 5, 6] as const) {
        const bytes = makePnm({ ...PICTURE, kind });
        assert.deepEqual(await refusal(bytes.subarray(0, -20)), [404, "UNIDENTIFIED"], `P${kind}`);
      }
      assert.deepEqual(await refusal(Buffer.from("P2 2 2 255\n1 2 3 x")), [404, "UNIDENTIFIED"]);
    });
  });

  it("is converted as clients accept it, and refused above the limit", async () => {
    for (const [name, bytes] of [
      ["a.tga", makeTga(PICTURE)],
      ["a.qoi", makeQoi({ ...PICTURE, channels: 3 })],
      ["a.ppm", makePnm({ ...PICTURE, kind: 6 })],
    ] as const) {
      files.set(name, bytes);
      const webp = await server.ask(`/${name}`, { headers: { accept: "image/webp" } });
      assert.equal(webp.headers["content-type"], "image/webp", name);
      assert.equal((await server.ask(`/${name}`)).headers["content-type"], "image/jpeg", name);
      assert((await server.ask(`/${name}?tr=orig-true`)).body.equals(bytes), name);
    }
    assert.deepEqual(await refusal(Buffer.from("P6 60000 60000 255\n123")), [400, "ELIMIT"]);
    const huge = makeQoi(PICTURE);
    huge.writeUInt32BE(0x7fffffff, 4);
    assert.deepEqual(await refusal(huge), [400, "ELIMIT"]);
  });
});

describeWith(FFMPEG, "decode-raster: files of another encoder", () => {
  it("look the same in all formats", async () => {
    const folder = await makeFolder();
    const files = new Map<string, Uint8Array>();
    const server = await startServer({
      plugins: [urlImagekit(), memoryStorage(files), imageSharp(), decodeRaster()],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
    });
    try {
      const source = ["-f", "lavfi", "-i", "testsrc2=s=76x52:d=1:r=1", "-frames:v", "1"];
      const read = async (name: string, ...args: string[]) => {
        const file = join(folder.path, name);
        await runFfmpeg(file, ...source, ...args);
        files.set(name, await readFile(file));
        const { status, body, text } = await server.ask(`/tr:f-png/${name}`);
        assert.equal(status, 200, `${name}: ${text.slice(0, 100)}`);
        return readPng(body);
      };
      for (const pixels of ["rgb24", "gray", "bgra"] as const) {
        const expected = await read(`${pixels}.png`, "-pix_fmt", pixels === "bgra" ? "rgba" : pixels);
        const names = {
          rgb24: [
            ["a.tga", "-pix_fmt", "bgr24"],
            ["b.tga", "-pix_fmt", "bgr24", "-rle", "0"],
            ["a.qoi", "-pix_fmt", "rgb24"],
            ["a.ppm", "-pix_fmt", "rgb24"],
            ["a.pam", "-pix_fmt", "rgb24"],
          ],
          gray: [
            ["g.tga", "-pix_fmt", "gray"],
            ["g.pgm", "-pix_fmt", "gray"],
            ["g.pam", "-pix_fmt", "gray"],
          ],
          bgra: [
            ["c.tga", "-pix_fmt", "bgra"],
            ["c.qoi", "-pix_fmt", "rgba"],
            ["c.pam", "-pix_fmt", "rgba"],
          ],
        }[pixels];
        for (const [name = "", ...args] of names) {
          const actual = await read(name, ...args);
          assert.deepEqual([actual.width, actual.height], [76, 52], name);
          for (let y = 0; y < 52; y++) {
            for (let x = 0; x < 76; x++) {
              assert.deepEqual(actual.at(x, y), expected.at(x, y), `${name}: ${x}, ${y}`);
            }
          }
        }
      }
    } finally {
      await server.close();
      await folder.close();
    }
  });
});
