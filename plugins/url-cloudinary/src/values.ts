import { invalid, type Step } from "@mediatap/core";
import {
  decimal,
  hexColour,
  integer,
  number,
  oneOf,
  printHexColour,
  printNumber,
  type Reader,
  unlisted,
  unsupported,
} from "@mediatap/core/language";
import {
  type Expression,
  type Focus,
  type ImageFormat,
  isQuadrilateral,
  type Paint,
  type Point,
  type Rgba,
} from "@mediatap/core/steps";
import names from "color-name";
import { expression, printExpression } from "./expression.ts";

const MAX_SIDE = 100_000;

/** What `w` and `h` can be: pixels, `{ of }` a fraction of what is there, or what the client reports. */
export type Side = Expression | { readonly of: number } | { readonly hint: number | undefined };

/** `300`, `0.5`, `iw_div_2`. A number with a point, up to 1 and for a few above, is a fraction. */
export const side: Reader<Side> = (text, key) => {
  const value = decimal(text);
  if (value === undefined) return expression(text, key);
  if (text.includes(".") && value > 0 && value <= 20) return { of: value };
  if (!Number.isInteger(value) || value < 1 || value > MAX_SIDE)
    throw invalid(key, "pixels, fraction or calculation", text);
  return value;
};

/** As `side`; `auto[:…]`: what the client reports, or the last number. */
export const autoSide: Reader<Side> = (text, key) => {
  if (!/^auto(?::|$)/.test(text)) return side(text, key);
  const [, first, ...rest] = text.split(":");
  if (first === undefined) return { hint: undefined };
  if (rest.length > 0 || first.startsWith("breakpoints"))
    throw unsupported("breakpoints of responsive widths", key, text);
  return { hint: integer(1, MAX_SIDE)(first, key) };
};

export const printSide = (side: Side): string => {
  if (typeof side !== "object" || Array.isArray(side)) return printExpression(side as Expression);
  if ("of" in side) return Number.isInteger(side.of) ? `${side.of}.0` : printNumber(side.of);
  return "hint" in side && side.hint !== undefined ? `auto:${side.hint}` : "auto";
};

/** `16:9`, `1.5`, `iar_div_2`. */
export const ratio: Reader<Expression> = (text, key) => {
  const parts = text.split(":");
  if (parts.length === 1) {
    const parsed = expression(text, key);
    if (typeof parsed === "number" && parsed <= 0) throw invalid(key, "ratio such as 16:9", text);
    return parsed;
  }
  const [width, height] = parts.map(decimal);
  if (parts.length !== 2 || !width || !height || width < 0 || height < 0)
    throw invalid(key, "ratio such as 16:9", text);
  return width / height;
};

const WHITE: Rgba = { r: 255, g: 255, b: 255, alpha: 1 };

export const colour: Reader<Rgba> = (text, key) => {
  if (text === "transparent") return { ...WHITE, alpha: 0 };
  const [, hex] = /^rgba?:([0-9a-f]{3,8})$/i.exec(text) ?? [];
  const parsed = hex === undefined ? undefined : hexColour(hex);
  if (parsed) return parsed;
  const word = text.toLowerCase().replaceAll("_", "");
  if (!Object.hasOwn(names, word)) throw invalid(key, "colour such as red or rgb:ff0000", text);
  const [r, g, b] = names[word as keyof typeof names];
  return { r, g, b, alpha: 1 };
};

export const printColour = (color: Rgba) =>
  color.alpha === 0 ? "transparent" : `rgb:${printHexColour(color)}`;

/** Blurs of Cloudinary go to 2000; a sigma is a twentieth of it. */
export const BLUR_PER_SIGMA = 20;

/** Intensities and brightnesses of blurred backgrounds, in Cloudinary's numbers for one of the model's. */
const [INTENSITY, BRIGHTNESS] = [20, 1];

export const paint: Reader<Paint> = (text, key) => {
  const [kind = "", first, second, ...more] = text.split(":");
  if (kind === "auto") {
    if (first === undefined || (first === "border" && second === undefined)) return { kind: "dominant" };
    if (/^(?:border|predominant)_gradient$/.test(first)) {
      const colors = second === undefined ? 2 : integer(2, 4)(second, key);
      if (more.length === 0 && colors !== 3) return { kind: "gradient", colors: colors as 2 | 4 };
    }
    throw unsupported("this background", key, text);
  }
  if (kind === "blurred" && more.length === 0) {
    const intensity = first === undefined ? 100 : integer(1, 2000)(first, key);
    const brightness = second === undefined ? 0 : integer(-300, 100)(second, key);
    return {
      kind: "blurred",
      intensity: Math.round(intensity / INTENSITY),
      brightness: Math.max(-255, Math.round(brightness / BRIGHTNESS)),
    };
  }
  if (kind === "gen_fill") throw unsupported("generated backgrounds", key, text);
  return { kind: "color", color: colour(text, key) };
};

