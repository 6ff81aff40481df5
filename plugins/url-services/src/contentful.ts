import type { Plugin } from "@mediatap/core";
import { invalid } from "@mediatap/core";
import {
  integer,
  oneOf,
  type Parameters,
  printHexColour,
  type Rule,
  unsupported,
  wordFor,
  words,
} from "@mediatap/core/language";
import type { Focus, Rgba } from "@mediatap/core/steps";
import {
  CLEAR,
  colour,
  flatten,
  format,
  MAX_SIDE,
  paint,
  pixelsOf,
  quality,
  queryService,
  resizeRule,
  type ServiceOptions,
  side,
  sizeOf,
  type Written,
} from "./common.ts";

interface ContentfulValues {
  w: number;
  h: number;
  fit: "pad" | "fill" | "scale" | "crop" | "thumb";
  f: Focus;
  bg: Rgba;
  r: number | "max";
  fm: Written;
  fl: "progressive" | "lossless";
  q: number;
}

/** Longest side that the service writes. */
const MAX_SIDE_PIXELS = 4000;

const FOCUS: ReadonlyMap<string, Focus> = new Map<string, Focus>([
  ["center", "center"],
  ["top", "top"],
  ["right", "right"],
  ["left", "left"],
  ["bottom", "bottom"],
  ["top_right", "top-right"],
  ["top_left", "top-left"],
  ["bottom_right", "bottom-right"],
  ["bottom_left", "bottom-left"],
  ["faces", "faces"],
  ["face", "faces"],
]);

/** https://www.contentful.com/developers/docs/references/images-api/ */
export const PARAMETERS: Parameters<ContentfulValues> = {
  w: side("width", [], MAX_SIDE_PIXELS),
  h: side("height", [], MAX_SIDE_PIXELS),
  fit: {
    means: "how an image meets both sides; it is fitted inside without it. `crop` does not scale it",
    values: "`pad`, `fill`, `scale`, `crop`, `thumb`",
    read: words("pad", "fill", "scale", "crop", "thumb"),
  },
  f: {
    means: "what `fill`, `crop` and `thumb` show, and where a padded image lies; `face` shows all faces, too",
    values:
      "`center`, `top`, `right`, `left`, `bottom`, `top_right`, `top_left`, `bottom_right`, `bottom_left`, `face`, `faces`",
    read: oneOf(FOCUS),
    print: (value) => wordFor(FOCUS, value) ?? "",
  },
  bg: {
    means: "colour below clear parts, around a padded image and behind round corners",
    values: "`rgb:RRGGBB`",
    read: (text, key) => {
      if (!/^rgb:#?[0-9a-f]{6}$/i.test(text)) throw invalid(key, "colour such as rgb:ff0000", text);
      return colour()(text.slice(4), key);
    },
    print: (color) => `rgb:${printHexColour(color)}`,
  },
  r: {
    means: "radius of the corners; `max` makes an ellipse",
    values: "pixels, `max`",
    read: (text, key) => (text === "max" ? text : integer(0, MAX_SIDE)(text, key)),
    step: (radius) => {
      if (radius === 0) return undefined;
      return { op: "round", radius: radius === "max" ? "max" : [radius, radius, radius, radius] };
    },
    fromStep(step) {
      if (step.op !== "round") return undefined;
      const { radius } = step;
      return radius === "max" ? "max" : radius.every((one) => one === radius[0]) ? radius[0] : undefined;
    },
  },
  fm: format(
    {
      jpg: { format: "jpeg" },
      png: { format: "png" },
      webp: { format: "webp" },
      avif: { format: "avif" },
      gif: { format: "gif" },
    },
    { missing: ["tiff"] },
  ),
  fl: {
    means: "progressive JPEGs, lossless WebP and AVIF. `png8` is refused",
    values: "`progressive`, `lossless`",
    read: (text, key) => {
      if (text === "png8") throw unsupported("limits of the number of colours", key, text);
      return words("progressive", "lossless")(text, key);
    },
    output: (value) => (value === "progressive" ? { progressive: true } : { lossless: true }),
    fromOutput: ({ progressive, lossless }) =>
      progressive ? "progressive" : lossless ? "lossless" : undefined,
  },
  q: quality(),
};

const KEYS = ["w", "h"] as const;

const resize: Rule<ContentfulValues> = {
  ...resizeRule<ContentfulValues>(
    ["w", "h", "fit", "f", "bg"],
    ({ w, h, fit, f: focus = "center", bg }) => {
      if (w === undefined && h === undefined) return [];
      const sides = sizeOf(["width", "height"], w, h);
      if (fit === "crop") return [{ op: "extract", ...sides, focus, outside: "clip", shrink: true }];
      if (w === undefined || h === undefined || fit === undefined) {
        return [{ op: "resize", ...sides, fit: "inside", enlarge: false }];
      }
      if (fit === "scale") return [{ op: "resize", ...sides, fit: "fill", enlarge: true }];
      if (fit === "pad") {
        return [
          { op: "resize", ...sides, fit: "contain", enlarge: false, focus, background: paint(bg ?? CLEAR) },
        ];
      }
      return [{ op: "resize", ...sides, fit: "cover", enlarge: false, focus }];
    },
    (step) => {
      const values = { ...pixelsOf(KEYS, step), ...(step.focus && { f: step.focus }) };
      const color = step.background?.kind === "color" ? step.background.color : undefined;
      const padded = { ...values, fit: "pad" as const };
      return [
        values,
        { ...values, fit: "scale" },
        { ...values, fit: "fill" },
        color && color.alpha > 0 ? { ...padded, bg: color } : padded,
      ];
    },
  ),
};

const crop: Rule<ContentfulValues> = {
  uses: ["w", "h", "fit", "f"],
  // `resize` makes it.
  steps: () => [],
  fromStep: (step) =>
    step.op === "extract" && !step.at
      ? { ...pixelsOf(KEYS, step), fit: "crop", ...(step.focus && { f: step.focus }) }
      : undefined,
};

/** The language of Contentful's Images API: `/space/asset/token/photo.jpg?w=300&fit=fill&f=face`. */
export const urlContentful = (options: ServiceOptions = {}): Plugin =>
  queryService(
    {
      name: "url-contentful",
      parameters: PARAMETERS,
      order: [
        resize,
        crop,
        "r",
        flatten<ContentfulValues>(
          "bg",
          ["fit", "w", "h", "r"],
          ({ fit, w, h, r = 0 }) => fit === "pad" && w !== undefined && h !== undefined && r === 0,
        ),
      ],
      // Without a format, an image keeps that of its source.
      defaults: { format: "source", sanitizeSvg: true },
    },
    options,
  );

export default urlContentful;
