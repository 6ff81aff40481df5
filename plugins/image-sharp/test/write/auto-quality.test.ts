import assert from "node:assert/strict";
import { likeness } from "@mediatap/core/decode";
import sharp from "sharp";
import { imageSharp } from "../../src/index.ts";
import { plan, quarters, render } from "../helpers.ts";

const source = async () => (await quarters(400, 300)).png().toBuffer();
const auto = { format: "webp", quality: "auto" } as const;

describe("image-sharp: automatic quality", () => {
  it("counts each try in its cost", async () => {
    const cost = async (tries: number, max = 80) =>
      (await plan(await source(), { output: auto, options: { autoQuality: { tries, max } } }))?.cost ?? 0;
    const fixed = (await plan(await source(), { output: { format: "webp" } }))?.cost ?? 0;
    assert((await cost(4)) > 3 * fixed);
    assert((await cost(8)) > 1.8 * (await cost(4)));
  });

  it("explains its plan", async () => {
    const explained = (await plan(await source(), { output: auto }))?.explain() as Record<string, unknown>;
    assert.equal(explained.quality, "the least from 40 to 80 for a likeness of 0.96, in 4 tries");
    const png = (await plan(await source(), { output: { format: "png", quality: "auto" } }))?.explain();
    assert.equal((png as Record<string, unknown>).quality, undefined);
    const small = await plan(await source(), {
      output: { ...auto, format: "auto", smallest: true },
      accept: "avif",
    });
    const { format, why } = (small?.explain() ?? {}) as Record<string, unknown>;
    assert.deepEqual(format, ["avif", "webp", "jpeg", "png"]);
    assert.equal(why, "the smallest of avif, webp, jpeg, png");
  });

  it("stays between the least and the highest quality, with as many tries as allowed", async () => {
    const bytes = async (autoQuality: object) =>
      (await render(await source(), { output: auto, options: { autoQuality } })).bytes;
    const at = async (quality: number) =>
      (await render(await source(), { output: { format: "webp", quality } })).bytes;
    assert.deepEqual(await bytes({ min: 70, max: 70 }), await at(70));
    assert.deepEqual(await bytes({ target: 1, tries: 8, max: 95 }), await at(95));
    assert.deepEqual(await bytes({ target: 0.5, tries: 8, min: 20 }), await at(20));
    assert.deepEqual(await bytes({ target: 0.5, tries: 1, min: 40, max: 90 }), await at(65));
  });

  it("keeps the profile and the metadata that are to be kept", async () => {
    const p3 = await (await quarters(200, 150))
      .withIccProfile("p3")
      .withExif({ IFD0: { Copyright: "somebody" } })
      .jpeg()
      .toBuffer();
    const { bytes } = await render(p3, { output: { ...auto, metadata: "keep", colorProfile: "keep" } });
    const { icc, exif } = await sharp(bytes).metadata();
    assert(icc && exif?.includes("somebody"));
  });

  it("refuses settings that make no sense", () => {
    for (const autoQuality of [
      { tries: 0 },
      { tries: 9 },
      { target: 2 },
      { min: 80, max: 70 },
      { goal: 1 },
    ]) {
      assert.throws(() => imageSharp({ autoQuality: autoQuality as never }), { code: "ECONFIG" });
    }
  });

  it("counts equal pictures as alike, opposite ones as not", () => {
    const [width, height] = [64, 48];
    const data = Uint8Array.from({ length: width * height }, (_, at) => (at * 37) % 256);
    const picture = { data, width, height };
    assert.equal(likeness(picture, picture), 1);
    assert(likeness(picture, { ...picture, data: data.map((value) => 255 - value) }) < 0);
  });
});
