import { invalid } from "@mediatap/core";
import {
  boolean,
  decimal,
  ignored,
  integer,
  neutral,
  number,
  oneOf,
  type Parameter,
  type Parameters,
  printHexColour,
  printNumber,
  type Reader,
  refused,
  unlisted,
  unsupported,
  wordFor,
  words,
} from "@mediatap/core/language";
import type { Focus, Rgba } from "@mediatap/core/steps";
import colorString from "color-string";

/** More than any limit of the server; keeps numbers whole. */
const MAX_SIDE = 100_000;

export type Fit = "scale-down" | "contain" | "cover" | "crop" | "aspect-crop" | "pad" | "squeeze";
export type Sides = readonly [top: number, right: number, bottom: number, left: number];

/** Fractions of width and height, from the top left corner. */
export type Fractions = readonly [x: number, y: number];

/** A format, and whether a JPEG is progressive. */
type Format = "auto" | "avif" | "webp" | "jpeg" | "baseline-jpeg" | "png";

/** What the values of the options are. */
export interface CloudflareValues {
  width: number;
  height: number;
  dpr: number;
  fit: Fit;
  gravity: Focus | Fractions;
  zoom: 0;
  trim: Sides;
  "trim.width": number;
  "trim.height": number;
  "trim.left": number;
  "trim.top": number;
  flip: "h" | "v" | "hv";
  rotate: number;
  background: Rgba;
  format: Format;
  quality: number;
  "slow-connection-quality": number;
  metadata: "keep" | "strip";
  anim: boolean;
  blur: number;
  sharpen: number;
  saturation: number;
  brightness: number;
  contrast: number;
  gamma: number;
  upscale: "interpolate";
  onerror: true;
  border: never;
  compression: never;
  segment: never;
  draw: never;
}

const side: Reader<number> = (text, key) => {
  if (text === "auto") throw unsupported("sizes that the client's hints choose", key, text);
  return integer(1, MAX_SIDE)(text, key);
};

const colour: Reader<Rgba> = (text, key) => {
  const word = text.toLowerCase();
  const parsed = colorString.get(word);
  if (parsed && parsed.model !== "rgb") throw unsupported("colours by hue", key, text);
  const [r, g, b, alpha] = parsed?.value ?? [];
  if (r === undefined || g === undefined || b === undefined || alpha === undefined) {
    throw invalid(key, "CSS colour such as red, #ff0000 or rgb(255 0 0)", text);
  }
  return { r, g, b, alpha };
};

/** Corners have no words here: they are points. */
const GRAVITIES: ReadonlyMap<string, Focus> = new Map<string, Focus>([
  ["auto", "attention"],
  ["face", "faces"],
  ["left", "left"],
  ["right", "right"],
  ["top", "top"],
  ["bottom", "bottom"],
  ["0.5x0.5", "center"],
  ["0x0", "top-left"],
  ["1x0", "top-right"],
  ["0x1", "bottom-left"],
  ["1x1", "bottom-right"],
  // Other words for what is above.
  ["center", "center"],
  ["0.5x0", "top"],
  ["0.5x1", "bottom"],
  ["0x0.5", "left"],
  ["1x0.5", "right"],
]);

const gravity: Reader<Focus | Fractions> = (text, key) => {
  const [x, y, more] = text.split("x").map(decimal);
  if (x === undefined || y === undefined || more !== undefined || !/^[\d.]+x[\d.]+$/.test(text)) {
    const word = GRAVITIES.get(text);
    if (word === undefined) throw unlisted(key, [...[...GRAVITIES.keys()].slice(0, 6), "0.5x0.33"], text);
    return word;
  }
  if (x > 1 || y > 1) throw invalid(key, "fractions from 0 to 1 such as 0.5x0.33", text);
  return GRAVITIES.get(`${x}x${y}`) ?? [x, y];
};

const FORMATS = words<Format>("auto", "avif", "webp", "jpeg", "baseline-jpeg", "png");

const format: Reader<Format> = (text, key) => {
  if (text === "json") throw unsupported("descriptions of images", key, text);
  return FORMATS(text === "png-force" ? "png" : text, key);
};

const QUALITIES: ReadonlyMap<string, number> = new Map([
  ["high", 90],
  ["medium-high", 80],
  ["medium-low", 65],
  ["low", 50],
]);

