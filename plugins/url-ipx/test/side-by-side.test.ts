import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { likeness } from "@mediatap/core/decode";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import sharp from "sharp";
import { urlIpx } from "../src/index.ts";
import { type Ipx, startIpx, withIpx } from "./ipx.ts";

const MEDIA = join(import.meta.dirname, "../../../examples/start/media");

/** Likeness from which on two pictures are the same. */
const SSIM = 0.98;

/** Size of the photograph that the URLs are about. */
const [WIDTH, HEIGHT] = [420, 280];

/** Every value of each list with every one of the others. */
const product = (...lists: readonly (readonly string[])[]): string[] =>
  lists.reduce<string[]>(
    (before, list) => before.flatMap((text) => list.map((next) => [text, next].filter(Boolean).join(","))),
    [""],
  );

const FITS = ["", "fit_cover", "fit_contain", "fit_fill", "fit_inside", "fit_outside"];
const POSITIONS = ["top", "right top", "left", "southeast", "centre", "3", "entropy"];

/** Modifiers of a photograph that is smaller than some of the sizes. */
const PHOTO = [
  "_",
  ...product(["w_200", "h_90", "width_1", "w_900", "height_700"], ["", "enlarge"]),
  "w_200,h_90",
  "s_100x50,w_200",
  "s_100x50,h_200",
  "s_150",
  ...product(FITS, ["s_200x100", "s_100x200", "s_600x200", "s_200x600", "s_900x900"], ["", "enlarge"]),
  ...product(
    ["s_120x200", "s_300x90", "s_900x200"],
    POSITIONS.map((position) => `pos_${encodeURIComponent(position)}`),
  ),
  ...product(["s_200x200,fit_contain"], ["b_ff0000", "b_0f0", "b_navy,pos_left", "pos_right%20bottom"]),
  ...product(
    ["extract_20_30_200_120", "crop_0_0_100_100"],
    ["", "w_50", "s_80x80", "s_500x500", "s_500x300,fit_inside", "rotate_90", "rotate_90,w_60"],
  ),
  ...product(
    ["rotate_90", "rotate_180", "rotate_-90", "rotate_30", "rotate_200,b_white"],
    ["", "w_100", "s_100x60"],
  ),
  ...product(["rotate_180,h_100", "rotate_180,enlarge,h_500"], ["", "flip"]),
  ...product(["flip", "flop", "flip,flop"], ["", "s_100x200,pos_top", "s_200x100,pos_left", "rotate_90"]),
  ...product(["extend_10_20_30_40", "extend_0_0_0_15"], ["", "b_00ff00", "w_100"]),
  ...product(["blur_0.5", "blur_3", "blur_12"], ["", "w_150"]),
  ...product(["grayscale", "normalize", "flatten", "grayscale,normalize"], ["", "w_150"]),
  ...product(["f_webp", "f_jpeg", "f_jpg", "f_png", "f_avif"], ["", "w_120", "s_100x100,q_90"]),
  ...product(["q_95", "quality_80"], ["", "f_webp", "f_jpeg,w_300"]),
];

/** Of a drawing with clear parts. */
const DRAWING = [
  "_",
  "w_60",
  "f_webp,w_60",
  "f_png,s_80x80,fit_contain",
  "flatten",
  "flatten,b_ff8800",
  "f_jpeg,flatten,b_ffffff",
  "rotate_45",
  "rotate_45,b_transparent",
  "blur_2",
  "grayscale",
];

/** Of an animation. */
const ANIMATION = ["_", "w_20", "f_webp", "f_webp,animated", "f_webp,a,w_20", "f_png", "f_gif,s_20x20"];

/** Asks for what this server does not have, each by its modifier. */
const REFUSED = [
  "kernel_nearest,s_20x20",
  "median_3",
  "gamma_2",
  "negate",
  "threshold_128",
  "tint_ff0000",
  "modulate_1.2_1_90",
  "f_tiff",
  "f_heif",
  "sharpen_30",
  "rotate_90,resize_40x20",
  "rotate_90,h_40",
];

const URLS = [
  ...PHOTO.map((modifiers) => `${modifiers}/photo.jpg`),
  ...DRAWING.map((modifiers) => `${modifiers}/drawing.png`),
  ...ANIMATION.map((modifiers) => `${modifiers}/animation.gif`),
];

