import assert from "node:assert/strict";
import { imageSharp } from "@mediatap/image-sharp";
import { makePng, memoryStorage, readPng, startServer, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import sharp from "sharp";
import { decodeIco } from "../src/index.ts";
import { type Bitmap, makeBmp, makeIco, quarters, RGB } from "./bitmaps.ts";

const SIZE = { width: 21, height: 14 };
const COLORS = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 255],
] as const;
const [RED, GREEN, BLUE, WHITE] = COLORS.map((color) => [...color, 255]) as [
  number[],
  number[],
  number[],
  number[],
];

const BLACK = [0, 0, 0, 255];

describe("decode-ico", () => {
  const files = new Map<string, Uint8Array>();
  let server: TestServer;

  before(async () => {
    server = await startServer({
      plugins: [urlImagekit(), memoryStorage(files), imageSharp(), decodeIco()],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
    });
  });
  after(() => server?.close());

  async function colors(name: string, bytes: Uint8Array) {
    files.set(name, bytes);
    const response = await server.ask(`/tr:f-png/${name}`);
    assert.equal(response.status, 200, response.text);
    const { width, height, at } = readPng(response.body);
    return [at(1, 1), at(width - 2, 1), at(1, height - 2), at(width - 2, height - 2)];
  }

  async function refusal(name: string, bytes: Uint8Array) {
    files.set(name, bytes);
    const { status, headers } = await server.ask(`/tr:w-9,f-png/${name}`);
    return [status, headers["ik-error"]?.split(" ")[0]];
  }

  const bitmap = (more: Partial<Bitmap> & Pick<Bitmap, "bits">): Buffer =>
    makeBmp({ ...SIZE, pixel: quarters(SIZE.width, SIZE.height, [0, 1, 2, 3]), ...more });
  const direct = (values: readonly number[]) => quarters(SIZE.width, SIZE.height, values);

  describe("bitmaps", () => {
    const kinds: Readonly<Record<string, Buffer>> = {
      "4 bits a pixel": bitmap({ bits: 4, palette: COLORS }),
      "8 bits a pixel": bitmap({ bits: 8, palette: COLORS }),
      "8 bits a pixel and the oldest header": bitmap({ bits: 8, palette: COLORS, header: 12 }),
      "16 bits a pixel": bitmap({ bits: 16, pixel: direct([0x7c00, 0x03e0, 0x001f, 0x7fff]) }),
      "16 bits a pixel under masks": bitmap({
        bits: 16,
        masks: [0xf800, 0x07e0, 0x001f],
        pixel: direct([0xf800, 0x07e0, 0x001f, 0xffff]),
      }),
      "24 bits a pixel": bitmap({ bits: 24, pixel: direct(RGB) }),
      "rows from the top": bitmap({ bits: 24, topDown: true, pixel: direct(RGB) }),
      "32 bits a pixel, the last ones idle": bitmap({ bits: 32, pixel: direct(RGB) }),
      "32 bits a pixel under masks": bitmap({
        bits: 32,
        masks: [0xff, 0xff00, 0xff0000],
        pixel: direct([0xff, 0xff00, 0xff0000, 0xffffff]),
      }),
    };
    for (const [what, bytes] of Object.entries(kinds)) {
      it(`are read with ${what}`, async () => {
        assert.deepEqual(await colors("picture.bmp", bytes), [RED, GREEN, BLUE, WHITE]);
      });
    }

    it("are read in two colours", async () => {
      const bytes = bitmap({ bits: 1, palette: [COLORS[0], COLORS[3]], pixel: direct([0, 1, 1, 0]) });
      assert.deepEqual(await colors("picture.bmp", bytes), [RED, WHITE, WHITE, RED]);
    });

    it("can have clear pixels", async () => {
      const masks = [0xff0000, 0xff00, 0xff, 0xff000000];
      const pixel = direct([0xffff0000, 0x00000000, 0x800000ff, 0xffffffff]);
      const actual = await colors("picture.bmp", bitmap({ bits: 32, header: 124, masks, pixel }));
      assert.deepEqual([actual[0], actual[1]?.[3], actual[2], actual[3]], [RED, 0, [0, 0, 255, 128], WHITE]);
    });

    it("are unpacked", async () => {
      const eight = [
        ...Array.from({ length: 7 }, () => [10, 2, 0, 11, ...Array(11).fill(3), 0, 0, 0]),
        ...Array.from({ length: 7 }, () => [10, 0, 11, 1, 0, 0]),
        [0, 1],
      ].flat();
      const packed = { kind: 1, data: Uint8Array.from(eight) } as const;
      assert.deepEqual(await colors("picture.bmp", bitmap({ bits: 8, palette: COLORS, packed })), [
        RED,
        GREEN,
        BLUE,
        WHITE,
      ]);
      const four = [
        ...Array.from({ length: 7 }, () => [10, 0x22, 0, 11, 0x33, 0x33, 0x33, 0x33, 0x33, 0x30, 0, 0]),
        // The rest of the picture is left out, but for one row.
        [0, 2, 0, 6, 10, 0x00, 11, 0x11, 0, 1],
      ].flat();
      const half = { kind: 2, data: Uint8Array.from(four) } as const;
      const actual = await colors("picture.bmp", bitmap({ bits: 4, palette: COLORS, packed: half }));
      assert.deepEqual(actual.slice(2), [BLUE, WHITE]);
      assert.deepEqual(actual[0], RED);
    });

    it("are read with 2 bits a pixel", async () => {
      for (const header of [16, 40, 64] as const) {
        const bytes = bitmap({ bits: 2, palette: COLORS, header });
        assert.deepEqual(await colors("picture.bmp", bytes), [RED, GREEN, BLUE, WHITE], `${header}`);
      }
    });

    it("are read with headers of OS/2, and in arrays of it", async () => {
      for (const header of [16, 64] as const) {
        const bytes = bitmap({ bits: 8, palette: COLORS, header });
        assert.deepEqual(await colors("picture.bmp", bytes), [RED, GREEN, BLUE, WHITE], `${header}`);
      }
      const array = Buffer.alloc(14);
      array.write("BA");
      const inner = bitmap({ bits: 24, pixel: direct(RGB) });
      // Places count from the beginning of the file.
      inner.writeUInt32LE(inner.readUInt32LE(10) + 14, 10);
      assert.deepEqual(await colors("picture.bmp", Buffer.concat([array, inner])), [RED, GREEN, BLUE, WHITE]);
    });

    it("are read with 64 bits a pixel, in linear light", async () => {
      const data = Buffer.alloc(SIZE.width * SIZE.height * 8);
      const channels = [
        // Blue, green, red, alpha: 8192 is all of it, what is beyond is cut.
        [0, 0, 8192, 8192],
        [0, 1755, 0, 8192],
        [16384, -8192, 0, 4096],
        [8192, 8192, 8192, 0],
      ];
      const at = quarters(SIZE.width, SIZE.height, [0, 1, 2, 3]);
      for (let y = 0; y < SIZE.height; y++) {
        for (let x = 0; x < SIZE.width; x++) {
          const start = ((SIZE.height - 1 - y) * SIZE.width + x) * 8;
          for (const [channel, value] of (channels[at(x, y)] as number[]).entries()) {
            data.writeInt16LE(value, start + channel * 2);
          }
        }
      }
      const actual = await colors("picture.bmp", bitmap({ bits: 64, packed: { kind: 0, data } }));
      assert.deepEqual(actual.slice(0, 3), [RED, [0, 128, 0, 255], [0, 0, 255, 128]]);
      assert.equal(actual[3]?.[3], 0);
    });

    it("are unpacked with 24 bits a pixel", async () => {
      const [red, green, blue, white] = [
        [0, 0, 255],
        [0, 255, 0],
        [255, 0, 0],
        [255, 255, 255],
      ] as const;
      const rows = [
        ...Array.from({ length: 7 }, () => [10, ...blue, 0, 11, ...Array(11).fill(white).flat(), 0, 0, 0]),
        ...Array.from({ length: 5 }, () => [10, ...red, 11, ...green, 0, 0]),
        ...Array.from({ length: 2 }, () => [0, 2, 10, 0, 11, ...green, 0, 0]),
      ].flat();
      const packed = { kind: 4, data: Uint8Array.from(rows) };
      const actual = await colors("picture.bmp", bitmap({ bits: 24, header: 64, packed }));
      // What is left out is black.
      assert.deepEqual(actual, [[...BLACK], GREEN, BLUE, WHITE]);
    });

    it("are unpacked by T.4", async () => {
      const EOL = "000000000001";
      // 10 and 11 pixels of the one and of the other colour, first the one with index 0.
      const runs = { top: `${"00111"}${"0000101"}`, bottom: `${"00110101"}${"0000100"}${"01000"}` };
      const bits = [
        ...Array.from({ length: 7 }, () => EOL + runs.bottom),
        ...Array.from({ length: 7 }, () => EOL + runs.top),
        EOL.repeat(6),
      ].join("");
      const data = Uint8Array.from(bits.match(/.{1,8}/g) ?? [], (byte) =>
        Number.parseInt(byte.padEnd(8, "0"), 2),
      );
      const bytes = bitmap({
        bits: 1,
        header: 64,
        palette: [COLORS[0], COLORS[2]],
        packed: { kind: 3, data },
      });
      assert.deepEqual(await colors("picture.bmp", bytes), [RED, BLUE, BLUE, RED]);
    });

    it("are read as the PNG or JPEG in them", async () => {
      const png = makePng(SIZE.width, SIZE.height, (x, y) => {
        const [red = 0, green = 0, blue = 0] =
          COLORS[quarters(SIZE.width, SIZE.height, [0, 1, 2, 3])(x, y)] ?? [];
        return [red, green, blue, 255];
      });
      const embedding = (kind: number, data: Uint8Array) => bitmap({ bits: 0, packed: { kind, data } });
      assert.deepEqual(await colors("picture.bmp", embedding(5, png)), [RED, GREEN, BLUE, WHITE]);
      const jpeg = await sharp(png).flatten().jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer();
      const actual = await colors("picture.bmp", embedding(4, jpeg));
      for (const [at, color] of [RED, GREEN, BLUE, WHITE].entries()) {
        assert(
          color.every((value, channel) => Math.abs(value - (actual[at]?.[channel] ?? -99)) < 8),
          `${actual[at]}`,
        );
      }
      // Nothing else, and nothing of another size.
      assert.deepEqual(await refusal("broken.bmp", embedding(4, png)), [404, "UNIDENTIFIED"]);
      const other = makePng(9, 9, () => [0, 0, 0, 255]);
      assert.deepEqual(await refusal("broken.bmp", embedding(5, other)), [404, "UNIDENTIFIED"]);
      assert.deepEqual(await refusal("broken.bmp", embedding(5, Buffer.from("<svg/>"))), [
        404,
        "UNIDENTIFIED",
      ]);
    });

    it("are delivered as the client accepts it", async () => {
      files.set("picture.bmp", bitmap({ bits: 24, pixel: direct(RGB) }));
      const { headers } = await server.ask("/picture.bmp", { headers: { accept: "image/webp" } });
      assert.equal(headers["content-type"], "image/webp");
      assert.equal((await server.ask("/picture.bmp")).headers["content-type"], "image/jpeg");
    });

    it("are broken if pixels are missing, or start outside the file", async () => {
      const whole = bitmap({ bits: 24, pixel: direct(RGB) });
      assert.deepEqual(await refusal("broken.bmp", whole.subarray(0, 200)), [404, "UNIDENTIFIED"]);
      const astray = Buffer.from(whole);
      astray.writeUInt32LE(0x7fffffff, 10);
      assert.deepEqual(await refusal("broken.bmp", astray), [404, "UNIDENTIFIED"]);
      const huge = Buffer.from(whole);
      huge.writeInt32LE(60_000, 18);
      huge.writeInt32LE(60_000, 22);
      assert.deepEqual(await refusal("broken.bmp", huge), [400, "ELIMIT"]);
    });
  });

  describe("icons", () => {
    const side = { width: 20, height: 20 };
    const indexed: Bitmap = {
      ...side,
      bits: 4,
      palette: COLORS,
      pixel: quarters(20, 20, [0, 1, 2, 3]),
      clear: (x, y) => x > 10 && y < 10,
    };

    it("are delivered unchanged if no picture is requested", async () => {
      const bytes = makeIco([indexed]);
      files.set("favicon.ico", bytes);
      const { body, headers } = await server.ask("/favicon.ico", { headers: { accept: "image/webp" } });
      assert(body.equals(bytes));
      assert.match(headers["content-type"] ?? "", /icon/);
    });

    it("are clear as their mask specifies", async () => {
      const actual = await colors("favicon.ico", makeIco([indexed]));
      assert.deepEqual([actual[0], actual[1]?.[3], actual[2], actual[3]], [RED, 0, BLUE, WHITE]);
    });

    it("take transparency from their pixels if any is set, else from the mask", async () => {
      const speaking = quarters(20, 20, [0xffff0000, 0x8000ff00, 0x000000ff, 0xffffffff]);
      const loud = await colors(
        "favicon.ico",
        makeIco([{ ...indexed, bits: 32, palette: [], pixel: speaking }]),
      );
      assert.deepEqual([loud[0], loud[1], loud[2]?.[3], loud[3]], [RED, [0, 255, 0, 128], 0, WHITE]);
      const mute = makeIco([{ ...indexed, bits: 32, palette: [], pixel: quarters(20, 20, RGB) }]);
      const actual = await colors("favicon.ico", mute);
      assert.deepEqual([actual[0], actual[1]?.[3], actual[2]], [RED, 0, BLUE]);
    });

    it("return the largest picture, in the most colours; others by page", async () => {
      const grey: Bitmap = {
        ...indexed,
        bits: 1,
        palette: [[0, 0, 0], COLORS[3]],
        pixel: () => 1,
        clear: () => false,
      };
      files.set(
        "many.ico",
        makeIco([{ ...grey, width: 8, height: 8 }, grey, indexed, makePng(9, 9, () => [4, 5, 6, 255])]),
      );
      const sizes = [];
      for (const page of [1, 2, 3, 4]) {
        const { width, at } = readPng((await server.ask(`/tr:pg-${page},f-png/many.ico`)).body);
        sizes.push([width, ...at(1, 1).slice(0, 3)]);
      }
      assert.deepEqual(sizes, [
        [20, 255, 0, 0],
        [20, 255, 255, 255],
        [9, 4, 5, 6],
        [8, 255, 255, 255],
      ]);
    });

    it("are refused when a picture in them is too large", async () => {
      const bomb = makePng(10, 10, () => [0, 0, 0, 255]);
      bomb.writeUInt32BE(50_000, 16);
      bomb.writeUInt32BE(50_000, 20);
      assert.deepEqual(await refusal("bomb.ico", makeIco([bomb])), [400, "ELIMIT"]);
    });

    it("are broken if no picture can be read", async () => {
      const bytes = makeIco([indexed]);
      assert.deepEqual(await refusal("broken.ico", bytes.subarray(0, 100)), [404, "UNIDENTIFIED"]);
      const noise = Buffer.from(bytes).fill(0x77, 22);
      assert.deepEqual(await refusal("broken.ico", noise), [404, "UNIDENTIFIED"]);
    });
  });

  it("recognizes no other format", async () => {
    for (const text of ["BM, a text", "BMW 3.0", "\0\0\x01\0\0\0", "\0\x01\0\0\0\x0a\0\x80"]) {
      files.set("other.bin", Buffer.from(text.padEnd(60, "-"), "latin1"));
      const { body } = await server.ask("/tr:w-9/other.bin");
      assert.equal(body.toString("latin1"), text.padEnd(60, "-"));
    }
  });
});