const quality: Reader<number> = (text, key) => {
  const named = QUALITIES.get(text);
  if (named !== undefined) return named;
  if (decimal(text) === undefined) throw unlisted(key, [...QUALITIES.keys(), "1–100"], text);
  return integer(1, 100)(text, key);
};

const metadata: Reader<"keep" | "strip"> = (text, key) => {
  if (text === "copyright") throw unsupported("keeping nothing but the copyright", key, text);
  return oneOf(new Map([["none", "strip"] as const, ["keep", "keep"] as const]))(text, key);
};

const sides: Reader<Sides> = (text, key) => {
  const parts = text.split(";").map(decimal);
  const isSide = (part: number | undefined) =>
    part !== undefined && Number.isInteger(part) && part >= 0 && part <= MAX_SIDE;
  if (parts.length !== 4 || !parts.every(isSide)) {
    throw invalid(key, "top;right;bottom;left in pixels such as 20;30;20;0", text);
  }
  return parts as [number, number, number, number];
};

/** Factors that leave the image as it is are understood, others are refused. */
const factor = (capability: string) => neutral<number>(1, capability, number(0, 1000));

const saturation: Reader<number> = (text, key) => {
  const value = number(0, 1000)(text, key);
  if (value !== 0 && value !== 1) throw unsupported("saturation other than 0 and 1", key, text);
  return value;
};

const zoom: Reader<0> = (text, key) => {
  if (number(0, 1)(text, key) !== 0) throw unsupported("crops that are closer to faces", key, text);
  return 0;
};

const upscale: Reader<"interpolate"> = (text, key) => {
  if (text === "generate") throw unsupported("enlarging with generated details", key, text);
  return words("interpolate")(text, key);
};

/** Sharp's own strength, for what the documentation recommends. */
const SHARPEN_AMOUNT = 50;

const trimmed = (of: string): Parameter<number> => ({
  means: `${of} of the part that is kept, in pixels`,
  values: "pixels",
  read: integer(of === "width" || of === "height" ? 1 : 0, MAX_SIDE),
});

