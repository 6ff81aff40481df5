import { createRequire } from "node:module";
import { join } from "node:path";
import type { Sharp, SharpOptions } from "sharp";
import { LOGO, type Work } from "./peer.ts";
import { sharp } from "./sharp.ts";

/** As `image-sharp` opens photographs. */
export const READ: SharpOptions = { autoOrient: true, failOn: "error" };

/** The font that texts are set in where none is named. */
const FONT = createRequire(new URL("../../plugins/fonts-standard/package.json", import.meta.url)).resolve(
  "@expo-google-fonts/open-sans/400Regular/OpenSans_400Regular.ttf",
);
const WIDTH = 800;
const MARGIN = 20;

const corners = (width: number, height: number) =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="${width}" height="${height}" rx="40" ry="40"/></svg>`,
  );

/** Logo and text, drawn at once, laid on the photograph in the pipeline that scales it. */
async function product(file: string, media: string): Promise<Sharp> {
  const [{ autoOrient: size }, logo, text] = await Promise.all([
    sharp(file, READ).metadata(),
    sharp(join(media, LOGO)).resize(160).raw().toBuffer({ resolveWithObject: true }),
    sharp({
      text: {
        text: '<span foreground="#ffffff">Fresh every day</span>',
        font: "Open Sans 48",
        fontfile: FONT,
        rgba: true,
        dpi: 72,
      },
    })
      .raw()
      .toBuffer({ resolveWithObject: true }),
  ]);
  const height = Math.round((size.height * WIDTH) / size.width);
  const layer = ({ data, info }: typeof logo, left: number, top: number) => ({
    input: data,
    raw: { width: info.width, height: info.height, channels: info.channels },
    left,
    top,
  });
  return sharp(file, READ)
    .resize({ width: WIDTH, height, fit: "fill" })
    .composite([
      layer(logo, WIDTH - logo.info.width - MARGIN, MARGIN),
      layer(text, MARGIN, height - text.info.height - MARGIN),
    ])
    .removeAlpha()
    .webp({ quality: 80, effort: 2 });
}

/** One pipeline does it all: resize, cut from the middle, sharpen, round the corners. */
async function thumbnail(file: string): Promise<Sharp> {
  const { autoOrient: size } = await sharp(file, READ).metadata();
  const height = Math.round((size.height * 600) / size.width);
  const side = Math.min(400, height);
  return sharp(file, READ)
    .resize({ width: 600, height, fit: "fill" })
    .extract({ left: 100, top: Math.trunc((height - side) / 2), width: 400, height: side })
    .sharpen({ sigma: 1, m1: 1, m2: 2 })
    .composite([{ input: corners(400, side), blend: "dest-in" }]);
}

/** The work of several steps as somebody who knows sharp writes it. */
export const works: Readonly<Record<Work, (file: string, media: string) => Promise<Sharp>>> = {
  product,
  "thumb-webp": async (file) => (await thumbnail(file)).webp({ quality: 80, effort: 2 }),
  "thumb-png": async (file) => (await thumbnail(file)).png(),
};
