import { invalid, type Step } from "@mediatap/core";
import {
  hexColour,
  integer,
  number,
  oneOf,
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
import type { Focus, ImageFormat, Rgba } from "@mediatap/core/steps";
import names from "color-name";

/** Largest side that sharp takes from a URL is more than any limit; this one keeps numbers whole. */
const MAX_SIDE = 100_000;

export type Fit = "cover" | "contain" | "fill" | "inside" | "outside";
export type Box = readonly [width: number, height: number];

/** What the values of the modifiers are. */
export interface IpxValues {
  width: number;
  height: number;
  s: Box;
  resize: Box;
  fit: Fit;
  position: Focus;
  kernel: "lanczos3";
  enlarge: true;
  background: Rgba;
  trim: number;
  extract: readonly [left: number, top: number, width: number, height: number];
  extend: readonly [top: number, right: number, bottom: number, left: number];
  rotate: number;
  flip: true;
  flop: true;
  flatten: true;
  blur: number;
  sharpen: number;
  grayscale: true;
  normalize: true;
  format: "auto" | ImageFormat;
  quality: number;
  animated: true;
  median: never;
  gamma: never;
  negate: never;
  threshold: never;
  modulate: never;
  tint: never;
}

/** IPX gives no meaning to the value of such a modifier. */
const flag: Reader<true> = () => true;

/** `200x100`; one number stands for both sides. */
const box: Reader<Box> = (text, key) => {
  const [, width = "", height = width] = /^(\d+)(?:x(\d+))?$/.exec(text) ?? [];
  const sides = [Number(width), Number(height)] as const;
  const isSide = (side: number) => side >= 1 && side <= MAX_SIDE;
  if (!sides.every(isSide)) throw invalid(key, "width x height such as 200x100", text);
  return sides;
};

/** `count` whole numbers, separated by `_`. */
const integers = (count: number, expected: string): Reader<number[]> => {
  return (text, key) => {
    const parts = text.split("_");
    if (parts.length !== count || !parts.every((part) => /^\d{1,6}$/.test(part))) {
      throw invalid(key, expected, text);
    }
    return parts.map(Number);
  };
};

const colour: Reader<Rgba> = (text, key) => {
  const word = text.toLowerCase();
  if (word === "transparent") return { r: 0, g: 0, b: 0, alpha: 0 };
  const parsed = hexColour(text.replace(/^#/, ""));
  if (parsed) return parsed;
  if (!Object.hasOwn(names, word)) throw invalid(key, "colour such as ff0000 or red", text);
  const [r, g, b] = names[word as keyof typeof names];
  return { r, g, b, alpha: 1 };
};

/** Sharp's words for positions, and its numbers. */
const POSITIONS: ReadonlyMap<string, Focus> = new Map<string, Focus>([
  ["center", "center"],
  ["top", "top"],
  ["right top", "top-right"],
  ["right", "right"],
  ["right bottom", "bottom-right"],
  ["bottom", "bottom"],
  ["left bottom", "bottom-left"],
  ["left", "left"],
  ["left top", "top-left"],
  ["entropy", "entropy"],
  ["attention", "attention"],
  ["centre", "center"],
  ["north", "top"],
  ["northeast", "top-right"],
  ["east", "right"],
  ["southeast", "bottom-right"],
  ["south", "bottom"],
  ["southwest", "bottom-left"],
  ["west", "left"],
  ["northwest", "top-left"],
  ["0", "center"],
  ["1", "top"],
  ["2", "right"],
  ["3", "bottom"],
  ["4", "left"],
  ["5", "top-right"],
  ["6", "bottom-right"],
  ["7", "bottom-left"],
  ["8", "top-left"],
  ["16", "entropy"],
  ["17", "attention"],
]);

const FORMATS: ReadonlyMap<string, "auto" | ImageFormat> = new Map<string, "auto" | ImageFormat>([
  ["auto", "auto"],
  ["jpeg", "jpeg"],
  ["jpg", "jpeg"],
  ["png", "png"],
  ["webp", "webp"],
  ["avif", "avif"],
  ["gif", "gif"],
]);

/** Formats that IPX writes and this server does not. */
const OTHER_FORMATS = ["tiff", "heif", "heic"];

const format: Reader<"auto" | ImageFormat> = (text, key) => {
  if (OTHER_FORMATS.includes(text)) throw unsupported("this format", key, text);
  return oneOf(FORMATS)(text, key);
};

/** Sharp's kernels; libvips scales with the default one here. */
const KERNELS = ["nearest", "linear", "cubic", "mitchell", "lanczos2", "lanczos3", "mks2013", "mks2021"];

const kernel: Reader<"lanczos3"> = (text, key) => {
  if (text === "lanczos3") return text;
  if (KERNELS.includes(text)) throw unsupported("this resampling kernel", key, text);
  throw unlisted(key, KERNELS, text);
};

/** The sharpening of sharp with this sigma is a step; that of another one is not. */
const SHARPEN_SIGMA = 1;
const SHARPEN_AMOUNT = 50;

const sharpness: Reader<number> = (text, key) => {
  const [sigma = ""] = text.split("_");
  const value = number(0.01, 10_000)(sigma, key);
  if (value !== SHARPEN_SIGMA || text !== sigma)
    throw unsupported(`sharpening other than ${key}_1`, key, text);
  return value;
};

const is = (step: Step, op: Step["op"]): true | undefined => (step.op === op ? true : undefined);

/** All modifiers of IPX, in the order of its documentation. */
export const PARAMETERS: Parameters<IpxValues> = {
  width: {
    means: "width; alone, the height follows",
    values: "pixels",
    also: ["w"],
    read: integer(1, MAX_SIDE),
  },
  height: {
    means: "height; not beside `width` or `s`",
    values: "pixels",
    also: ["h"],
    read: integer(1, MAX_SIDE),
  },
  s: {
    means: "width and height; `fit` says how the image meets them",
    values: "`<width>x<height>`, `<side>`",
    read: box,
    print: ([width, height]) => `${width}x${height}`,
  },
  resize: {
    means: "as `s`",
    values: "`<width>x<height>`, `<side>`",
    read: box,
    print: ([width, height]) => `${width}x${height}`,
  },
  kernel: { means: "resampling; others are refused", values: "`lanczos3`", read: kernel },
  fit: {
    means: "how an image meets `s`; `cover` if it is left out",
    values: "`cover`, `contain`, `fill`, `inside`, `outside`",
    read: words("cover", "contain", "fill", "inside", "outside"),
  },
  position: {
    means: "what a `cover` shows, and where a `contain` lies",
    values: "sharp's words and numbers: `top`, `right top`, `northeast`, `entropy`, `attention`, `16` …",
    also: ["pos"],
    read: oneOf(POSITIONS),
    print: (focus) => wordFor(POSITIONS, focus) ?? focus,
  },
  trim: {
    means: "cuts edges that are like the corner",
    values: "nothing, 1–99",
    read: (text, key) => (text === "" ? 10 : integer(1, 99)(text, key)),
    step: (tolerance) => ({ op: "trim", tolerance }),
    fromStep: (step) => (step.op === "trim" ? step.tolerance : undefined),
  },
  extend: {
    means: "adds edges in the `background`",
    values: "`<top>_<right>_<bottom>_<left>`",
    read: (text, key) => {
      const [top = 0, right = 0, bottom = 0, left = 0] = integers(4, "top_right_bottom_left")(text, key);
      return [top, right, bottom, left];
    },
    print: (sides) => sides.join("_"),
  },
  background: {
    means: "colour of `contain`, `extend`, `flatten` and `rotate`; black if it is left out",
    values: "hexadecimal, CSS names",
    also: ["b"],
    read: colour,
    print: printHexColour,
  },
  extract: {
    means: "cuts a window out, before the image is scaled",
    values: "`<left>_<top>_<width>_<height>`",
    also: ["crop"],
    read: (text, key) => {
      const [left = 0, top = 0, width = 0, height = 0] = integers(4, "left_top_width_height")(text, key);
      if (width === 0 || height === 0) throw invalid(key, "a window with a size", text);
      return [left, top, width, height];
    },
    print: (window) => window.join("_"),
    step: ([x, y, width, height]) => ({
      op: "extract",
      width,
      height,
      at: { from: "corner", x, y },
      outside: "error",
      shrink: true,
    }),
    fromStep: (step) => {
      if (step.op !== "extract" || step.outside === "pad") return undefined;
      const { width, height, at } = step;
      const [x, y] = [at?.x, at?.y];
      const isWindow = [x, y, width, height].every((value) => typeof value === "number");
      return isWindow ? ([x, y, width, height] as [number, number, number, number]) : undefined;
    },
  },
  format: {
    means: "format; `auto` by the client. `tiff`, `heif` and `heic` are refused",
    values: "`auto`, `jpeg`, `jpg`, `png`, `webp`, `avif`, `gif`",
    also: ["f"],
    read: format,
    output: (format) => ({ format }),
    fromOutput: ({ format }) =>
      format === "source" || format === "original" || format === "svg" ? undefined : format,
  },
  quality: {
    means: "quality",
    values: "1–100",
    also: ["q"],
    read: integer(1, 100),
    output: (quality) => ({ quality }),
    fromOutput: ({ quality }) => (typeof quality === "number" ? quality : undefined),
  },
  rotate: {
    means: "turns clockwise; not beside `resize`, nor by 90 degrees beside `height` alone",
    values: "degrees",
    read: number(-36_000, 36_000),
  },
  enlarge: { means: "lets small images be scaled up", read: flag },
  flip: { means: "upside down", read: flag },
  flop: { means: "left to right", read: flag },
  sharpen: {
    means: "sharpens; other values are refused",
    values: "1",
    read: sharpness,
    step: () => ({ op: "sharpen", amount: SHARPEN_AMOUNT }),
    fromStep: (step) => (step.op === "sharpen" && step.amount === SHARPEN_AMOUNT ? SHARPEN_SIGMA : undefined),
  },
  median: refused("median filters"),
  blur: {
    means: "Gaussian blur",
    values: "0.3–1000",
    read: number(0.3, 1000),
    step: (sigma) => ({ op: "blur", sigma }),
    fromStep: (step) => (step.op === "blur" ? step.sigma : undefined),
    print: printNumber,
  },
  gamma: refused("gamma correction"),
  negate: refused("negatives"),
  normalize: {
    means: "stretches the tones to the full range",
    read: flag,
    step: () => ({ op: "contrast" }),
    fromStep: (step) => is(step, "contrast"),
  },
  threshold: refused("thresholds"),
  tint: refused("tints"),
  grayscale: {
    means: "shades of grey",
    read: flag,
    step: () => ({ op: "grayscale" }),
    fromStep: (step) => is(step, "grayscale"),
  },
  flatten: { means: "lays the image on `background`", read: flag },
  modulate: refused("brightness, saturation and hue"),
  animated: {
    means: "keeps an animation that becomes WebP or AVIF; without it, the first frame",
    also: ["a"],
    read: flag,
    fromOutput: ({ format }, { steps }) =>
      format === undefined || format === "gif" || steps.some(({ op }) => op === "frame") ? undefined : true,
  },
};
