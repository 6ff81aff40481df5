import assert from "node:assert/strict";
import fc from "fast-check";
import sharp, { type JpegOptions } from "sharp";
import { plainJpegHeader } from "../../src/read/jpeg.ts";

const picture = (width: number, height: number, grey: boolean) => {
  const image = sharp({ create: { width, height, channels: 3, background: "#369" } });
  return grey ? image.toColourspace("b-w") : image;
};

/** The same by libvips. */
async function byLibvips(bytes: Uint8Array) {
  const meta = await sharp(bytes, { limitInputPixels: false, failOn: "none" }).metadata();
  return {
    format: "jpeg",
    width: meta.autoOrient.width,
    height: meta.autoOrient.height,
    frames: meta.pages ?? 1,
    alpha: meta.hasAlpha,
    palette: meta.isPalette,
    depth: meta.bitsPerSample ?? (meta.depth === "ushort" ? 16 : 8),
    orientation: meta.orientation ?? 1,
    ...(meta.isProgressive && { interlaced: true }),
    ...(meta.density !== undefined && { density: meta.density }),
  };
}

describe("image-sharp: headers of JPEGs without libvips", () => {
  it("are those that libvips reads", async () => {
    const options: fc.Arbitrary<JpegOptions> = fc.record({
      progressive: fc.boolean(),
      mozjpeg: fc.boolean(),
      chromaSubsampling: fc.constantFrom("4:2:0", "4:4:4"),
      optimiseScans: fc.boolean(),
    });
    const side = fc.integer({ min: 1, max: 300 });
    const unit = fc.integer({ min: 0, max: 2 });
    const dots = fc.constantFrom(0, 1, 2, 72, 96, 300, 65_535);
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.boolean(),
        fc.boolean(),
        options,
        unit,
        dots,
        dots,
        async (...values) => {
          const [width, height, grey, profile, jpeg, density, across, down] = values;
          const image = picture(width, height, grey);
          const written = await (profile && !grey ? image.withIccProfile("p3") : image).jpeg(jpeg).toBuffer();
          const jfif = Buffer.from("ffe000104a46494600010100000000000000", "hex");
          jfif[11] = density;
          jfif.writeUInt16BE(across, 12);
          jfif.writeUInt16BE(down, 14);
          const bytes = Buffer.concat([written.subarray(0, 2), jfif, written.subarray(2)]);
          const header = plainJpegHeader(bytes);
          assert.ok(header);
          assert.deepEqual(header, await byLibvips(bytes));
        },
      ),
      { numRuns: 80 },
    );
  });

  it("are left to libvips if there is EXIF, XMP or CMYK, or if the header is not complete", async () => {
    const plain = await picture(40, 30, false).jpeg().toBuffer();
    assert.ok(plainJpegHeader(plain));
    const others = [
      await picture(40, 30, false).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
      await picture(40, 30, false).withXmp("<x/>").jpeg().toBuffer(),
      await picture(40, 30, false).toColourspace("cmyk").jpeg().toBuffer(),
      plain.subarray(0, 100),
    ];
    for (const bytes of others) assert.equal(plainJpegHeader(bytes), undefined);
  });

  it("are never a reason to fail, whatever the bytes are", async () => {
    const plain = await picture(40, 30, false).jpeg().toBuffer();
    const start = plain.indexOf(Buffer.from([0xff, 0xda])) + 12;
    const changes = fc.array(fc.tuple(fc.integer({ min: 2, max: start }), fc.integer({ min: 0, max: 255 })), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(changes, fc.integer({ min: 0, max: plain.length }), (points, length) => {
        const bytes = Buffer.from(plain);
        for (const [at, value] of points) bytes[at] = value;
        const header = plainJpegHeader(bytes.subarray(0, length));
        assert.ok(!header || (header.width > 0 && header.height > 0));
      }),
    );
  });
});
