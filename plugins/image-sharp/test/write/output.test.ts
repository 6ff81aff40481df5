import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { imageSharp } from "../../src/index.ts";
import { contextOf, near, pixels, plan, quarters, RED, render, sourceOf, WHITE } from "../helpers.ts";

const half = { op: "resize", width: 32, fit: "inside", enlarge: true } as const;

/** A picture with a GPS position. */
const tagged = async (orientation = 1) =>
  (await quarters())
    .jpeg({ quality: 95, chromaSubsampling: "4:4:4" })
    .withExif({ IFD0: { Copyright: "somebody" }, IFD3: { GPSLatitude: "52/1 0/1 0/1" } })
    .withMetadata({ orientation })
    .toBuffer();

describe("image-sharp: orientation, colours and metadata", () => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    it(`shows a picture of EXIF orientation ${orientation} upright, whatever is done to it`, async () => {
      const upright = await sharp(await tagged(orientation), { autoOrient: true })
        .png()
        .toBuffer();
      const expected = await pixels(upright);
      for (const steps of [
        [],
        [
          {
            op: "extract",
            at: { from: "corner", x: 0, y: 0 },
            width: 20,
            height: 20,
            outside: "error",
            shrink: true,
          } as const,
        ],
        [
          {
            op: "resize",
            width: expected.width,
            height: expected.height,
            fit: "cover",
            enlarge: true,
          } as const,
        ],
      ]) {
        const { bytes } = await render(await tagged(orientation), { steps, output: { format: "png" } });
        assert.ok(near((await pixels(bytes)).at(5, 5), expected.at(5, 5)));
        assert.equal((await sharp(bytes).metadata()).orientation, undefined);
      }
    });
  }

  it("strips metadata and profiles", async () => {
    const { bytes } = await render(await tagged(), { output: { format: "jpeg" } });
    const meta = await sharp(bytes).metadata();
    assert.deepEqual([meta.exif, meta.icc], [undefined, undefined]);
  });

  for (const format of ["jpeg", "webp", "png", "avif"] as const) {
    it(`keeps metadata in ${format} if requested, but not the orientation that was applied`, async () => {
      for (const steps of [[half], [half, { ...half, width: 16 }]]) {
        const { bytes } = await render(await tagged(6), { steps, output: { format, metadata: "keep" } });
        const meta = await sharp(bytes).metadata();
        assert.ok(meta.exif?.includes("somebody"));
        assert.ok((meta.orientation ?? 1) === 1);
        assert.ok(meta.autoOrient.height > meta.autoOrient.width);
      }
    });
  }

  it("writes a PNG with a palette where its source has one", async () => {
    for (const palette of [true, false]) {
      const source = await (await quarters(64, 48, 0)).png({ palette }).toBuffer();
      const { bytes } = await render(source, { steps: [half], output: { format: "png" } });
      const { isPalette, hasAlpha } = await sharp(bytes).metadata();
      assert.deepEqual([isPalette, hasAlpha], [palette, true]);
      assert.equal((await pixels(bytes)).at(2, 2)[3], 0);
    }
    const few = await (await quarters()).png({ palette: true }).toBuffer();
    const { bytes } = await render(few, { steps: [half], output: { format: "png", lossless: true } });
    assert.equal((await sharp(bytes).metadata()).isPalette, false);
  });

  it("writes the density, and no other metadata with it", async () => {
    for (const format of ["jpeg", "png"] as const) {
      const { bytes } = await render(await tagged(), { output: { format, density: 300 } });
      const meta = await sharp(bytes).metadata();
      assert.equal(meta.density, 300);
      assert.ok(!Buffer.from(bytes).includes("somebody"));
    }
    await assert.rejects(plan(await tagged(), { output: { density: 2000 } }), { code: "EINVAL" });
  });

  it("converts colours to sRGB, or keeps profile and pixels", async () => {
    const p3 = await (await quarters()).withIccProfile("p3").png().toBuffer();
    const raw = await sharp(p3, { ignoreIcc: true }).raw().toBuffer();
    const converted = await render(p3, { output: { format: "png" } });
    assert.equal((await sharp(converted.bytes).metadata()).icc, undefined);
    assert.ok(near((await pixels(converted.bytes)).at(2, 2), RED, 3));
    for (const steps of [[], [half, { ...half, width: 64 }]]) {
      const kept = await render(p3, { steps, output: { format: "png", colorProfile: "keep" } });
      assert.ok((await sharp(kept.bytes).metadata()).icc);
      const pixel = (await sharp(kept.bytes, { ignoreIcc: true }).raw().toBuffer()).subarray(0, 3);
      assert.ok(near([...pixel], [...raw.subarray(0, 3)], 2));
    }
  });

  it("converts pictures of 16 bits to sRGB as well", async () => {
    const deep = await (await quarters()).toColourspace("rgb16").withIccProfile("p3").png().toBuffer();
    assert.equal((await sharp(deep).metadata()).depth, "ushort");
    const { bytes } = await render(deep, { output: { format: "png" } });
    assert.ok(near((await pixels(bytes)).at(2, 2), RED, 3));
  });

  it("shows the colours of a CMYK JPEG", async () => {
    const cmyk = await (await quarters()).toColourspace("cmyk").jpeg({ quality: 95 }).toBuffer();
    assert.equal((await sharp(cmyk).metadata()).space, "cmyk");
    for (const colorProfile of ["srgb", "keep"] as const) {
      const { bytes } = await render(cmyk, { output: { format: "png", colorProfile } });
      const { at } = await pixels(bytes);
      const [r, g, b] = at(5, 5) as [number, number, number];
      assert.ok(r > 180 && g < 90 && b < 90 && near(at(60, 44), WHITE, 20));
    }
  });

  it("draws a coloured border around a grey picture", async () => {
    const grey = await (await quarters()).grayscale().toColourspace("b-w").jpeg().toBuffer();
    assert.equal((await sharp(grey).metadata()).channels, 1);
    const border = { op: "border", width: 4, color: { r: 255, g: 0, b: 0, alpha: 1 } } as const;
    for (const steps of [[border], [half, half, border]]) {
      const { bytes } = await render(grey, { steps, output: { format: "png" } });
      assert.ok(near((await pixels(bytes)).at(0, 0), RED));
    }
  });

  it("writes fewer bytes for less quality, and none less for lossless", async () => {
    const photo = await sharp({
      create: {
        width: 200,
        height: 200,
        channels: 3,
        background: "#000",
        noise: { type: "gaussian", mean: 128, sigma: 30 },
      },
    })
      .png()
      .toBuffer();
    for (const format of ["jpeg", "webp", "avif"] as const) {
      const size = async (quality: number) =>
        (await render(photo, { output: { format, quality } })).bytes.length;
      assert.ok((await size(20)) < (await size(90)), format);
    }
    for (const format of ["webp", "avif"] as const) {
      const { bytes } = await render(photo, { output: { format, lossless: true } });
      const [before, after] = await Promise.all(
        [photo, bytes].map((input) => sharp(input).removeAlpha().raw().toBuffer()),
      );
      const worst = before?.reduce(
        (most, value, index) => Math.max(most, Math.abs(value - (after?.[index] as number))),
        0,
      );
      assert.ok((worst as number) <= (format === "webp" ? 0 : 3), format);
    }
    const progressive = await render(photo, { output: { format: "jpeg", progressive: true } });
    assert.equal((await sharp(progressive.bytes).metadata()).isProgressive, true);
  });
});

