import assert from "node:assert/strict";
import type { AcceptClass, Output, RawFrame, Step } from "@mediatap/core";
import type { StepDefinition, StepRegistry } from "@mediatap/core/steps";
import sharp from "sharp";
import { z } from "zod";
import { contextOf, jobOf, near, pixels, plan, quarters, render, sourceOf, taps } from "../helpers.ts";

const opaque = async () => (await quarters()).jpeg().toBuffer();
const clear = async () => (await quarters(64, 48, 100)).png().toBuffer();
const svg = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="158" height="33"><rect width="158" height="33" fill="#ff0000"/></svg>',
);

const formatOf = async (bytes: Uint8Array, accept: AcceptClass, output: Output = {}) =>
  (await render(bytes, { accept, output })).rendition.format;

describe("image-sharp: choosing the format", () => {
  it("follows what the client accepts", async () => {
    const bytes = await opaque();
    assert.equal(await formatOf(bytes, "avif"), "avif");
    assert.equal(await formatOf(bytes, "webp"), "webp");
    assert.equal(await formatOf(bytes, "basic"), "jpeg");
  });

  it("keeps transparency for clients that accept neither AVIF nor WebP", async () => {
    const bytes = await clear();
    const { rendition, bytes: png } = await render(bytes);
    assert.equal(rendition.format, "png");
    assert.equal((await pixels(png)).at(2, 2)[3], 100);
  });

  it("gives an opaque PNG as JPEG, one with a palette as PNG", async () => {
    assert.equal(await formatOf(await (await quarters()).png().toBuffer(), "basic"), "jpeg");
    assert.equal(await formatOf(await (await quarters()).png({ palette: true }).toBuffer(), "basic"), "png");
  });

  it("keeps a JPEG through a step of another plugin that declares it stays opaque", async () => {
    const step = async (frame: RawFrame) => frame;
    const chosen = async (opaque: StepDefinition<Step>["opaque"], bytes: Buffer) => {
      const define = (registry: StepRegistry) =>
        registry.define("mirror" as "blur", { schema: z.any(), ...(opaque !== undefined && { opaque }) });
      const steps = [{ op: "mirror" } as unknown as Step];
      const { rendition, plan: result, bytes: out } = await render(bytes, { steps, step, define });
      assert.equal((await sharp(out).metadata()).format, rendition.format);
      return [rendition.format, (result.explain() as { why: string }).why];
    };
    const [photo, cutOut] = [await opaque(), await clear()];
    for (const declared of [true, () => true]) {
      assert.deepEqual(await chosen(declared, photo), ["jpeg", "the picture is opaque"]);
      assert.deepEqual(await chosen(declared, cutOut), ["png", "the picture has transparency"]);
    }
    for (const declared of [undefined, false, () => false]) {
      assert.deepEqual(await chosen(declared, photo), ["png", "step mirror may make it transparent"]);
    }
  });

  it("takes WebP where AVIF would take too long", async () => {
    const bytes = await opaque();
    const { rendition, plan: result } = await render(bytes, {
      accept: "avif",
      limits: { avifAutoMegapixels: 0.001 },
    });
    assert.equal(rendition.format, "webp");
    assert.match((result.explain() as { why: string }).why, /too slow as AVIF/);
  });

  it("chooses among the formats that the endpoint allows", async () => {
    const bytes = await opaque();
    assert.equal(await formatOf(bytes, "webp", { allowed: ["jpeg"] }), "jpeg");
    assert.equal(await formatOf(bytes, "basic", { allowed: ["png", "webp"] }), "png");
    await assert.rejects(plan(bytes, { output: { format: "auto", allowed: ["webp"] } }), { code: "EINVAL" });
  });

  it("takes no AVIF for embedded profiles and after unsharp masking", async () => {
    const bytes = await opaque();
    assert.equal(await formatOf(bytes, "avif", { colorProfile: "keep" }), "webp");
    const unsharp = { op: "unsharp", radius: 1, sigma: 1, amount: 1, threshold: 0 } as const;
    assert.equal((await render(bytes, { accept: "avif", steps: [unsharp] })).rendition.format, "webp");
  });

  it("takes JPEG where a side is too long for WebP", async () => {
    const bytes = await (await quarters(17000, 2)).png().toBuffer();
    assert.equal(await formatOf(bytes, "webp"), "jpeg");
    await assert.rejects(plan(bytes, { output: { format: "webp" } }), { code: "ELIMIT" });
  });

  it("takes another format where a side is too long for AVIF", async () => {
    const bytes = await (await quarters(16400, 2)).png().toBuffer();
    assert.equal(await formatOf(bytes, "avif"), "jpeg");
    await assert.rejects(plan(bytes, { output: { format: "avif" } }), { code: "ELIMIT" });
  });

  it("keeps the source's format if requested", async () => {
    for (const format of ["jpeg", "png", "webp", "avif"] as const) {
      const bytes = await (await quarters()).toFormat(format).toBuffer();
      assert.equal(await formatOf(bytes, "avif", { format: "source" }), format);
    }
    assert.equal(
      await formatOf(await (await quarters()).tiff().toBuffer(), "avif", { format: "source" }),
      "jpeg",
    );
    assert.equal(
      await formatOf(await (await quarters(64, 48, 100)).tiff({ compression: "lzw" }).toBuffer(), "avif", {
        format: "source",
      }),
      "png",
    );
  });

  it("refuses a large AVIF that is requested by name", async () => {
    await assert.rejects(
      plan(await opaque(), { output: { format: "avif" }, limits: { avifMegapixels: 0.001 } }),
      {
        code: "ELIMIT",
      },
    );
  });

  it("refuses GIF and SVG output if the source is neither", async () => {
    await assert.rejects(plan(await opaque(), { output: { format: "gif" } }), { code: "EINVAL" });
    await assert.rejects(plan(await opaque(), { output: { format: "svg" } }), { code: "EINVAL" });
  });

  it("flattens clear pixels of a JPEG on black, or on the configured colour", async () => {
    const bytes = await (await quarters(64, 48, 0)).png().toBuffer();
    const black = await render(bytes, { output: { format: "jpeg" } });
    assert.ok(near((await pixels(black.bytes)).at(9, 9), [0, 0, 0, 255]));
    const pink = await render(bytes, { output: { format: "jpeg" }, options: { jpegBackground: "#ff00ff" } });
    assert.ok(near((await pixels(pink.bytes)).at(9, 9), [255, 0, 255, 255]));
  });

  it("flattens clear grey pixels on a colour", async () => {
    const bytes = await (await quarters(64, 48, 0)).grayscale().toColourspace("b-w").png().toBuffer();
    assert.equal((await sharp(bytes).metadata()).channels, 2);
    const pink = await render(bytes, { output: { format: "jpeg" }, options: { jpegBackground: "#ff00ff" } });
    assert.ok(near((await pixels(pink.bytes)).at(9, 9), [255, 0, 255, 255]));
  });

  it("flattens corners that a step made clear, too", async () => {
    const { bytes } = await render(await opaque(), {
      steps: [{ op: "round", radius: "max" }],
      output: { format: "jpeg" },
      options: { jpegBackground: "#ffffff" },
    });
    assert.ok(near((await pixels(bytes)).at(0, 0), [255, 255, 255, 255], 20));
  });
});

