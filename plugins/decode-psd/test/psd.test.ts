import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LimitName } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import {
  makeFolder,
  memoryStorage,
  readPng,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import sharp from "sharp";
import { decodePsd } from "../src/index.ts";
import { makePsd, type Psd, quarters } from "./psd.ts";

const SIZE = { width: 40, height: 30 };
const RED = [255, 0, 0, 255];
const GREEN = [0, 255, 0, 255];
const BLUE = [0, 0, 255, 255];
const WHITE = [255, 255, 255, 255];
const rgb: Psd = { ...SIZE, mode: 3, samples: quarters(SIZE.width, SIZE.height) };
const plain = (...values: number[]) => values.map((value) => () => value);

describe("decode-psd", () => {
  const files = new Map<string, Uint8Array>();
  let server: TestServer;

  const start = (limits: Partial<Record<LimitName, number>> = {}) =>
    startServer({
      plugins: [urlImagekit(), memoryStorage(files), imageSharp(), decodePsd()],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
      limits,
    });

  before(async () => {
    server = await start();
  });
  after(() => server?.close());

  async function colors(psd: Psd) {
    files.set("picture.psd", makePsd(psd));
    const response = await server.ask("/tr:f-png/picture.psd");
    assert.equal(response.status, 200, response.text);
    const { width, height, at } = readPng(response.body);
    return [at(2, 2), at(width - 3, 2), at(2, height - 3), at(width - 3, height - 3)];
  }

  function assertNear(actual: readonly number[] | undefined, expected: readonly number[], tolerance = 2) {
    const far = expected.some((value, at) => Math.abs(value - (actual?.[at] ?? -99)) > tolerance);
    assert(!far, `expected ${expected} but found ${actual}`);
  }

  async function refusal(path: string, target = server) {
    const { status, headers } = await target.ask(path);
    return [status, headers["ik-error"]];
  }

  it("is delivered unchanged if no picture is requested", async () => {
    files.set("picture.psd", makePsd(rgb));
    const { body, headers } = await server.ask("/picture.psd", { headers: { accept: "image/webp" } });
    assert(body.equals(makePsd(rgb)));
    assert.equal(headers["content-type"], "image/vnd.adobe.photoshop");
    const thumbnail = await server.ask("/picture.psd/ik-thumbnail.jpg?tr=w-20");
    assert.equal(thumbnail.headers["content-type"], "image/jpeg");
    assert.equal((await sharp(thumbnail.body).metadata()).width, 20);
  });

  for (const compression of ["raw", "rle", "zip", "predicted"] as const) {
    for (const depth of [8, 16, 32] as const) {
      it(`is read from ${compression} channels of ${depth} bits`, async () => {
        assert.deepEqual(await colors({ ...rgb, compression, depth }), [RED, GREEN, BLUE, WHITE]);
      });
    }
  }

  it("may be large, by its other form", async () => {
    assert.deepEqual(await colors({ ...rgb, large: true, layers: 2, padding: 99 }), [
      RED,
      GREEN,
      BLUE,
      WHITE,
    ]);
  });

  it("has linear values with 32 bits a channel", async () => {
    assertNear(
      (await colors({ ...rgb, depth: 32, samples: plain(0.2159, 0.5, 2) }))[0],
      [128, 188, 255, 255],
    );
  });

  it("may be grey, duotone, or black and white", async () => {
    for (const mode of [1, 8])
      assertNear((await colors({ ...rgb, mode, samples: plain(0.4) }))[0], [102, 102, 102, 255]);
    const actual = await colors({ ...rgb, mode: 0, depth: 1, samples: [(x) => (x < 20 ? 1 : 0)] });
    assert.deepEqual(actual.slice(0, 2), [[0, 0, 0, 255], WHITE]);
  });

  it("may have a palette, with a colour that is clear", async () => {
    const palette = new Uint8Array(768);
    for (const [at, [red, green, blue]] of [RED, GREEN, BLUE, WHITE].entries()) {
      palette[at] = red as number;
      palette[256 + at] = green as number;
      palette[512 + at] = blue as number;
    }
    const index = (x: number, y: number) => ((y < 15 ? 0 : 2) + (x < 20 ? 0 : 1)) / 255;
    const indexed: Psd = { ...rgb, mode: 2, colors: palette, samples: [index] };
    assert.deepEqual(await colors(indexed), [RED, GREEN, BLUE, WHITE]);
    const clear = await colors({ ...indexed, resources: [[1047, Uint8Array.from([0, 2])]] });
    assert.deepEqual([clear[1], clear[2]?.[3]], [GREEN, 0]);
  });

  it("may be CMYK: white is white, and full black is dark", async () => {
    const [white] = await colors({ ...rgb, mode: 4, samples: plain(1, 1, 1, 1) });
    assertNear(white, WHITE, 3);
    const [black] = await colors({ ...rgb, mode: 4, samples: plain(1, 1, 1, 0) });
    assert(
      (black ?? []).slice(0, 3).every((value) => value < 60),
      `${black}`,
    );
    const [yellow] = await colors({ ...rgb, mode: 4, samples: plain(1, 1, 0, 1) });
    assert((yellow?.[0] ?? 0) > 220 && (yellow?.[2] ?? 255) < 80, `${yellow}`);
  });

  it("may be Lab", async () => {
    // CIELAB 53.24, 80.09, 67.20 under D65 is red; under D50 about 54.29, 80.8, 69.9 (CSS Color 4, §9).
    const red = plain(54.29 / 100, (80.8 + 128) / 255, (69.9 + 128) / 255);
    assertNear((await colors({ ...rgb, mode: 9, samples: red }))[0], RED, 12);
    assertNear((await colors({ ...rgb, mode: 9, samples: plain(1, 128 / 255, 128 / 255) }))[0], WHITE, 3);
  });

  it("has its colours converted from its profile", async () => {
    const tagged = await sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } })
      .withIccProfile("p3")
      .png()
      .toBuffer();
    const { icc } = await sharp(tagged).metadata();
    assert(icc);
    const numbers = plain(234 / 255, 51 / 255, 35 / 255);
    assertNear((await colors({ ...rgb, samples: numbers, resources: [[1039, icc]] }))[0], RED, 6);
    assertNear((await colors({ ...rgb, samples: numbers }))[0], [234, 51, 35, 255]);
  });

  it("is clear where its layers are, without the white of Photoshop below", async () => {
    // Red at half: on white it is 255, 128, 128.
    const half = plain(1, 128 / 255, 128 / 255, 127 / 255);
    for (const more of [
      { layers: -1 },
      { layers: -1, block: "Lr16" },
      { layers: 1, block: "Mt16" },
    ] as const) {
      assertNear((await colors({ ...rgb, samples: half, ...more }))[0], [255, 1, 1, 127]);
    }
    assertNear(
      (await colors({ ...rgb, samples: plain(1, 1, 1, 0), layers: -1 }))[0],
      [255, 255, 255, 0].slice(3),
      255,
    );
    const [mask] = await colors({ ...rgb, samples: half, layers: 1 });
    assertNear(mask, [255, 128, 128, 255]);
  });

  it("is never rendered from its layers", async () => {
    files.set("layers.psd", makePsd({ ...rgb, layers: 3, padding: 50 }));
    assert.deepEqual(await refusal("/tr:pg-2/layers.psd"), [
      403,
      "EUNSUPPORTED - Layers of PSD files are not supported",
    ]);
    assert.equal((await server.ask("/tr:pg-1/layers.psd")).status, 200);
    assert.deepEqual(await refusal("/tr:pg-5/layers.psd"), [
      400,
      "EINVAL - Expected a page from 1 to 4 but received 5",
    ]);
    assert.equal((await server.ask('/tr:pg-name-"layer-1"/layers.psd')).status, 403);
  });

  it("fails with a clear message without a flattened picture, or with single channels", async () => {
    const info = Buffer.alloc(9);
    files.set("bare.psd", makePsd({ ...rgb, resources: [[1057, info]] }));
    assert.deepEqual(await refusal("/tr:w-9/bare.psd"), [
      403,
      "EUNSUPPORTED - The PSD was saved without a flattened image",
    ]);
    files.set("single.psd", makePsd({ ...rgb, mode: 7 }));
    assert.equal((await refusal("/tr:w-9/single.psd"))[0], 403);
  });

  it("may have layers beyond the limit for bytes: they are not read", async () => {
    const strict = await start({ imageBytes: 20_000 });
    files.set("heavy.psd", makePsd({ ...rgb, layers: 1, padding: 300_000 }));
    const { status, body } = await strict.ask("/tr:f-png/heavy.psd");
    assert.equal(status, 200);
    assert.deepEqual(readPng(body).at(2, 2), RED);
    files.set(
      "heavy.psd",
      makePsd({ ...rgb, width: 400, height: 300, samples: plain(1, 0, 0), compression: "raw" }),
    );
    assert.match(`${(await refusal("/tr:f-png/heavy.psd", strict))[1]}`, /^ELIMIT /);
    await strict.close();
  });

  it("is read from a file in place, with much in front of the picture", async () => {
    const folder: TestFolder = await makeFolder({});
    const long = new Uint8Array(200_000);
    await writeFile(
      join(folder.path, "far.psd"),
      makePsd({ ...rgb, resources: [[1060, long]], layers: 1, padding: 70_000 }),
    );
    const local = await startServer({
      plugins: [urlImagekit(), storageFs(), imageSharp(), decodePsd()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"] } },
    });
    const { status, body } = await local.ask("/tr:f-png/far.psd");
    assert.equal(status, 200);
    assert.deepEqual(readPng(body).at(37, 2), GREEN);
    await local.close();
    await folder.close();
  });

  it("is refused by the size in its header", async () => {
    const file = makePsd(rgb);
    file.writeUInt32BE(30_000, 14);
    file.writeUInt32BE(30_000, 18);
    files.set("bomb.psd", file);
    assert.match(`${(await refusal("/tr:w-9/bomb.psd"))[1]}`, /^ELIMIT /);
    // One row that is packed into nothing, many times.
    const zip = makePsd({ ...rgb, compression: "zip" });
    zip.writeUInt32BE(3, 14);
    files.set("short.psd", zip);
    assert.deepEqual(await refusal("/tr:w-9/short.psd"), [
      400,
      "UNIDENTIFIED - The source is not a readable PSD",
    ]);
  });

  it("is reported as broken", async () => {
    const file = makePsd(rgb);
    for (const [name, at, value] of [
      ["mode", 25, 77],
      ["depth", 23, 9],
      ["channels", 13, 1],
      ["compression", file.length, 0],
    ] as const) {
      const changed = Buffer.from(name === "compression" ? file.subarray(0, 45) : file);
      if (at < file.length) changed[at] = value;
      files.set("broken.psd", changed);
      assert.deepEqual(
        await refusal("/tr:w-9/broken.psd"),
        [400, "UNIDENTIFIED - The source is not a readable PSD"],
        name,
      );
    }
  });
});