export function printPaint(paint: Paint): string {
  switch (paint.kind) {
    case "color":
      return printColour(paint.color);
    case "dominant":
      return "auto:border";
    case "gradient":
      return `auto:border_gradient:${paint.colors}`;
    case "blurred": {
      const intensity = paint.intensity === "auto" ? 100 : paint.intensity * INTENSITY;
      return `blurred:${intensity}:${paint.brightness * BRIGHTNESS}`;
    }
  }
}

export type Gravity = Focus | "xy_center";

const GRAVITIES: ReadonlyMap<string, Gravity> = new Map<string, Gravity>([
  ["center", "center"],
  ["north", "top"],
  ["south", "bottom"],
  ["east", "right"],
  ["west", "left"],
  ["north_east", "top-right"],
  ["north_west", "top-left"],
  ["south_east", "bottom-right"],
  ["south_west", "bottom-left"],
  ["auto", "attention"],
  ["faces", "faces"],
  ["custom", "custom"],
  ["xy_center", "xy_center"],
  ["face", "faces"],
  ["auto:face", "faces"],
  ["auto:faces", "faces"],
  ["auto:classic", "attention"],
  ["auto:subject", "attention"],
  ["face:auto", "faces"],
  ["faces:auto", "faces"],
  ["face:center", "faces"],
  ["faces:center", "faces"],
  ["custom:center", "custom"],
]);

/** Any other word is an object that Cloudinary looks for. */
export const gravity: Reader<Gravity> = (text, key) => {
  const parsed = GRAVITIES.get(text);
  if (parsed) return parsed;
  if (/^[a-z][a-z0-9_:-]*$/i.test(text)) throw unsupported("this gravity", key, text);
  throw unlisted(key, GRAVITIES.keys(), text);
};

export function printGravity(gravity: Gravity): string {
  for (const [word, known] of GRAVITIES) if (known === gravity) return word;
  throw unsupported("this focus", "g", gravity);
}

/** Turns and flips, one after the other. */
export type Angle = readonly (number | "hflip" | "vflip")[];

/** `90`, `hflip`, `-20.vflip`. */
export const angle: Reader<Angle> = (text, key) => {
  if (!/^(?:-?\d+|[a-z_]+)(?:\.(?:-?\d+|[a-z_]+)){0,5}$/.test(text))
    throw invalid(key, "degrees, hflip or vflip", text);
  return text.split(".").flatMap((part): Angle => {
    if (part === "hflip" || part === "vflip") return [part];
    if (part === "ignore" || part.startsWith("auto")) throw unsupported("this rotation", key, part);
    return part === "exif" ? [] : [number(-360, 360)(part, key)];
  });
};

export const printAngle = (angle: Angle) => angle.join(".");

export type Radius = "max" | readonly [number, number, number, number];

/** `max`, or one to four corners clockwise from the top left one. */
export const radius: Reader<Radius> = (text, key) => {
  if (text === "max") return text;
  const corners = text.split(":").map((part) => number(0, MAX_SIDE)(part, key));
  const [a = 0, b = a, c = a, d = b] = corners;
  if (corners.length > 4) throw invalid(key, "max or up to 4 radii", text);
  return [a, b, c, d];
};

export type Border = { readonly width: number; readonly color: Rgba };

/** `5px_solid_red`. */
export const border: Reader<Border> = (text, key) => {
  const [, width = "", color = ""] = /^(\d+)px_solid_(.+)$/.exec(text) ?? [];
  if (color === "") throw invalid(key, "border such as 5px_solid_red", text);
  return { width: integer(0, 10_000)(width, key), color: colour(color, key) };
};

export type Format = "auto" | ImageFormat | "mp4" | "webm" | "m3u8" | "mpd";

const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ["auto", "auto"],
  ["jpg", "jpeg"],
  ["jpeg", "jpeg"],
  ["png", "png"],
  ["webp", "webp"],
  ["avif", "avif"],
  ["gif", "gif"],
  ["svg", "svg"],
  ["mp4", "mp4"],
  ["webm", "webm"],
  ["auto:image", "auto"],
  ["auto:animated", "auto"],
]);

export const format: Reader<Format> = (text, key) => {
  const parsed = FORMATS.get(text.toLowerCase());
  if (parsed) return parsed;
  if (/^[a-z0-9:]{2,20}$/i.test(text)) throw unsupported("writing this format", key, text);
  throw unlisted(key, FORMATS.keys(), text);
};

export const printFormat = (format: Format) => (format === "jpeg" ? "jpg" : format);

/** The levels of `q_auto`; the model has one, which is `good`. */
const LEVELS: ReadonlyMap<string, number | "auto"> = new Map<string, number | "auto">([
  ["auto", "auto"],
  ["auto:good", "auto"],
  ["auto:best", 90],
  ["auto:eco", 65],
  ["auto:low", 50],
]);

export const quality: Reader<number | "auto"> = (text, key) => {
  const level = LEVELS.get(text);
  if (level !== undefined) return level;
  if (/^auto:|^jpegmini|^\d+:/.test(text)) throw unsupported("this quality", key, text);
  return Math.round(number(1, 100)(text, key));
};