describe("image-sharp: what passes through", () => {
  it("passes on what is no picture, without reading it", async () => {
    const source = sourceOf(Buffer.from("%PDF-1.7 and so on"));
    assert.equal(await plan(source), undefined);
    assert.equal(source.reads.count, 0);
  });

  it("passes on HEIC, which libvips cannot decode here", async () => {
    const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from("ftypheic\0\0\0\0mif1heic")]);
    assert.equal(await plan(heic), undefined);
  });

  it("passes on a picture whose original is requested", async () => {
    const source = sourceOf(await opaque());
    assert.equal(await plan(source, { output: { format: "original" } }), undefined);
    assert.equal(source.reads.count, 0);
  });

  it("passes on an SVG unless a raster format is requested", async () => {
    for (const format of ["auto", "source", "svg"] as const) {
      const source = sourceOf(svg);
      assert.equal(await plan(source, { output: { format } }), undefined);
      assert.equal(source.reads.count, 0);
    }
    const { rendition, bytes } = await render(svg, { output: { format: "png" } });
    assert.deepEqual([rendition.width, rendition.height], [158, 33]);
    assert.ok(near((await pixels(bytes)).at(80, 16), [255, 0, 0, 255]));
  });

  it("renders an SVG at the requested size, not enlarged afterwards", async () => {
    const edge = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="5" height="10" fill="#ff0000"/><rect x="5" width="5" height="10" fill="#0000ff"/></svg>',
    );
    const { bytes, rendition } = await render(edge, {
      steps: [{ op: "resize", width: 400, fit: "inside", enlarge: true }],
      output: { format: "png" },
    });
    assert.equal(rendition.height, 400);
    const { at } = await pixels(bytes);
    assert.ok(near(at(196, 200), [255, 0, 0, 255]) && near(at(203, 200), [0, 0, 255, 255]));
  });

  it("renders an SVG at the requested resolution", async () => {
    const { rendition } = await render(svg, {
      output: { format: "png", density: ["mul", "originalDensity", 2] },
    });
    assert.deepEqual([rendition.width, rendition.height], [316, 66]);
  });
});