withIpx(() => {
  describe("url-ipx beside IPX", function () {
    this.timeout(180_000);
    let folder: TestFolder;
    let ipx: Ipx;
    let server: TestServer;
    before(async () => {
      folder = await makeFolder({});
      const { path } = folder;
      await Promise.all([
        sharp(join(MEDIA, "dogs.jpg"))
          .resize(WIDTH, HEIGHT)
          .jpeg({ quality: 95 })
          .toFile(join(path, "photo.jpg")),
        sharp(join(MEDIA, "logo.png"))
          .resize(160, 120, { fit: "fill" })
          .png()
          .toFile(join(path, "drawing.png")),
        animation().then((bytes) => writeFile(join(path, "animation.gif"), bytes)),
      ]);
      ipx = await startIpx(path);
      server = await startServer({
        plugins: [urlIpx(), storageFs(), imageSharp()],
        origins: { files: { type: "FOLDER", path } },
        endpoints: { default: { origins: ["files"], autoAvif: true } },
      });
    });
    after(async () => {
      await server?.close();
      await ipx?.close();
      await folder?.close();
    });

    /** How the answers to one URL differ. */
    async function faultOf(url: string): Promise<string | undefined> {
      const [theirs, ours] = [await ipx.ask(`/${url}`), await server.ask(`/_ipx/${url}`)];
      if (theirs.status !== 200 || ours.status !== 200)
        return `${theirs.status} and ${ours.status} ${ours.text}`;
      const [a, b] = [await pictureOf(theirs.body), await pictureOf(ours.body)];
      const describe = ({ format, frames, width, height }: typeof a) =>
        `${format} ${frames} ${width}x${height}`;
      if (describe(a) !== describe(b)) return `${describe(a)} and ${describe(b)}`;
      const alpha = likeness({ ...a, data: a.alpha }, { ...b, data: b.alpha });
      if (alpha < SSIM) return `SSIM of alpha ${alpha.toFixed(4)}`;
      const luma = likeness(a, b);
      if (luma >= SSIM) return undefined;
      // Where both lose more than that by encoding, ours has to be as close to what was encoded as theirs is.
      const [modifiers = "", file] = url.split("/");
      const kept = modifiers.split(",").filter((item) => !/^(?:f|q|quality)_/.test(item));
      const exact = await pictureOf((await ipx.ask(`/${[...kept, "f_png"].join(",")}/${file}`)).body);
      const [near, far] = [likeness(b, exact), likeness(a, exact)];
      return near >= far - 0.005
        ? undefined
        : `SSIM ${luma.toFixed(4)}, to the exact one ${near.toFixed(4)} and ${far.toFixed(4)}`;
    }

    it("gives the same size, format and picture for more than 200 URLs", async () => {
      assert.ok(new Set(URLS).size > 200, String(new Set(URLS).size));
      const wrong: string[] = [];
      for (const url of new Set(URLS)) {
        const fault = await faultOf(url);
        if (fault !== undefined) wrong.push(`${url}: ${fault}`);
      }
      assert.deepEqual(wrong, []);
    });

    it("refuses by name what this server cannot do", async () => {
      for (const modifiers of REFUSED) {
        const { status, text } = await server.ask(`/_ipx/${modifiers}/photo.jpg`);
        const [name = ""] = modifiers.split("_");
        assert.equal(status, 403, modifiers);
        assert.ok(text.includes(`Not supported here`) && text.includes(`(${name}`), text);
      }
    });

    it("negotiates as IPX does for clients that name their formats", async () => {
      for (const accept of ["image/avif,image/webp,*/*", "image/webp,*/*", "image/png,image/jpeg"]) {
        const answers = [
          await ipx.ask("/f_auto,w_100/photo.jpg", { accept }),
          await server.ask("/_ipx/f_auto,w_100/photo.jpg", { headers: { accept } }),
        ];
        const [theirs, ours] = answers.map(({ headers }) => headers["content-type"]);
        assert.equal(ours, theirs, accept);
      }
    });
  });
});

/** Size, format, luma and alpha of a picture; of an animation, of all frames below each other. */
async function pictureOf(bytes: Uint8Array) {
  const { format, pages = 1 } = await sharp(bytes).metadata();
  const all = sharp(bytes, { animated: true });
  const { data: alpha, info } = await all
    .clone()
    .ensureAlpha()
    .extractChannel("alpha")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const luma = await all
    .clone()
    .flatten({ background: "#808080" })
    .grayscale()
    .extractChannel(0)
    .raw()
    .toBuffer();
  return { format, frames: pages, width: info.width, height: info.height, alpha, data: luma };
}

/** Three frames, each of another colour with a bar. */
function animation(): Promise<Buffer> {
  const frame = (at: number) =>
    sharp({
      create: { width: 40, height: 30, channels: 4, background: ["red", "green", "blue"][at] ?? "red" },
    })
      .composite([
        {
          input: { create: { width: 10, height: 30, channels: 4, background: "white" } },
          left: 10 * at,
          top: 0,
        },
      ])
      .png()
      .toBuffer();
  return Promise.all([0, 1, 2].map(frame)).then((frames) =>
    sharp(frames, { join: { animated: true } })
      .gif({ delay: [100, 100, 100] })
      .toBuffer(),
  );
}
