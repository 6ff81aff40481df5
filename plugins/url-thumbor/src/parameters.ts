import { invalid, type Step } from "@mediatap/core";
import {
  assetOf,
  decimal,
  hexColour,
  integer,
  number,
  oneOf,
  type Parameters,
  printHexColour,
  type Reader,
  refused,
  unlisted,
  unsupported,
  words,
} from "@mediatap/core/language";
import type { ImageFormat, Paint, Rgba } from "@mediatap/core/steps";
import names from "color-name";

const CLEAR: Rgba = { r: 0, g: 0, b: 0, alpha: 0 };

/** A window; fractions of the image if one of them has a decimal point. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly isFraction: boolean;
}

/** A side in pixels; `orig`: as it is; 0: it follows. */
export type Side = number | "orig";

/** Position on another image: at a distance from the start or the end, in pixels or as a fraction. */
export interface Offset {
  readonly from: "start" | "end" | "center";
  readonly by: number;
  readonly isFraction: boolean;
}

export interface Watermark {
  readonly path: string;
  readonly x: Offset;
  readonly y: Offset;
  /** 0–1. */
  readonly opacity: number;
  /** Of the image's width and height. */
  readonly width?: number;
  readonly height?: number;
}

/** What the values of segments and filters are. */
export interface ThumborValues {
  debug: never;
  meta: never;
  trim: number;
  "AxB:CxD": Window;
  "fit-in": { readonly adaptive: boolean; readonly full: boolean };
  stretch: true;
  WxH: readonly [width: Side, height: Side];
  "-W": true;
  "-H": true;
  "GxH:IxJ": never;
  halign: "left" | "center" | "right";
  valign: "top" | "middle" | "bottom";
  smart: true;
  fill: Paint;
  focal: Window;
  no_upscale: true;
  upscale: true;
  cover: number;
  proportion: number;
  watermark: Watermark;
  round_corner: { readonly radius: number; readonly color?: Rgba };
  background_color: Rgba;
  blur: number;
  sharpen: readonly [amount: number, radius: number];
  grayscale: true;
  rotate: number;
  format: ImageFormat;
  quality: number;
  strip_exif: true;
  strip_icc: true;
  brightness: never;
  contrast: never;
  saturation: never;
  hue: never;
  rgb: never;
  colorize: never;
  equalize: never;
  curve: never;
  noise: never;
  convolution: never;
  red_eye: never;
  drop_shadow: never;
  autojpg: never;
  max_bytes: never;
  max_age: never;
  extract_focal: never;
  distributed_collage: never;
  frame: never;
  text: never;
  crop: never;
  padding: never;
  orient: never;
  dpi: never;
  max_frames: never;
  to_colorspace: never;
  strip_metadata: never;
  attachment: never;
  raw: never;
}

const flag: Reader<true> = (text, key) => {
  if (text !== "") throw invalid(key, "no arguments", text);
  return true;
};

/** The arguments of a filter, of which there are so many. */
function argumentsOf(text: string, key: string, min: number, max: number, expected: string): string[] {
  const parts = text === "" ? [] : text.split(",");
  if (parts.length < min || parts.length > max) throw invalid(key, expected, text);
  return parts;
}