/** All options of the documentation. */
export const PARAMETERS: Parameters<CloudflareValues> = {
  width: { means: "width; `auto` is refused", values: "pixels", also: ["w"], read: side },
  height: { means: "height; `auto` is refused", values: "pixels", also: ["h"], read: side },
  dpr: {
    means: "multiplies `width`, `height` and `trim`",
    values: "0.1–10",
    read: number(0.1, 10),
  },
  fit: {
    means: "how an image meets `width` and `height`; `scale-down` if it is left out",
    values: "`scale-down`, `contain`, `cover`, `crop`, `aspect-crop`, `pad`, `squeeze`",
    read: words<Fit>("scale-down", "contain", "cover", "crop", "aspect-crop", "pad", "squeeze"),
  },
  gravity: {
    means: "what `cover`, `crop` and `aspect-crop` show; a point has the same fractions in image and crop",
    values: "`auto`, `face`, `left`, `right`, `top`, `bottom`, `center`, `<x>x<y>` from 0 to 1",
    also: ["g"],
    read: gravity,
    print: (value) => (typeof value === "string" ? (wordFor(GRAVITIES, value) ?? value) : value.join("x")),
  },
  zoom: {
    means: "0 changes nothing; other values are refused",
    values: "0",
    also: ["face-zoom"],
    read: zoom,
  },
  trim: {
    means: "pixels cut off at each side, before anything else",
    values: "`<top>;<right>;<bottom>;<left>`",
    read: sides,
    print: (parts) => parts.join(";"),
  },
  "trim.width": trimmed("width"),
  "trim.height": trimmed("height"),
  "trim.left": trimmed("left edge"),
  "trim.top": trimmed("top edge"),
  flip: {
    means: "mirrors, before `rotate`",
    values: "`h`, `v`, `hv`",
    read: words("h", "v", "hv"),
    step: (axes) => ({ op: "flip", horizontal: axes.includes("h"), vertical: axes.includes("v") }),
    fromStep: (step) =>
      step.op === "flip"
        ? (`${step.horizontal ? "h" : ""}${step.vertical ? "v" : ""}` as "h" | "v" | "hv")
        : undefined,
  },
  rotate: {
    means: "turns clockwise, before `width` and `height`",
    values: "90, 180, 270",
    read: oneOf(new Map([90, 180, 270].map((angle) => [String(angle), angle]))),
    step: (angle) => ({ op: "rotate", angle }),
    fromStep: (step) => (step.op === "rotate" ? step.angle : undefined),
  },
  background: {
    means: "colour below clear parts, and of `pad`, which is white without it",
    values: "CSS colours but `hsl` and `hwb`",
    read: colour,
    print: ({ r, g, b, alpha }) =>
      alpha === 1 ? `#${printHexColour({ r, g, b, alpha })}` : `rgb(${r} ${g} ${b} / ${alpha})`,
  },
  format: {
    means: "format; `auto` by the client, `jpeg` is progressive. `json` is refused",
    values: "`auto`, `avif`, `webp`, `jpeg`, `baseline-jpeg`, `png`",
    also: ["f"],
    read: format,
    output: (value) =>
      value === "jpeg" || value === "baseline-jpeg"
        ? { format: "jpeg", progressive: value === "jpeg" }
        : { format: value },
    fromOutput({ format, progressive }) {
      if (format === "jpeg") return progressive ? "jpeg" : "baseline-jpeg";
      return format === "auto" || format === "avif" || format === "webp" || format === "png"
        ? format
        : undefined;
    },
  },
  quality: {
    means: "quality; a WebP of quality 100 is lossless",
    values: "1–100, `high` (90), `medium-high` (80), `medium-low` (65), `low` (50)",
    also: ["q"],
    read: quality,
    output: (value) => ({ quality: value }),
    fromOutput: ({ quality }) => (typeof quality === "number" ? quality : undefined),
  },
  "slow-connection-quality": {
    means:
      "quality for clients whose hints (`RTT`, `Save-Data`, `ECT`, `Downlink`) describe a slow connection",
    values: "as `quality`",
    also: ["scq"],
    read: quality,
  },
  metadata: {
    means: "metadata of the source; none is kept if it is left out. `copyright` is refused",
    values: "`keep`, `none`",
    read: metadata,
    print: (value) => (value === "strip" ? "none" : value),
    output: (value) => ({ metadata: value }),
    fromOutput: ({ metadata }) => metadata,
  },
  anim: {
    means: "`false` makes a still image of an animation",
    values: "`true`, `false`",
    read: boolean,
    print: String,
    step: (keeps) => (keeps ? undefined : { op: "frame", page: 1 }),
    fromStep: (step) =>
      step.op === "frame" && step.page === 1 && step.time === undefined ? false : undefined,
  },
  blur: {
    means: "Gaussian blur; the standard deviation is half of it",
    values: "1–250",
    read: number(1, 250),
    print: printNumber,
    step: (radius) => ({ op: "blur", sigma: radius / 2 }),
    fromStep: (step) => (step.op === "blur" ? step.sigma * 2 : undefined),
  },
  sharpen: {
    means: "sharpens",
    values: "0–10",
    read: number(0, 10),
    print: printNumber,
    step: (strength) => ({ op: "sharpen", amount: strength * SHARPEN_AMOUNT }),
    fromStep: (step) => (step.op === "sharpen" ? step.amount / SHARPEN_AMOUNT : undefined),
  },
  saturation: {
    means: "0 makes shades of grey, 1 changes nothing; other values are refused",
    values: "0, 1",
    read: saturation,
    step: (value) => (value === 0 ? { op: "grayscale" } : undefined),
    fromStep: (step) => (step.op === "grayscale" ? 0 : undefined),
  },
  brightness: factor("brightness"),
  contrast: factor("contrast"),
  gamma: factor("gamma correction"),
  upscale: {
    means: "how images are enlarged; `generate` is refused",
    values: "`interpolate`",
    read: upscale,
    step: () => undefined,
  },
  onerror: ignored("an image that cannot be transformed is an error, and no redirect"),
  compression: refused("the format that is encoded fastest"),
  border: refused("borders, which Cloudflare documents for Workers only"),
  segment: refused("removing the background"),
  draw: refused("overlays, which Cloudflare documents for Workers only"),
};