/** Seconds, or a share of the video: `6.5`, `35p`, `35%`. */
export const seconds: Reader<Expression> = (text, key) => {
  const [, percent] = /^(\d+(?:\.\d+)?)[p%]$/.exec(text) ?? [];
  if (percent !== undefined) return ["mul", "originalDuration", number(0, 100)(percent, key) / 100];
  if (text === "auto") throw unsupported("a moment that the server chooses", key, text);
  return /^[0-9.]+$/.test(text) ? number(0, 1_000_000)(text, key) : expression(text, key);
};

/** The steps of one effect; printed by `effectOf`. */
export type Effect = { readonly name: string; readonly args: readonly string[] };

const flag =
  (step: Step) =>
  (args: readonly string[], key: string): Step => {
    if (args.length > 0) throw unsupported("an amount of this effect", key, args.join(":"));
    return step;
  };

const amount = (args: readonly string[], key: string, min: number, max: number, usual: number) => {
  if (args.length > 1) throw invalid(key, "one number", args.join(":"));
  return args[0] === undefined ? usual : number(min, max)(args[0], key);
};

/** Effects that steps stand for, by name. `e_colorize` takes its colour from `co_`. */
export const EFFECTS: Readonly<
  Record<string, (args: readonly string[], key: string, color: Rgba | undefined) => Step>
> = {
  grayscale: flag({ op: "grayscale" }),
  auto_contrast: flag({ op: "contrast" }),
  blur: (args, key) => ({
    op: "blur",
    sigma: Math.max(0.3, amount(args, key, 1, 2000, 100) / BLUR_PER_SIGMA),
  }),
  sharpen: (args, key) => ({ op: "sharpen", amount: amount(args, key, 1, 2000, 100) / 2 }),
  trim: ([tolerance, ...colour], key) => {
    if (colour.length > 0)
      throw unsupported("trimming another colour than the corner's", key, colour.join(":"));
    const value = tolerance === undefined ? 10 : number(0, 100)(tolerance, key);
    return { op: "trim", tolerance: Math.min(99, Math.max(1, value)) };
  },
  colorize: (args, key, color = { r: 0, g: 0, b: 0, alpha: 1 }) => ({
    op: "overlay",
    layer: { kind: "color", color: { ...color, alpha: amount(args, key, 0, 100, 100) / 100 }, steps: [] },
    place: { gravity: "center" },
  }),
  replace_color: ([to = "", tolerance = "50", from, ...more], key) => {
    if (to === "" || more.length > 0) throw invalid(key, "<colour>:<tolerance>:<colour>", to);
    return {
      op: "recolor",
      to: hexOr(to, key),
      tolerance: number(0, 100)(tolerance, key),
      ...(from !== undefined && { from: hexOr(from, key) }),
    };
  },
  distort: (args, key) => {
    const [first, degrees = "", ...more] = args;
    if (first === "arc") {
      const angle = number(-360, 360)(degrees, key);
      if (angle === 0 || more.length > 0) throw invalid(key, "arc:<degrees>", args.join(":"));
      return { op: "distort", mode: "arc", angle };
    }
    const values = args.map((part) => number(-MAX_SIDE, MAX_SIDE)(part, key));
    const corner = (index: number): Point => [values[2 * index] ?? 0, values[2 * index + 1] ?? 0];
    const corners = [corner(0), corner(1), corner(2), corner(3)] as const;
    if (values.length !== 8 || !isQuadrilateral(corners)) {
      throw invalid(key, "4 corners of a convex quadrilateral, x:y each", args.join(":"));
    }
    return { op: "distort", mode: "perspective", corners };
  },
  accelerate: (args, key) => ({ op: "speed", factor: 1 + amount(args, key, -50, 100, 0) / 100 }),
  volume: (args, key) => {
    if (args[0] === "mute") return { op: "volume", gain: 0 };
    const percent = amount(args, key, -100, 400, 0);
    if (percent > 300) throw unsupported("more than the fourfold volume", key, args.join(":"));
    return { op: "volume", gain: 1 + percent / 100 };
  },
};

/** A colour of an effect's argument, whose `:` separates arguments. */
const hexOr: Reader<Rgba> = (text, key) => hexColour(text) ?? colour(text, key);

export const effect: Reader<Effect> = (text, key) => {
  const [name = "", ...args] = text.split(":");
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw invalid(key, "effect such as grayscale", text);
  if (!Object.hasOwn(EFFECTS, name)) throw unsupported("this effect", key, text);
  EFFECTS[name]?.(args, `${key}_${name}`, undefined);
  return { name, args };
};

export const printEffect = ({ name, args }: Effect) => [name, ...args].join(":");

export const CROPS = [
  "scale",
  "fit",
  "limit",
  "mfit",
  "fill",
  "lfill",
  "pad",
  "lpad",
  "mpad",
  "crop",
  "thumb",
  "auto",
] as const;
export type Crop = (typeof CROPS)[number];

export const crop: Reader<Crop> = (text, key) => {
  if (/^(?:fill_pad|auto_pad|imagga_(?:crop|scale))$/.test(text))
    throw unsupported("this crop mode", key, text);
  return oneOf<Crop>(new Map(CROPS.map((mode) => [mode, mode])))(text, key);
};
