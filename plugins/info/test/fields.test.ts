import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheMemory } from "@mediatap/cache-memory";
import { MediaError, type Plugin } from "@mediatap/core";
import { focusFaces } from "@mediatap/focus-faces";
import { imageSharp } from "@mediatap/image-sharp";
import { makePng, memoryStorage, readPng, startServer, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { decode, encode } from "blurhash";
import sharp from "sharp";
import { rgbaToThumbHash, thumbHashToRGBA } from "thumbhash";
import { info } from "../src/index.ts";

const FACE = join(import.meta.dirname, "../../focus-faces/test/face.jpg");

type Paint = (x: number, y: number) => readonly [red: number, green: number, blue: number, alpha: number];

/** Colours that differ in every pixel, and a side that fades. */
const painted: Paint = (x, y) => [x * 8, y * 10, 255 - x * 4 - y * 4, x < 16 ? 255 : 240 - x * 4];
const opaque: Paint = (x, y) => [...(painted(x, y).slice(0, 3) as [number, number, number]), 255];
const SIZE = { width: 30, height: 24 };

const pixelsOf = (paint: Paint, { width, height } = SIZE) =>
  Uint8ClampedArray.from(
    Array.from({ length: width * height }, (_, at) => paint(at % width, Math.floor(at / width))).flat(),
  );

const plain = (width: number, height: number, background = "#336699") =>
  sharp({ create: { width, height, channels: 3, background } });

const EXIF = {
  IFD0: { Make: "Canon", Model: "EOS R5", Artist: "Somebody", Software: "1.8.1" },
  IFD2: {
    ExposureTime: "1/200",
    FNumber: "28/10",
    ISOSpeedRatings: "100",
    DateTimeOriginal: "2024:03:05 10:00:00",
    OffsetTimeOriginal: "+01:00",
    ExposureBiasValue: "-2/3",
    FocalLength: "50/1",
    LensModel: "RF 50mm F1.2",
    BodySerialNumber: "012345678901",
    CameraOwnerName: "Somebody",
  },
  IFD3: {
    GPSLatitudeRef: "S",
    GPSLatitude: "33/1 51/1 2460/100",
    GPSLongitudeRef: "E",
    GPSLongitude: "151/1 12/1 5400/100",
    GPSAltitudeRef: "0",
    GPSAltitude: "355/10",
  },
};

describe("fields of a description", () => {
  const files = new Map<string, Uint8Array>();
  let server: TestServer;
  let faceless: TestServer;

  const start = (...more: Plugin[]) =>
    startServer({
      plugins: [urlImagekit(), memoryStorage(files), imageSharp(), info(), cacheMemory(), ...more],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] }, places: { origins: ["files"], infoGps: true } },
      server: { explain: true },
    });
  before(async () => {
    server = await start(focusFaces({ timeout: 50_000 }));
    faceless = await start();
  });
  after(async () => {
    await Promise.all([server?.close(), faceless?.close()]);
  });

  const ask = (name: string, fields?: string, from = server) =>
    from.ask(`/${name}/ik-info.json${fields === undefined ? "" : `?fields=${fields}`}`);

  /** The description of a file. */
  async function described(name: string, bytes: Uint8Array, fields?: string, from = server) {
    files.set(name, bytes);
    const { status, text } = await ask(name, fields, from);
    assert.equal(status, 200, text);
    return JSON.parse(text);
  }

  it("of the header are those of images as clients see them", async () => {
    const turned = await plain(40, 30).withMetadata({ orientation: 6, density: 300 }).jpeg().toBuffer();
    const { type, width, height, orientation, density } = await described("turned.jpg", turned);
    assert.deepEqual([type, width, height, orientation, density], ["image/jpeg", 30, 40, 6, 300]);
    const frames = await sharp(
      [0, 1, 2].map((at) => makePng(8, 6, () => [at * 90, 0, 0, 255])),
      {
        join: { animated: true },
      },
    )
      .gif()
      .toBuffer();
    const animation = await described("animation", frames);
    assert.deepEqual([animation.type, animation.frames, animation.height], ["image/gif", 3, 6]);
    const clear = await described("clear.jpg", makePng(30, 24, painted));
    assert.deepEqual([clear.type, clear.format, clear.alpha], ["image/png", "png", true], "by content");
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"/>';
    const drawing = await described("drawing.svg", Buffer.from(svg));
    assert.deepEqual([drawing.type, drawing.width, drawing.colorSpace], ["image/svg+xml", 40, undefined]);
  });

  it("contain colour spaces and profiles", async () => {
    const cmyk = await plain(8, 8).toColourspace("cmyk").jpeg().toBuffer();
    assert.equal((await described("cmyk.jpg", cmyk)).colorSpace, "cmyk");
    const gray = await plain(8, 8).toColourspace("b-w").png().toBuffer();
    assert.equal((await described("gray.png", gray)).colorSpace, "gray");
    const p3 = await described("p3.jpg", await plain(8, 8).withIccProfile("p3").jpeg().toBuffer());
    assert.deepEqual([p3.colorSpace, p3.colorProfile], ["rgb", "sP3C"]);
  });

  it("estimate the quality of a JPEG by its tables, whatever comes before them, and of nothing else", async () => {
    const image = sharp(makePng(30, 24, opaque));
    for (const encoder of [{}, { mozjpeg: true }, { quantisationTable: 2 }, { progressive: true }]) {
      for (const quality of [5, 30, 50, 75, 90, 97, 100]) {
        const jpeg = image
          .clone()
          .withExif(EXIF)
          .withIccProfile("p3")
          .jpeg({ quality, ...encoder });
        const actual = await described(`q${quality}.jpg`, await jpeg.toBuffer(), "quality");
        const what = `${JSON.stringify(encoder)} ${quality}: ${JSON.stringify(actual)}`;
        assert.ok(Math.abs(actual.quality - quality) <= 2, what);
      }
    }
    for (const format of ["png", "webp", "gif", "tiff", "avif"] as const) {
      const bytes = await image.clone().toFormat(format).toBuffer();
      assert.deepEqual(await described(`quality.${format}`, bytes, "quality"), {}, format);
    }
    const gray = await image.clone().toColourspace("b-w").jpeg({ quality: 60 }).toBuffer();
    assert.ok(Math.abs((await described("gray.jpg", gray, "quality")).quality - 60) <= 2);
  });

  it("contain camera and exposure, and neither persons, serial numbers nor positions", async () => {
    const photo = await plain(40, 30).withExif(EXIF).jpeg().toBuffer();
    const { exif, ...others } = await described("exif.jpg", photo);
    assert.deepEqual(exif, {
      Make: "Canon",
      Model: "EOS R5",
      Software: "1.8.1",
      ExposureTime: 0.005,
      FNumber: 2.8,
      ISO: 100,
      DateTimeOriginal: "2024:03:05 10:00:00",
      OffsetTimeOriginal: "+01:00",
      ExposureBiasValue: -0.666667,
      FocalLength: 50,
      LensModel: "RF 50mm F1.2",
    });
    assert.equal(others.gps, undefined);
  });

  it("contain the position only if the endpoint allows it, also from a cache", async () => {
    files.set("place.jpg", await plain(40, 30).withExif(EXIF).jpeg().toBuffer());
    const open = await server.ask("/places/place.jpg/ik-info.json?fields=gps");
    assert.deepEqual(JSON.parse(open.text), {
      gps: { latitude: -33.8568333, longitude: 151.215, altitude: 35.5 },
    });
    const all = await server.ask("/places/place.jpg/ik-info.json");
    assert.doesNotMatch(all.text, /gps/i, "not unless it is named");
    for (let round = 0; round < 2; round++) {
      const { status, headers } = await ask("place.jpg", "width,gps");
      assert.deepEqual([status, headers["ik-error"]?.split(" ")[0]], [403, "EFORBIDDEN"]);
    }
  });

  it("contain the colours that cover most of an image, with their shares", async () => {
    const stripes: Paint = (x) =>
      x < 50 ? [200, 30, 40, 255] : x < 80 ? [20, 40, 200, 255] : [240, 240, 230, 255];
    assert.deepEqual((await described("stripes.png", makePng(100, 20, stripes), "colors")).colors, [
      { color: "#c81e28", share: 0.5 },
      { color: "#1428c8", share: 0.3 },
      { color: "#f0f0e6", share: 0.2 },
    ]);
    const noisy: Paint = (x, y) => [100 + ((x * 7 + y * 3) % 5), 150, 60 + ((x + y) % 3), x < 30 ? 255 : 0];
    const [first, ...others] = (await described("noisy.png", makePng(60, 20, noisy), "colors")).colors;
    assert.deepEqual([first, others], [{ color: "#66963d", share: 1 }, []], "clear pixels count for nothing");
    const clear = makePng(4, 4, () => [9, 9, 9, 0]);
    assert.deepEqual((await described("clear.png", clear, "colors")).colors, []);
  });

  for (const [what, paint, expected] of [
    ["opaque", opaque, "3wYGZphxd3eAeHh4iHiHeIh3cIEH94g="],
    ["clear", painted, "X+aFTJQsYndgiHd4BwZ2YZ/4ZoiHeIiHBw=="],
  ] as const) {
    it(`contain the ThumbHash of an image that is ${what}, and its image`, async () => {
      const { thumbHash } = await described(
        `${what}.png`,
        makePng(SIZE.width, SIZE.height, paint),
        "thumbHash",
      );
      const hash = rgbaToThumbHash(SIZE.width, SIZE.height, pixelsOf(paint));
      assert.equal(thumbHash.hash, Buffer.from(hash).toString("base64"));
      assert.equal(thumbHash.hash, expected);
      assertShows(thumbHash.url, thumbHashToRGBA(hash));
    });
  }

  it("contain the BlurHash, and its image", async () => {
    const { blurHash } = await described("blur.png", makePng(SIZE.width, SIZE.height, opaque), "blurHash");
    assert.equal(blurHash.hash, encode(pixelsOf(opaque), SIZE.width, SIZE.height, 4, 3));
    assert.equal(blurHash.hash, "LeF~dp2z$9XAqXWHjue?gffkfQfk");
    const rgba = decode(blurHash.hash, SIZE.width, SIZE.height);
    assertShows(blurHash.url, { w: SIZE.width, h: SIZE.height, rgba });
  });

  /** A data URL is a PNG of these pixels. */
  function assertShows(url: string, { w, h, rgba }: { w: number; h: number; rgba: ArrayLike<number> }): void {
    assert.match(url, /^data:image\/png;base64,/);
    const image = readPng(Buffer.from(url.slice(url.indexOf(",") + 1), "base64"));
    assert.deepEqual([image.width, image.height], [w, h]);
    for (let at = 0; at < w * h; at++) {
      const pixel = Array.from({ length: 4 }, (_, channel) => Math.round(rgba[at * 4 + channel] as number));
      for (const [channel, value] of image.at(at % w, Math.floor(at / w)).entries()) {
        assert(
          Math.abs(value - (pixel[channel] as number)) <= 1,
          `pixel ${at}: ${value} is not ${pixel[channel]}`,
        );
      }
    }
  }

  it("contain a perceptual hash that hardly changes with size, quality and format", async () => {
    const hash = async (name: string, bytes: Uint8Array) =>
      (await described(name, bytes, "pHash")).pHash as string;
    const photo = await sharp(FACE).png().toBuffer();
    const first = await hash("hash.png", photo);
    assert.match(first, /^[0-9a-f]{16}$/);
    const distance = (other: string) =>
      (BigInt(`0x${first}`) ^ BigInt(`0x${other}`)).toString(2).replaceAll("0", "").length;
    const smaller = await hash(
      "smaller.webp",
      await sharp(photo).resize(100).webp({ quality: 30 }).toBuffer(),
    );
    assert(distance(smaller) <= 6, `${first} ${smaller}`);
    const darker = await hash(
      "darker.jpg",
      await sharp(photo).linear(0.8, 0).jpeg({ quality: 40 }).toBuffer(),
    );
    assert(distance(darker) <= 6, `${first} ${darker}`);
    const other = await hash("other.jpg", await sharp(photo).flop().rotate(90).jpeg().toBuffer());
    assert(distance(other) > 16, `${first} ${other}`);
  });

  it("contain the perceptual hash of known pixels", async () => {
    const waves: Paint = (x, y) => {
      const grey = Math.round(
        128 +
          60 * Math.cos((Math.PI * 3 * (2 * x + 1)) / 64) +
          40 * Math.cos((Math.PI * 2 * (2 * y + 1)) / 64),
      );
      return [grey, grey, grey, 255];
    };
    // The mean, and one frequency each way: bits 0, 3 and 16 of the 64.
    const { pHash } = await described("waves.png", makePng(32, 32, waves), "pHash");
    const bits = BigInt(`0x${pHash}`).toString(2).padStart(64, "0");
    assert.deepEqual([bits[0], bits[3], bits[16]], ["1", "1", "1"], pHash);
    assert.equal(
      (
        await described(
          "flat.png",
          makePng(32, 32, () => [9, 9, 9, 255]),
          "pHash",
        )
      ).pHash,
      "8000000000000000",
    );
  });

  it("contain faces, and the point between them", async () => {
    const canvas = await plain(900, 600, "#67788a")
      .composite([{ input: await readFile(FACE), left: 600, top: 100 }])
      .jpeg({ quality: 95 })
      .toBuffer();
    const { faces, focus } = await described("faces.jpg", canvas, "faces,focus");
    assert.equal(faces.length, 1);
    const [face] = faces;
    assert(face.left < 690 / 900 && face.left + face.width > 730 / 900, JSON.stringify(face));
    assert(face.top < 170 / 600 && face.top + face.height > 220 / 600, JSON.stringify(face));
    assert(Math.abs(focus.x - (face.left + face.width / 2)) < 1e-3);
    assert(Math.abs(focus.y - (face.top + face.height / 2)) < 1e-3);
  });

  it("contain the salient point if there is no face", async () => {
    const blob = { create: { width: 40, height: 40, channels: 3 as const, background: "#e02020" } };
    const image = await plain(640, 400, "#888888")
      .composite([{ input: blob, left: 500, top: 280 }])
      .png()
      .toBuffer();
    const { focus } = await described("blob.png", image, "focus", faceless);
    assert(
      Math.abs(focus.x - 520 / 640) < 0.05 && Math.abs(focus.y - 300 / 400) < 0.05,
      JSON.stringify(focus),
    );
    assert.deepEqual(
      await described(
        "even.png",
        makePng(64, 64, () => [9, 9, 9, 255]),
        "focus",
        faceless,
      ),
      {},
    );
  });

  it("that no plugin knows are refused by name", async () => {
    files.set("some.png", makePng(8, 8, opaque));
    const { status, headers } = await ask("some.png", "width,faces", faceless);
    assert.deepEqual(
      [status, headers["ik-error"]],
      [403, "EUNSUPPORTED - Not supported here: faces of files"],
    );
  });

  it("are left out if a search for faces fails, and the description is not stored", async () => {
    const failing: Plugin = {
      name: "failing",
      version: "1",
      apiVersion: 1,
      apply: ({ hooks }) =>
        hooks.inspect.for("faces").tap("failing", () => {
          throw new MediaError("EINTERNAL", "Face detection failed");
        }),
    };
    const other = await start(failing);
    try {
      files.set("some.png", makePng(8, 8, opaque));
      for (let round = 0; round < 2; round++) {
        const { status, text, headers } = await ask("some.png", "width,faces", other);
        assert.deepEqual([status, text], [200, '{"width":8}']);
        assert.match(headers["cache-status"] ?? "", /fwd=miss(?!.*stored)/);
      }
    } finally {
      await other.close();
    }
  });

  it("of pixels fail for a file that breaks off, and those of its header do not", async () => {
    const photo = await sharp(FACE).jpeg().toBuffer();
    const broken = photo.subarray(0, photo.length / 2);
    assert.equal((await described("half.jpg", broken, "width")).width, 230);
    const { status, headers } = await ask("half.jpg", "thumbHash");
    assert.deepEqual([status, headers["ik-error"]?.split(" ")[0]], [404, "UNIDENTIFIED"]);
  });

  it("have a price: that of a header, of the pixels, of a search for faces", async () => {
    files.set("large.png", await plain(3000, 2000).png({ compressionLevel: 1 }).toBuffer());
    const costs = [];
    for (const fields of ["width", "thumbHash", "thumbHash,colors,pHash", "faces"]) {
      const url = encodeURIComponent(`/large.png/ik-info.json?fields=${fields}`);
      const { plan } = JSON.parse((await server.ask(`/-/explain?url=${url}`)).text);
      assert.equal(plan.engine, "info");
      costs.push(plan.cost);
    }
    const [header = 0, pixels = 0, more, faces = 0] = costs;
    assert(header < 10 && pixels > 50 && faces > pixels + 300, String(costs));
    assert.equal(more, pixels, "the image is decoded once");
  });

  it("are the same whenever they are computed", async () => {
    const photo = await readFile(FACE);
    const fields = "colors,thumbHash,blurHash,pHash";
    const first = await described("first.jpg", photo, fields);
    assert.deepEqual(await described("second.jpg", photo, fields), first);
  });
});
