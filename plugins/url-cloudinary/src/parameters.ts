import { invalid } from "@mediatap/core";
import {
  assetOf,
  decimal,
  integer,
  number,
  type Parameters,
  printNumber,
  type Reader,
  refused,
  unsupported,
} from "@mediatap/core/language";
import type { Expression, Paint, Rgba } from "@mediatap/core/steps";
import { expression, printExpression } from "./expression.ts";
import { ATTACHMENT, flagDelivery, flagOutput, flags, flagsFor } from "./flags.ts";
import * as value from "./values.ts";

/** What the values of the parameters are. */
export interface CloudinaryValues {
  w: value.Side;
  h: value.Side;
  c: value.Crop;
  ar: Expression;
  g: value.Gravity;
  x: value.Side;
  y: value.Side;
  z: number;
  dpr: Expression | "auto";
  b: Paint;
  e: value.Effect;
  co: Rgba;
  bo: value.Border;
  r: value.Radius;
  o: number;
  a: value.Angle;
  f: value.Format;
  q: number | "auto";
  fl: readonly string[];
  dn: number;
  cs: "srgb";
  d: string;
  pg: number;
  so: Expression;
  eo: Expression;
  du: Expression;
  vc: "h264" | "vp9" | "av1" | "none" | "auto";
  ac: "aac" | "opus" | "none";
  l: string;
  u: never;
  if: string;
  t: string;
  sp: never;
  br: never;
  fps: never;
  ki: never;
  vs: never;
  af: never;
  dl: never;
  fn: never;
}

/** A distance, also a negative one: pixels, a fraction, a calculation. */
const offset: Reader<value.Side> = (text, key) => {
  const parsed = decimal(text);
  if (parsed === undefined) return expression(text, key);
  if (text.includes(".") && Math.abs(parsed) < 1) return { of: parsed };
  return Math.round(number(-100_000, 100_000)(text, key));
};

const known =
  <T extends string>(what: string, ...words: readonly T[]): Reader<T> =>
  (text, key) => {
    const parsed = words.find((word) => word === text);
    if (parsed !== undefined) return parsed;
    if (/^[a-z0-9:._]+$/i.test(text)) throw unsupported(what, key, text);
    throw invalid(key, `one of ${words.join(", ")}`, text);
  };

