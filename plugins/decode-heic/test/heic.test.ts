import assert from "node:assert/strict";
import type { LimitName, MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { info } from "@mediatap/info";
import { type Answer, makePng, memoryStorage, readPng, startServer, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import sharp from "sharp";
import { decodeHeic } from "../src/index.ts";
import { isHeif } from "../src/sniff.ts";
import { BLUE, GREEN, heic, RED, SIZE, WHITE } from "./fixtures.ts";

const AVIF = { accept: "image/avif,image/webp,image/*,*/*;q=0.8" };
const WEBP = { accept: "image/webp,*/*" };

describe("decode-heic", () => {
  const files = new Map<string, Uint8Array>();
  let server: TestServer;

  const start = (limits: Partial<Record<LimitName, number>> = {}, more: MediatapConfig = {}) =>
    startServer({
      plugins: [urlImagekit(), memoryStorage(files), imageSharp(), decodeHeic(), info()],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"], autoAvif: true } },
      limits,
      ...more,
    });

  before(async () => {
    for (const name of ["quarters", "alpha", "turned", "mirrored", "p3", "p3nclx", "tiles", "ten"]) {
      files.set(`${name}.heic`, await heic(name));
    }
    server = await start();
  });
  after(() => server?.close());

  const typeOf = ({ headers }: Answer) => headers["content-type"];

  async function colors(path: string, size = SIZE) {
    const response = await server.ask(path);
    assert.equal(response.status, 200, response.text.slice(0, 200));
    const { width, height, at } = readPng(response.body);
    assert.deepEqual({ width, height }, size);
    const [x, y] = [width / 4, height / 4];
    return [at(x, y), at(3 * x, y), at(x, 3 * y), at(3 * x, 3 * y)];
  }

  function assertNear(actual: readonly (readonly number[])[], expected: readonly (readonly number[])[]) {
    for (const [at, color] of expected.entries()) {
      const far = color.some((value, channel) => Math.abs(value - (actual[at]?.[channel] ?? -99)) > 8);
      assert(!far, `expected ${expected.join(" / ")} but found ${actual.join(" / ")}`);
    }
  }

  it("is described with its colour profile, and with the EXIF of phones", async () => {
    const described = async (name: string) =>
      JSON.parse((await server.ask(`/${name}.heic/ik-info.json`)).text);
    const { type, width, colorSpace, exif } = await described("turned");
    assert.deepEqual([type, width, colorSpace, exif], ["image/heic", SIZE.height, "rgb", { Make: "test" }]);
    assert.match((await described("p3")).colorProfile, /P3/);
    assert.equal((await described("quarters")).exif, undefined);
  });

  it("is delivered as the client accepts it; AVIF only if it is requested by name", async () => {
    assert.equal(typeOf(await server.ask("/quarters.heic", { headers: AVIF })), "image/webp");
    assert.equal(typeOf(await server.ask("/quarters.heic", { headers: WEBP })), "image/webp");
    assert.equal(typeOf(await server.ask("/quarters.heic")), "image/jpeg");
    assert.equal(typeOf(await server.ask("/alpha.heic")), "image/png");
    assert.equal(typeOf(await server.ask("/tr:w-50,f-orig/quarters.heic", { headers: WEBP })), "image/jpeg");
    const avif = await server.ask("/tr:f-avif/quarters.heic");
    assert.equal(typeOf(avif), "image/avif");
    assert.equal((await sharp(avif.body).metadata()).width, SIZE.width);
  });

  it("is delivered as JPEG if the client does not choose formats", async () => {
    const plain = await start({}, { endpoints: { default: { origins: ["files"], autoFormat: false } } });
    assert.equal(typeOf(await plain.ask("/quarters.heic", { headers: WEBP })), "image/jpeg");
    await plain.close();
  });

  it("is returned by orig-true", async () => {
    const response = await server.ask("/tr:orig-true/quarters.heic");
    assert(response.body.equals(await heic("quarters")));
    assert.equal(typeOf(response), "image/heic");
  });

  it("is turned once, although EXIF repeats the orientation", async () => {
    const upright = { width: 96, height: 128 };
    assertNear(await colors("/tr:f-png/turned.heic", upright), [BLUE, RED, WHITE, GREEN]);
    const { headers, body } = await server.ask("/tr:w-48,md-true/turned.heic");
    const { width, height, orientation } = await sharp(body).metadata();
    assert.equal(headers["content-type"], "image/jpeg");
    assert.deepEqual([width, height, orientation ?? 1], [48, 64, 1]);
  });

  it("is mirrored as the file specifies", async () => {
    assertNear(await colors("/tr:f-png/mirrored.heic"), [GREEN, RED, WHITE, BLUE]);
  });

  it("has its colours converted from its embedded profile", async () => {
    // The file's own numbers for this red are about 234, 51, 35.
    assertNear(await colors("/tr:f-png/p3.heic"), [RED, GREEN, BLUE, WHITE]);
  });

  it("has its colours converted from primaries that are named by number", async () => {
    const actual = (await colors("/tr:f-png/p3nclx.heic", { width: 64, height: 64 }))[0];
    // 200, 100, 50 under Display P3, in sRGB (CSS Color 4, §10).
    assertNear([actual as number[]], [[213, 96, 34, 255]]);
  });

  it("keeps its profile if the URL requests it", async () => {
    const { body } = await server.ask("/tr:w-32,f-png,cp-true/p3.heic");
    const { icc, width } = await sharp(body).metadata();
    assert.equal(width, 32);
    assert(icc, "a profile is attached");
    const [red] = await sharp(body).toColourspace("srgb").raw().toBuffer();
    assert(red !== undefined && red > 240);
  });

  it("may have ten bits a channel", async () => {
    const [actual] = await colors("/tr:f-png/ten.heic", { width: 64, height: 64 });
    assertNear([actual as number[]], [[200, 100, 50, 255]]);
  });

  it("can be a layer", async () => {
    files.set(
      "base.png",
      makePng(128, 96, () => [0, 0, 0, 255]),
    );
    const layer = "l-image,i-turned.heic,w-64,h-48,c-force,lx-0,ly-0,l-end";
    const { at } = readPng((await server.ask(`/tr:f-png,${layer}/base.png`)).body);
    assertNear([at(8, 8), at(56, 8), at(100, 80)], [BLUE, RED, [0, 0, 0, 255]]);
  });

  it("is refused by the size in its header, before anything is decoded", async () => {
    files.set("bomb.heic", withSize(await heic("quarters"), 30_000, 30_000));
    const { status, headers } = await server.ask("/tr:w-100/bomb.heic");
    assert.equal(status, 400);
    assert.match(headers["ik-error"] ?? "", /^ELIMIT /);
  });

  it("is refused if its content is larger than its header states", async () => {
    files.set("lie.heic", withSize(await heic("quarters"), 16, 16));
    const strict = await start({ megapixels: 0.001 });
    for (const target of [server, strict]) {
      const { status, headers } = await target.ask("/tr:w-10/lie.heic");
      assert(status >= 400 && status < 500, `${status}`);
      assert.match(headers["ik-error"] ?? "", /^(?:UNIDENTIFIED|ELIMIT) /);
    }
    await strict.close();
  });

  it("is reported as broken, in a message that names nothing of the server", async () => {
    const noise = Buffer.from(await heic("quarters"));
    noise.fill(0x55, 40);
    files.set("noise.heic", noise);
    const { status, headers, text } = await server.ask("/tr:w-10/noise.heic");
    assert.equal(status, 404);
    assert.equal(headers["ik-error"], "UNIDENTIFIED - The source is not a readable HEIF file");
    assert.doesNotMatch(text, /\/|node_modules|wasm/);
  });

  it("is distinguished from AVIF by the brands", () => {
    const file = (...brands: string[]) => {
      const head = Buffer.alloc(8 + 4 * (brands.length + 1));
      head.writeUInt32BE(head.length, 0);
      head.write("ftyp", 4);
      for (const [at, brand] of [brands[0] as string, "\0\0\0\0", ...brands.slice(1)].entries())
        head.write(brand, 8 + at * 4, "latin1");
      return Buffer.concat([head, Buffer.alloc(16)]);
    };
    assert(isHeif(file("heic", "mif1")));
    assert(isHeif(file("mif1", "heic")));
    assert(isHeif(file("msf1", "hevc")));
    assert(!isHeif(file("mif1", "avif")));
    assert(!isHeif(file("avif", "mif1")));
    assert(!isHeif(file("isom", "mp42")));
    assert(!isHeif(Buffer.from("ftyp")));
  });
});

/** The file with another size in its `ispe` property (ISO/IEC 23008-12 §6.5.3). */
function withSize(file: Buffer, width: number, height: number): Buffer {
  const changed = Buffer.from(file);
  const at = changed.indexOf("ispe");
  changed.writeUInt32BE(width, at + 8);
  changed.writeUInt32BE(height, at + 12);
  return changed;
}