describe("image-sharp: inspecting a picture", () => {
  it("reads a header from the bytes, upright", async () => {
    const { inspect } = taps();
    const bytes = await (await quarters(64, 48))
      .jpeg()
      .withMetadata({ orientation: 6, density: 300 })
      .toBuffer();
    const header = await inspect(sourceOf(bytes), contextOf({}, inspect));
    assert.deepEqual(header, {
      format: "jpeg",
      width: 48,
      height: 64,
      frames: 1,
      alpha: false,
      palette: false,
      depth: 8,
      orientation: 6,
      density: 300,
    });
  });

  it("reads the bytes of a known source no more, and those of a changed one again", async () => {
    const { inspect } = taps();
    const bytes = await opaque();
    const renderContext = contextOf({}, inspect);
    const reads = async (etag?: string) => {
      const source = sourceOf(bytes, etag === undefined ? {} : { etag });
      await inspect(source, renderContext);
      return source.reads.count;
    };
    assert.deepEqual([await reads('"1"'), await reads('"1"'), await reads('"2"')], [1, 0, 1]);
    assert.deepEqual([await reads(), await reads()], [1, 1]);
  });

  it("names itself and its libraries", () => {
    const [text] = taps().fingerprints;
    assert.match(text as string, /^image-sharp@\d+\.\d+\.\d+ rendering@\d+ sharp@0\.\d+.* vips@8\./);
  });

  it("reports a broken picture as broken", async () => {
    const bytes = await opaque();
    await assert.rejects(plan(bytes.subarray(0, 40)), { code: "UNIDENTIFIED" });
  });

  it("renders no picture from half a file", async () => {
    const noise = {
      create: {
        width: 300,
        height: 300,
        channels: 3,
        background: "#000",
        noise: { type: "gaussian", mean: 128, sigma: 60 },
      },
    } as const;
    for (const format of ["jpeg", "png", "webp", "gif"] as const) {
      const whole = await sharp(noise).toFormat(format).toBuffer();
      await assert.rejects(render(whole.subarray(0, whole.length / 2)), { code: "UNIDENTIFIED" }, format);
    }
  });

  it("shows no path of a file that it cannot read", async () => {
    const bytes = await opaque();
    for (const metadata of [{}, { size: undefined }]) {
      const source = sourceOf(bytes, metadata as object, "/nowhere/secret.jpg");
      await assert.rejects(render(source), (error: Error & { code: string }) => {
        return error.code === "UNIDENTIFIED" && !error.message.includes("secret");
      });
    }
  });

  it("has no engine for a job without a header", async () => {
    const { transform } = taps();
    assert.equal(
      await transform(
        jobOf({}),
        sourceOf(await opaque()),
        contextOf({}, async () => undefined),
      ),
      undefined,
    );
  });
});