/** All parameters of Cloudinary's reference. */
export const PARAMETERS: Parameters<CloudinaryValues> = {
  w: {
    means:
      "width. A number with a point is a fraction; `auto` is the width that the client reports (`Sec-CH-Width`, `Width`)",
    values: "pixels, fraction, calculation, `auto`, `auto:<default>`",
    read: value.autoSide,
    print: value.printSide,
  },
  h: {
    means: "height",
    values: "pixels, fraction, calculation",
    read: value.side,
    print: value.printSide,
  },
  c: {
    means:
      "how the image meets `w`, `h` and `ar`; `scale` if it is left out. `auto` is as `fill`; `fill_pad`, `auto_pad`, `imagga_crop` and `imagga_scale` are refused",
    values: value.CROPS.map((mode) => `\`${mode}\``).join(", "),
    read: value.crop,
  },
  ar: {
    means: "aspect ratio",
    values: "`16:9`, `1.5`, calculation",
    read: value.ratio,
    print: printExpression,
  },
  g: {
    means: "what a crop shows; `auto` what catches the eye. Looks for objects and texts are refused",
    values: "`center`, `north`, `north_east` …, `auto`, `face`, `faces`, `custom`, `xy_center`",
    read: value.gravity,
    print: value.printGravity,
  },
  x: {
    means: "offset from the gravity, or left edge of a `crop`",
    values: "pixels, fraction, calculation",
    read: offset,
    print: value.printSide,
  },
  y: {
    means: "offset from the gravity, or upper edge of a `crop`",
    values: "pixels, fraction, calculation",
    read: offset,
    print: value.printSide,
  },
  z: { means: "how near a `crop` or `thumb` is to the faces", values: "0.01–100", read: number(0.01, 100) },
  dpr: {
    means: "multiplies `w` and `h`; `auto` is the ratio that the client reports (`Sec-CH-DPR`, `DPR`)",
    values: "number, calculation, `auto`",
    read: (text, key) => {
      if (text === "auto") return text;
      const parsed = expression(text, key);
      return typeof parsed === "number" ? number(0.01, 100)(text, key) : parsed;
    },
    print: (dpr) => (dpr === "auto" ? dpr : printExpression(dpr)),
  },
  b: {
    means: "what fills the edges of `pad` and of rotations, and lies behind clear parts",
    values: "colour, `auto`, `auto:border_gradient:2`, `blurred:<intensity>:<brightness>`",
    read: value.paint,
    print: value.printPaint,
  },
  e: {
    means: "effect; others are refused. The sigma of `blur` is a twentieth of its number",
    values: Object.keys(value.EFFECTS)
      .map((name) => `\`${name}\``)
      .join(", "),
    read: value.effect,
    print: value.printEffect,
  },
  co: {
    means: "colour of `e_colorize` and of texts",
    values: "`red`, `rgb:ff0000`, `rgb:ff000080`",
    read: value.colour,
    print: value.printColour,
  },
  bo: {
    means: "frame around the image; not beside `r`",
    values: "`5px_solid_red`",
    read: value.border,
    print: ({ width, color }) => `${width}px_solid_${value.printColour(color)}`,
  },
  r: {
    means: "radius of the corners",
    values: "pixels, `20:30`, `10:20:30:40`, `max`",
    read: value.radius,
    print: (radius) => (radius === "max" ? radius : radius.map(printNumber).join(":")),
  },
  o: { means: "opacity in percent", values: "0–100", read: number(0, 100) },
  a: {
    means:
      "turns clockwise or flips, after everything else of the component; `auto_…` and `ignore` are refused",
    values: "degrees, `hflip`, `vflip`, joined by `.`",
    read: value.angle,
    print: value.printAngle,
  },
  f: {
    means: "format; `auto` by the client",
    values: "`auto`, `jpg`, `png`, `webp`, `avif`, `gif`, `svg`; of videos also `mp4`, `webm`",
    read: value.format,
    print: value.printFormat,
    output: (format, { media }) => {
      if (media === "video") return {};
      if (format === "mp4" || format === "webm") throw unsupported("videos of images", "f", format);
      return { format: format as Exclude<value.Format, "mp4" | "webm" | "m3u8" | "mpd"> };
    },
    fromOutput: ({ format, video }) =>
      video ? video.format : format === "source" || format === "original" ? undefined : format,
  },
  q: {
    means:
      "quality. `auto:best` is 90, `auto:eco` 65 and `auto:low` 50; `auto` and `auto:good` are chosen for each image",
    values: "1–100, `auto`, `auto:best`, `auto:good`, `auto:eco`, `auto:low`",
    read: value.quality,
    output: (quality, { media }) => (media === "video" ? {} : { quality }),
    fromOutput: ({ quality, video }) => (video ? video.quality : quality),
  },
  fl: {
    means: "flags; others are refused",
    values: flags.values,
    read: flags.read,
    print: (words) => words.join("."),
    output: flagOutput,
    fromOutput: flagsFor,
    delivery: flagDelivery,
    fromDelivery: ({ attachment }) =>
      attachment === undefined
        ? undefined
        : [attachment === true ? ATTACHMENT : `${ATTACHMENT}:${attachment}`],
  },
  dn: {
    means: "dots per inch",
    values: "1–10000",
    read: number(1, 10_000),
    output: (density) => ({ density }),
    fromOutput: ({ density }) => (typeof density === "number" ? density : undefined),
  },
  cs: {
    means: "colours as sRGB; others are refused",
    values: "`srgb`",
    read: known("this colour space", "srgb"),
    output: () => ({ colorProfile: "srgb" }),
    fromOutput: ({ colorProfile }) => (colorProfile === "srgb" ? colorProfile : undefined),
  },
  d: {
    means: "file that stands in for one that is missing",
    values: "public ID with extension, `:` for `/`",
    read: (text) => assetOf(text.replaceAll(":", "/")).path,
    print: (path) => path.replace(/^image\/upload\//, "").replaceAll("/", ":"),
    delivery: (path, { endpoint: { tenant, name } }) => ({
      fallback: { tenant, endpoint: name, kind: "path", path },
    }),
    fromDelivery: ({ fallback }) => (fallback?.kind === "path" ? fallback.path : undefined),
  },
  pg: {
    means: "page, layer or frame; names and ranges are refused",
    values: "1–",
    read: (text, key) => {
      if (!/^-?[0-9.]+$/.test(text)) throw unsupported("pages other than one by its number", key, text);
      return integer(1, 100_000)(text, key);
    },
  },
  so: {
    means: "beginning, of a video; of its picture, the moment. The middle if it is left out of a picture",
    values: "seconds, `35p`",
    read: value.seconds,
    print: printExpression,
  },
  eo: { means: "end", values: "seconds, `35p`", read: value.seconds, print: printExpression },
  du: { means: "duration", values: "seconds, `35p`", read: value.seconds, print: printExpression },
  vc: {
    means: "video codec; profiles and other codecs are refused",
    values: "`h264`, `vp9`, `av1`, `none`, `auto`",
    read: known("this video codec", "h264", "vp9", "av1", "none", "auto"),
    fromOutput: ({ video }) => video?.codec,
  },
  ac: {
    means: "audio codec; others are refused",
    values: "`aac`, `opus`, `none`",
    read: known("this audio codec", "aac", "opus", "none"),
    fromOutput: ({ video }) => video?.audio,
  },
  l: {
    means:
      "layer, up to `fl_layer_apply`, or in one component with `g`, `x`, `y`; `fl_relative`, `fl_cutter`, `e_multiply` and `e_cut_out` count, other kinds and blends are refused",
    values: "public ID with `:` for `/`, `text:<font>_<size>_<style>:<text>`, on videos `video:<public ID>`",
    read: (text) => text,
  },
  u: refused("underlays"),
  if: {
    means:
      "begins steps for some sizes, up to `if_else` and `if_end`; conditions on texts, tags and faces are refused",
    values: "`w_gt_300_and_ar_lt_3:4`, `else`, `end`",
    read: (text) => text,
  },
  t: {
    means: "named transformations of the configuration (`namedTransformations`), in this language",
    values: "name, several joined by `.`",
    read: (text) => text,
  },
  sp: refused("streaming profiles"),
  br: refused("bit rates"),
  fps: refused("frame rates"),
  ki: refused("intervals of key frames"),
  vs: refused("samples of a video"),
  af: refused("sample rates"),
  dl: refused("delays of animations"),
  fn: refused("custom functions"),
};