const colour: Reader<Rgba> = (text, key) => {
  const word = text.toLowerCase();
  if (word === "transparent" || word === "none") return CLEAR;
  const parsed = hexColour(text.replace(/^#/, ""));
  if (parsed) return parsed;
  if (!Object.hasOwn(names, word)) throw invalid(key, "colour such as ff0000 or red", text);
  const [r, g, b] = names[word as keyof typeof names];
  return { r, g, b, alpha: 1 };
};

const printColour = (color: Rgba): string => (color.alpha === 0 ? "transparent" : printHexColour(color));

const fill: Reader<Paint> = (text, key) => {
  const [color = "", transparent] = argumentsOf(text, key, 1, 2, "colour such as ff0000, red, auto or blur");
  if (transparent !== undefined && !/^(?:true|false|0|1)$/i.test(transparent)) {
    throw invalid(key, "boolean as second argument", transparent);
  }
  if (color === "blur") return { kind: "blurred", intensity: "auto", brightness: 0 };
  return color === "auto" ? { kind: "dominant" } : { kind: "color", color: colour(color, key) };
};

function windowOf(text: string, key: string): Window {
  const parts = text.split(/[x:]/);
  const [left = -1, top = -1, right = -1, bottom = -1] = parts.map((part) => decimal(part) ?? -1);
  const isFraction = text.includes(".");
  const least = Math.min(left, top, right, bottom);
  if (parts.length !== 4 || least < 0 || (isFraction && Math.max(right, bottom) > 1)) {
    throw invalid(key, "window such as 10x20:300x200", text);
  }
  return { left, top, right, bottom, isFraction };
}

const window: Reader<Window> = (text, key) => {
  const parsed = windowOf(text, key);
  const { left, top, right, bottom } = parsed;
  if (right + bottom > 0 && (right <= left || bottom <= top)) {
    throw invalid(key, "window with a size such as 10x20:300x200", text);
  }
  return parsed;
};

const printWindow = ({ left, top, right, bottom }: Window) => `${left}x${top}:${right}x${bottom}`;

/** A region, or a point as imagor has it. */
const focal: Reader<Window> = (text, key) => {
  const [x = "", y] = text.split(",");
  return windowOf(y === undefined ? text : `${x}x${y}:${x}x${y}`, key);
};

const trim: Reader<number> = (text, key) => {
  const [, position, tolerance = "1"] = /^(?:(top-left|bottom-right)(?::|$))?(.*)$/.exec(text) ?? [];
  if (position === "bottom-right") throw unsupported("trim by the bottom right corner", key, text);
  const value = integer(0, 442)(tolerance === "" ? "1" : tolerance, key);
  if (value > 99) throw unsupported("a tolerance above 99", key, text);
  return Math.max(1, value);
};

const side = (text: string, key: string): Side =>
  text === "orig" ? text : text === "" ? 0 : integer(0, 100_000)(text, key);

const FORMATS: ReadonlyMap<string, ImageFormat> = new Map<string, ImageFormat>([
  ["jpeg", "jpeg"],
  ["jpg", "jpeg"],
  ["png", "png"],
  ["webp", "webp"],
  ["avif", "avif"],
  ["gif", "gif"],
]);

/** Formats that thumbor or imagor write and this server does not. */
const OTHER_FORMATS = ["heic", "heif", "jxl", "tiff", "jp2", "mp4", "webm"];

const format: Reader<ImageFormat> = (text, key) => {
  if (OTHER_FORMATS.includes(text)) throw unsupported("this format", key, text);
  return oneOf(FORMATS)(text, key);
};

const ROUND = "radius and colour such as 20,255,255,255 or 20";

/** `radius,r,g,b[,transparent]` as thumbor has it, `rx[,ry[,color]]` as imagor does. */
const roundCorner: Reader<ThumborValues["round_corner"]> = (text, key) => {
  const parts = argumentsOf(text, key, 1, 5, ROUND);
  const [first = "", ...rest] = parts;
  const isThumbors = parts.length >= 4;
  const [across = "", down = (!isThumbors && rest[0]) || across] = first.split("|");
  const radius = integer(0, 10_000)(across, key);
  if (integer(0, 10_000)(down, key) !== radius) throw unsupported("elliptic corners", key, text);
  if (!isThumbors) return { radius, ...(rest[1] !== undefined && { color: colour(rest[1], key) }) };
  const [r = 0, g = 0, b = 0] = rest.slice(0, 3).map((part) => integer(0, 255)(part, key));
  const isClear = /^(?:true|1)$/i.test(rest[3] ?? "");
  return { radius, ...(!isClear && { color: { r, g, b, alpha: 1 } }) };
};

const offset = (text: string, key: string): Offset => {
  if (text === "repeat") throw unsupported("repeated watermarks", key, text);
  if (["center", "left", "top", "right", "bottom"].includes(text)) {
    const from = text === "center" ? text : text === "left" || text === "top" ? "start" : "end";
    return { from, by: 0, isFraction: false };
  }
  const isFraction = text.endsWith("p");
  const value = decimal(isFraction ? text.slice(0, -1) : text);
  if (value === undefined) throw invalid(key, "position such as 10, -10, 20p or center", text);
  const from = text.startsWith("-") ? "end" : "start";
  return { from, by: Math.abs(value) / (isFraction ? 100 : 1), isFraction };
};

const watermark: Reader<Watermark> = (text, key) => {
  const expected = "image, x, y and transparency such as logo.png,-10,-10,50";
  const [image = "", x = "", y = "", alpha = "0", across = "none", down = "none"] = argumentsOf(
    text,
    key,
    3,
    6,
    expected,
  );
  const source = image.startsWith("b64:") ? Buffer.from(image.slice(4), "base64url").toString() : image;
  const { kind, path } = assetOf(source);
  if (kind === "url") throw unsupported("watermarks from other servers", key, image);
  const ratio = (part: string) => (part === "none" ? undefined : number(0.1, 1000)(part, key) / 100);
  const [width, height] = [ratio(across), ratio(down)];
  return {
    path,
    x: offset(x, key),
    y: offset(y, key),
    opacity: 1 - number(0, 100)(alpha, key) / 100,
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
  };
};

const is = (step: Step, op: Step["op"]): true | undefined => (step.op === op ? true : undefined);

/** Segments in their order, then filters in the order in which they are printed. */
export const PARAMETERS: Parameters<ThumborValues> = {
  debug: refused("debug images"),
  meta: refused("descriptions of operations"),
  trim: {
    means: "cuts edges that are like the top left corner; `trim:bottom-right` is refused",
    values: "`trim`, `trim:<tolerance>`, `trim:top-left:<tolerance>`; tolerance up to 99",
    read: trim,
    step: (tolerance) => ({ op: "trim", tolerance }),
    fromStep: (step) => (step.op === "trim" ? step.tolerance : undefined),
  },
  "AxB:CxD": {
    means: "cuts a window out, before the image is scaled; not beside `trim`",
    values: "`10x20:300x200` (left, top, right, bottom), fractions such as `0.1x0.1:0.9x0.9`",
    read: window,
    print: printWindow,
  },
  "fit-in": {
    means:
      "fits into the box and is not scaled up; `adaptive-` swaps the sides if that fits the orientation of the image, `full-` covers the box",
    values: "`fit-in`, `adaptive-fit-in`, `full-fit-in`, `adaptive-full-fit-in`",
    read: (text, key) => {
      const [, adaptive, full] = /^(adaptive-)?(full-)?fit-in$/.exec(text) ?? [];
      if (!text.endsWith("fit-in")) throw unlisted(key, ["fit-in", "adaptive-fit-in", "full-fit-in"], text);
      return { adaptive: adaptive !== undefined, full: full !== undefined };
    },
    print: ({ adaptive, full }) => `${adaptive ? "adaptive-" : ""}${full ? "full-" : ""}fit-in`,
  },
  stretch: { means: "scales to the box without keeping the ratio; also a filter, `stretch()`", read: flag },
  WxH: {
    means: "size; the image is scaled and cropped to it. A side of 0 follows, `orig` is that of the image",
    values: "`300x200`, `300x`, `0x200`, `300xorig`",
    read: (text, key) => {
      const [width = "", height = ""] = text.split("x");
      return [side(width, key), side(height, key)];
    },
    print: ([width, height]) => `${width}x${height}`,
  },
  "-W": { means: "mirrors left to right", values: "`-300x200`", read: flag },
  "-H": { means: "mirrors top to bottom", values: "`300x-200`", read: flag },
  "GxH:IxJ": refused("padding"),
  halign: {
    means: "which part a crop shows, and where the image is in a `fill`",
    values: "`left`, `center`, `right`",
    read: words("left", "center", "right"),
  },
  valign: {
    means: "the same from top to bottom",
    values: "`top`, `middle`, `bottom`",
    read: words("top", "middle", "bottom"),
  },
  smart: { means: "crops to faces, else to what catches the eye", read: flag },
  fill: {
    means:
      "what is around an image that is fitted in, and below clear parts; not after filters that change pixels",
    values: "`fill(ff0000)`, `fill(red)`, `fill(transparent)`, `fill(auto)`, `fill(blur)`",
    read: fill,
    print: (paint) =>
      paint.kind === "color" ? printColour(paint.color) : paint.kind === "blurred" ? "blur" : "auto",
  },
  focal: {
    means: "what a crop has in its middle; not beside `trim`",
    values: "`focal(100x50:180x90)`, `focal(0.5,0.2)`",
    read: focal,
    print: printWindow,
  },
  no_upscale: { means: "no side becomes longer than that of the original", read: flag },
  upscale: { means: "lets `fit-in` scale up", read: flag },
  cover: {
    means: "the first frame of an animation; `page(2)` another one",
    values: "`cover()`, `page(2)`",
    also: ["page"],
    read: (text, key) => (text === "" ? 1 : integer(1, 100_000)(text, key)),
    print: (page) => (page === 1 ? "" : String(page)),
    step: (page) => ({ op: "frame", page }),
    fromStep: (step) => (step.op === "frame" && step.time === undefined ? step.page : undefined),
  },
  proportion: {
    means: "scales the result",
    values: "`proportion(0.5)`, `proportion(50)`",
    read: (text, key) => {
      const value = number(0.001, 100)(text, key);
      return value > 1 ? value / 100 : value;
    },
  },
  watermark: {
    means: "adds an image of the endpoint on top of the result; `repeat` is refused",
    values: "`watermark(<image>,<x>,<y>,<transparency>[,<% of the width>[,<% of the height>]])`",
    read: watermark,
  },
  round_corner: {
    means: "rounds corners; outside they have the colour, or are clear",
    values: "`round_corner(20,255,255,255)`, `round_corner(20,0,0,0,true)`, `round_corner(20)`",
    read: roundCorner,
    print: ({ radius, color }) => `${radius}${color ? `,${radius},${printColour(color)}` : ""}`,
  },
  background_color: {
    means: "colour below clear parts",
    values: "`background_color(ff0000)`, `background_color(red)`",
    read: colour,
    print: printColour,
    step: (color) => ({ op: "flatten", background: { kind: "color", color } }),
    fromStep: (step) =>
      step.op === "flatten" && step.background.kind === "color" ? step.background.color : undefined,
  },
  blur: {
    means: "Gaussian blur, by its standard deviation; the radius if it is left out",
    values: "`blur(3)`, `blur(7,3)`; up to 150",
    read: (text, key) => {
      const [radius = "", sigma = "0"] = argumentsOf(text, key, 1, 2, "radius and sigma such as 7,3");
      const [across, deviation] = [number(0, 150)(radius, key), number(0, 150)(sigma, key)];
      return deviation === 0 ? across : deviation;
    },
    step: (sigma) => ({ op: "blur", sigma }),
    fromStep: (step) => (step.op === "blur" ? step.sigma : undefined),
  },
  sharpen: {
    means: "sharpens by an unsharp mask",
    values: "`sharpen(<amount>,<radius>,<luminance only>)`, `sharpen(<radius>)`",
    read: (text, key) => {
      const [first = "", second, luminance = "true"] = argumentsOf(
        text,
        key,
        1,
        3,
        "amount and radius such as 2,1,true",
      );
      if (!/^(?:true|false|0|1)$/i.test(luminance))
        throw invalid(key, "boolean as third argument", luminance);
      const [amount, radius] = second === undefined ? ["1", first] : [first, second];
      return [number(0, 100)(amount, key), number(0, 100)(radius, key)];
    },
    print: (values) => values.join(","),
    step: ([amount, radius]) =>
      radius === 0 ? undefined : { op: "unsharp", radius, sigma: radius, amount, threshold: 0 },
    fromStep: (step) =>
      step.op === "unsharp" && step.radius === step.sigma ? [step.amount, step.sigma] : undefined,
  },
  grayscale: {
    means: "shades of grey",
    read: flag,
    step: () => ({ op: "grayscale" }),
    fromStep: (step) => is(step, "grayscale"),
  },
  rotate: {
    means: "turns counterclockwise",
    values: "`rotate(90)`; multiples of 90, others are refused",
    read: (text, key) => {
      const angle = number(-36_000, 36_000)(text, key);
      if (angle % 90 !== 0) throw unsupported("rotation by other angles than multiples of 90", key, text);
      return ((angle % 360) + 360) % 360;
    },
    step: (angle) => ({ op: "rotate", angle: (360 - angle) % 360 }),
    fromStep: (step) => (step.op === "rotate" ? (360 - step.angle) % 360 : undefined),
  },
  format: {
    means: "format; `heic`, `jxl`, `tiff` and `jp2` are refused",
    values: "`jpeg`, `jpg`, `png`, `webp`, `avif`, `gif`",
    read: format,
    output: (format) => ({ format }),
    fromOutput: ({ format }) =>
      format === "auto" || format === "source" || format === "original" || format === "svg"
        ? undefined
        : format,
  },
  quality: {
    means: "quality",
    values: "1–100",
    read: integer(1, 100),
    output: (quality) => ({ quality }),
    fromOutput: ({ quality }) => (typeof quality === "number" ? quality : undefined),
  },
  strip_exif: {
    means: "writes no metadata",
    read: flag,
    output: () => ({ metadata: "strip" }),
    fromOutput: ({ metadata }) => (metadata === "strip" ? true : undefined),
  },
  strip_icc: {
    means: "converts to sRGB and writes no profile",
    also: ["srgb"],
    read: flag,
    output: () => ({ colorProfile: "srgb" }),
    fromOutput: ({ colorProfile }) => (colorProfile === "srgb" ? true : undefined),
  },
  brightness: refused("brightness"),
  contrast: refused("contrast"),
  saturation: refused("saturation"),
  hue: refused("hue"),
  rgb: refused("amounts of red, green and blue"),
  colorize: refused("tints"),
  equalize: refused("equalised histograms"),
  curve: refused("tone curves"),
  noise: refused("noise"),
  convolution: refused("convolution matrices"),
  red_eye: refused("correction of red eyes"),
  drop_shadow: refused("shadows"),
  autojpg: refused("JPEG for opaque PNG", ["autoJpg"]),
  max_bytes: refused("limits of the file size"),
  max_age: refused("cache lifetimes by URL"),
  extract_focal: refused("focal points in URLs of originals"),
  distributed_collage: refused("collages"),
  frame: refused("frames"),
  text: refused("texts"),
  crop: refused("crops after scaling"),
  padding: refused("padding"),
  orient: refused("rotation before scaling"),
  dpi: refused("resolutions of documents"),
  max_frames: refused("limits of frames"),
  to_colorspace: refused("conversion to other profiles"),
  strip_metadata: refused("removal of all metadata at once; `strip_exif` and `strip_icc` instead"),
  attachment: refused("download by URL", ["expire", "preview"]),
  raw: refused("originals in place of results"),
};