describe("image-sharp: plans", () => {
  const photo = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: "#336699" } })
      .jpeg()
      .toBuffer();

  it("explains in plain data the work and the reasons", async () => {
    const result = await plan(await photo(1600, 1200), {
      steps: [
        { op: "resize", width: 200, height: 200, fit: "cover", enlarge: true, focus: "faces" },
        { op: "blur", sigma: 2 },
      ],
      accept: "webp",
    });
    const explained = result?.explain();
    assert.deepEqual(JSON.parse(JSON.stringify(explained)), {
      source: "jpeg 1600x1200",
      passes: ["cover 200x200 by attention, blur (sigma 2)"],
      shrinkOnLoad: 4,
      size: "200x200",
      steps: ["resize 200x200", "blur 200x200"],
      format: "webp",
      why: "the client accepts WebP",
      notes: ["no faces known: the salient region instead"],
    });
    assert.equal(result?.engine, "image-sharp");
  });

  it("reports that faces are searched later, and does not search them", async () => {
    const result = await plan(await photo(400, 300), {
      steps: [{ op: "resize", width: 200, height: 200, fit: "cover", enlarge: true, focus: "faces" }],
      learnsFaces: true,
    });
    assert.ok(result);
    const { pending, notes } = result.explain() as { pending?: string[]; notes?: string[] };
    assert.deepEqual(pending, ["faces"]);
    assert.match(notes?.join() ?? "", /^faces are detected when the image is rendered/);
  });

  it("costs more for more pixels, slower formats and more steps", async () => {
    const bytes = await photo(1600, 1200);
    const cost = async (request: Parameters<typeof plan>[1]) => (await plan(bytes, request))?.cost as number;
    const small = await cost({ steps: [half] });
    const large = await cost({});
    assert.ok(small < large);
    assert.ok((await cost({ output: { format: "avif" } })) > (await cost({ output: { format: "jpeg" } })));
    assert.ok((await cost({ steps: [{ op: "blur", sigma: 50 }] })) > large);
    const padded = (mode?: "cutter" | "displace", width = 100) => {
      const blend = mode === "displace" ? { mode, x: 9, y: 0 } : mode && { mode };
      const red = { r: 255, g: 0, b: 0, alpha: 1 };
      const layer = { kind: "color", color: red, width, height: width, steps: [] } as const;
      return cost({
        steps: [{ op: "overlay", layer, place: { gravity: "center" }, ...(blend && { blend }) }],
      });
    };
    assert.ok((await padded()) > large && (await padded("cutter")) > (await padded()) + 50);
    assert.ok(
      (await padded("displace")) > (await padded()) + 50 &&
        (await padded(undefined, 5000)) > (await padded()) + 50,
    );
    assert.ok(
      (await cost({ output: { format: "avif" }, options: { avifEffort: 4 } })) >
        (await cost({ output: { format: "avif" } })),
    );
  });

  it("sends slow pictures to the heavy lane", async () => {
    const bytes = await photo(3000, 2000);
    assert.equal((await plan(bytes, { steps: [half] }))?.lane, "light");
    assert.equal((await plan(bytes, { output: { format: "avif" } }))?.lane, "heavy");
  });

  it("refuses a source, a step and a result with too many pixels before any is read", async () => {
    const bytes = await photo(400, 300);
    const refused = (request: Parameters<typeof plan>[1]) =>
      assert.rejects(plan(bytes, request), { code: "ELIMIT" });
    await refused({ limits: { megapixels: 0.1 } });
    await assert.rejects(plan(bytes, { limits: { megapixels: 0.1, outputMegapixels: 0.1 } }), /a source of/);
    await refused({ steps: [{ op: "resize", width: 60000, fit: "inside", enlarge: true }] });
    await refused({ steps: [{ op: "border", width: 9000, color: { r: 0, g: 0, b: 0, alpha: 1 } }, half] });
    await refused({ limits: { outputMegapixels: 0.1 } });
    await refused({ limits: { imageWork: 3 } });
  });

  it("refuses a picture of a few bytes whose header claims a huge size", async () => {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(30_000, 0);
    header.writeUInt32BE(30_000, 4);
    header.set([8, 6, 0, 0, 0], 8);
    const stage = (type: string, data: Buffer) => {
      const body = Buffer.concat([Buffer.from(type), data]);
      const frame = Buffer.alloc(8);
      frame.writeUInt32BE(data.length, 0);
      frame.writeUInt32BE(crc32(body), 4);
      return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
    };
    const bomb = Buffer.concat([
      Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
      stage("IHDR", header),
      stage("IDAT", deflateSync(Buffer.alloc(100))),
      stage("IEND", Buffer.alloc(0)),
    ]);
    await assert.rejects(plan(bomb, { steps: [half] }), { code: "ELIMIT", message: /received 900\.0/ });
  });

  it("enforces the limits also for sizes that are known only during the render", async () => {
    const line = await sharp({ create: { width: 400, height: 400, channels: 3, background: "#ffffff" } })
      .composite([{ input: { create: { width: 2, height: 300, channels: 3, background: "#000000" } } }])
      .png()
      .toBuffer();
    const steps = [
      { op: "trim", tolerance: 10 },
      { op: "resize", width: 4000, fit: "inside", enlarge: true },
    ] as const;
    await assert.rejects(render(line, { steps, output: { format: "png" } }), { code: "ELIMIT" });
  });

  it("reads a file by itself, but not one that is too large", async () => {
    const folder = await mkdtemp(join(tmpdir(), "image-sharp-"));
    const file = join(folder, "photo.jpg");
    const bytes = await photo(400, 300);
    await writeFile(file, bytes);
    try {
      const source = sourceOf(bytes, {}, file);
      const { rendition } = await render(source, { steps: [half] });
      assert.deepEqual([rendition.width, source.reads.count], [32, 0]);
      await assert.rejects(plan(sourceOf(bytes, {}, file), { limits: { imageBytes: 100 } }), {
        code: "ELIMIT",
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("does not start when nobody waits any more", async () => {
    const result = await plan(await photo(400, 300), { steps: [half] });
    const controller = new AbortController();
    controller.abort(new Error("gone"));
    await assert.rejects(
      result?.run(contextOf({ signal: controller.signal }, async () => undefined)) ?? Promise.resolve(),
      {
        message: "gone",
      },
    );
  });

  it("ends when its timeout ends", async () => {
    const result = await plan(await photo(400, 300), { steps: [half] });
    const late = contextOf({ limits: { imageWork: 0 } }, async () => undefined);
    await assert.rejects(result?.run(late) ?? Promise.resolve(), { code: "ETIMEDOUT" });
  });

  it("names invalid options", () => {
    assert.throws(() => imageSharp({ avifEffort: 11 }), {
      code: "ECONFIG",
      message: /image-sharp\.avifEffort/,
    });
  });
});
