import { invalid, type Step } from "@mediatap/core";
import {
  decimal,
  hexColour,
  ignored,
  integer,
  neutral,
  number,
  oneOf,
  type Parameter,
  type Parameters,
  printNumber,
  type Reader,
  refused,
  same,
  unlisted,
  unsupported,
  wordFor,
  words,
} from "@mediatap/core/language";
import type { Focus, Rgba } from "@mediatap/core/steps";
import names from "color-name";
import { FAMILIES } from "./families.ts";

/** Longest side that the service writes. */
const MAX_SIDE = 8192;

export type Fit = "clip" | "crop" | "fill" | "fillmax" | "max" | "min" | "scale";
export type Rect = readonly [
  x: number | "center" | "right",
  y: number | "middle" | "bottom",
  width: number,
  height: number,
];
type Format = "avif" | "gif" | "jpg" | "pjpg" | "png" | "webp";

type Family = keyof typeof FAMILIES;

/** What the values of the parameters are. */
export interface ImgixValues extends Record<Family, never> {
  w: number;
  h: number;
  dpr: number;
  ar: number;
  fit: Fit;
  crop: Focus | "focalpoint";
  "fp-x": number;
  "fp-y": number;
  "fp-z": number;
  "fp-debug": boolean;
  rect: Rect;
  fill: "solid" | "blur";
  "fill-color": Rgba;
  bg: Rgba;
  pad: number;
  "pad-top": number;
  "pad-right": number;
  "pad-bottom": number;
  "pad-left": number;
  mask: "ellipse" | "corners";
  "corner-radius": readonly [number, number, number, number];
  "mask-bg": Rgba;
  trim: "auto";
  flip: "h" | "v" | "hv";
  rot: number;
  auto: readonly ("format" | "compress")[];
  fm: Format;
  q: number;
  lossless: boolean;
  "jpg-progressive": boolean;
  cs: "srgb" | "keep";
  dpi: number;
  dl: string | true;
  frame: number;
  "svg-sanitize": true;
  blur: number;
  sharp: number;
  usm: number;
  usmrad: number;
  sat: number;
  bri: number;
  con: number;
  exp: number;
  gam: number;
  high: number;
  shad: number;
  vib: number;
  hue: number;
  sepia: number;
  px: number;
  htn: number;
  "face-blur": number;
  "face-pixel": number;
  "lp-blur": number;
  invert: boolean;
  "bg-remove": boolean;
  upscale: boolean;
  "rasterize-bypass": boolean;
  reverse: boolean;
  chromasub: 420;
  iptc: "block";
  "pdf-annotation": true;
  expires: true;
  ixlib: true;
}

/** Pixels, or a fraction of the image up to 1. */
const side: Reader<number> = (text, key) => {
  const value = decimal(text);
  const isSide =
    value !== undefined && value > 0 && (value <= 1 || (Number.isInteger(value) && value <= MAX_SIDE));
  if (!isSide) throw invalid(key, `integer from 2 to ${MAX_SIDE} or fraction up to 1`, text);
  return value;
};

const ratio: Reader<number> = (text, key) => {
  const [width, height, more] = text.split(":").map(decimal);
  if (!width || !height || more !== undefined || width < 0 || height < 0) {
    throw invalid(key, "aspect ratio such as 16:9", text);
  }
  return width / height;
};

const EDGES: readonly string[] = ["top", "bottom", "left", "right"];
const SEARCHED: ReadonlyMap<string, Focus | "focalpoint"> = new Map<string, Focus | "focalpoint">([
  ["faces", "faces"],
  ["entropy", "entropy"],
  ["edges", "attention"],
  ["focalpoint", "focalpoint"],
]);

/** The first one that is searched for, or the edges: the others are for images in which nothing is found. */
const crop: Reader<Focus | "focalpoint"> = (text, key) => {
  const parts = text.split(",");
  for (const part of parts) {
    if (!EDGES.includes(part) && !SEARCHED.has(part))
      throw unlisted(key, [...EDGES, ...SEARCHED.keys()], part);
  }
  const searched = parts.find((part) => SEARCHED.has(part));
  if (searched !== undefined) return SEARCHED.get(searched) ?? "center";
  const [down] = ["top", "bottom"].filter((edge) => parts.includes(edge));
  const [across] = ["left", "right"].filter((edge) => parts.includes(edge));
  return [down, across].filter(Boolean).join("-") as Focus;
};

function printCrop(value: Focus | "focalpoint"): string {
  return wordFor(SEARCHED, value) ?? value.replace("-", ",");
}

/** Alpha comes first. */
const colour: Reader<Rgba> = (text, key) => {
  const word = text.toLowerCase();
  if (word === "transparent") return { r: 0, g: 0, b: 0, alpha: 0 };
  const digits = text.replace(/^#/, "");
  const long = digits.length < 6 ? [...digits].map((digit) => digit + digit).join("") : digits;
  const parsed = hexColour(long.length === 8 ? `${long.slice(2)}${long.slice(0, 2)}` : long);
  if (parsed) return parsed;
  if (!Object.hasOwn(names, word)) throw invalid(key, "colour such as f00, 80ff0000 or red", text);
  const [r, g, b] = names[word as keyof typeof names];
  return { r, g, b, alpha: 1 };
};

function printColour({ r, g, b, alpha }: Rgba): string {
  const parts = alpha < 1 ? [Math.round(alpha * 255), r, g, b] : [r, g, b];
  return parts.map((part) => part.toString(16).padStart(2, "0")).join("");
}

const rect: Reader<Rect> = (text, key) => {
  const parts = text.split(",");
  const wholeNumber = (part: string | undefined, min: number) => {
    const value = decimal(part ?? "");
    return value !== undefined && Number.isInteger(value) && value >= min && value <= 100_000
      ? value
      : undefined;
  };
  const [x, y] = [
    ({ left: 0, center: "center", right: "right" } as const)[parts[0] ?? ""] ?? wholeNumber(parts[0], 0),
    ({ top: 0, middle: "middle", bottom: "bottom" } as const)[parts[1] ?? ""] ?? wholeNumber(parts[1], 0),
  ];
  const [width, height] = [wholeNumber(parts[2], 1), wholeNumber(parts[3], 1)];
  const isComplete = x !== undefined && y !== undefined && width !== undefined && height !== undefined;
  if (parts.length !== 4 || !isComplete) throw invalid(key, "x,y,width,height such as 10,20,300,200", text);
  return [x, y, width, height];
};

const radii: Reader<readonly [number, number, number, number]> = (text, key) => {
  const parts = text.split(",").map(decimal);
  const isRadius = (part: number | undefined) => part !== undefined && part >= 0 && part <= MAX_SIDE;
  if ((parts.length !== 1 && parts.length !== 4) || !parts.every(isRadius)) {
    throw invalid(key, "radius, or four of them from the top left corner clockwise", text);
  }
  const [a, b = a, c = a, d = a] = parts as number[];
  return [a, b, c, d] as [number, number, number, number];
};

const flag: Reader<boolean> = (text, key) => {
  if (!["", "true", "false", "1", "0"].includes(text)) throw invalid(key, "boolean", text);
  return text !== "false" && text !== "0";
};

/** Switches that are off unless the URL turns them on. */
const off = (capability: string, also?: readonly string[]) => neutral<boolean>(false, capability, flag, also);

/** Strengths that are 0 unless the URL contains another one. */
const none = (capability: string, also?: readonly string[]) =>
  neutral<number>(0, capability, number(-1000, 1000), also);

const auto: Reader<readonly ("format" | "compress")[]> = (text, key) =>
  text
    .split(",")
    .map((part) =>
      oneOf(same("format", "compress"), "automatic corrections", ["enhance", "redeye", "true"])(part, key),
    );

const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ...same("avif", "gif", "jpg", "pjpg", "png", "webp"),
  ["png32", "png"],
]);

const rotation: Reader<number> = (text, key) => {
  const angle = number(0, 360)(text, key);
  if (angle % 90 !== 0) throw unsupported("rotations other than by 90, 180 and 270", key, text);
  return angle;
};

const saturation: Reader<number> = (text, key) => {
  const value = number(-100, 100)(text, key);
  if (value !== 0 && value !== -100) throw unsupported("saturation other than 0 and -100", key, text);
  return value;
};

const unsharp: Reader<number> = (text, key) => {
  const value = number(-100, 100)(text, key);
  if (value < 0) throw unsupported("negative unsharp masks", key, text);
  return value;
};

const padding = (edge: string): Parameter<number> => ({
  means: `adds to \`pad\` at the ${edge}`,
  values: "pixels",
  read: integer(0, MAX_SIDE),
});

/** Standard deviation of a `blur` of 1. */
const SIGMA_PER_UNIT = 0.1;

const is = (step: Step, op: Step["op"]): boolean => step.op === op;

const families = Object.fromEntries(
  Object.entries(FAMILIES).map(([name, { cannot, also }]) => [name, refused(cannot, also)]),
) as unknown as Parameters<Record<Family, never>>;

/** All parameters of the published list (`imgix-url-params`). */
export const PARAMETERS: Parameters<ImgixValues> = {
  w: { means: "width", values: "pixels, fraction up to 1", also: ["width"], read: side },
  h: { means: "height", values: "pixels, fraction up to 1", also: ["height"], read: side },
  dpr: { means: "multiplies `w`, `h` and `pad`", values: "0.1–5", read: number(0.1, 5) },
  ar: {
    means: "aspect ratio of `crop`, of which one side or none is given; no effect without `crop`",
    values: "`<width>:<height>`",
    read: ratio,
    print: (value) => `${printNumber(value)}:1`,
  },
  fit: {
    means: "how an image meets `w` and `h`; `clip` if it is left out. `clamp` and `facearea` are refused",
    values: "`clip`, `crop`, `fill`, `fillmax`, `max`, `min`, `scale`",
    also: ["f"],
    read: oneOf(same("clip", "crop", "fill", "fillmax", "max", "min", "scale"), "this fit", [
      "clamp",
      "facearea",
    ]),
  },
  crop: {
    means: "what `crop` and `min` show; the first one that searches, or the edges",
    values:
      "`top`, `bottom`, `left`, `right`, `faces`, `entropy`, `edges`, `focalpoint`, separated by commas",
    read: crop,
    print: printCrop,
  },
  "fp-x": { means: "focal point from the left, for `crop=focalpoint`", values: "0–1", read: number(0, 1) },
  "fp-y": { means: "focal point from the top", values: "0–1", read: number(0, 1) },
  "fp-z": { means: "how much closer the crop is", values: "1–100", read: number(1, 100) },
  "fp-debug": off("cross-hairs"),
  rect: {
    means: "cuts a window out, before anything else",
    values: "`<x>,<y>,<width>,<height>`; x also `left`, `center`, `right`, y `top`, `middle`, `bottom`",
    read: rect,
    print: (parts) => parts.join(","),
  },
  fill: {
    means: "what surrounds the image of `fill` and `fillmax`; others are refused",
    values: "`solid`, `blur`",
    read: oneOf(same("solid", "blur"), "this kind of filling", ["gen", "generative", "gradient"]),
  },
  "fill-color": {
    means: "its colour; that of `bg`, or white, if it is left out",
    values: "colours",
    also: ["fillcolor"],
    read: colour,
    print: printColour,
  },
  bg: {
    means: "colour below clear parts, and of `pad`",
    values: "`RGB`, `ARGB`, `RRGGBB`, `AARRGGBB`, CSS names",
    read: colour,
    print: printColour,
  },
  pad: {
    means:
      "adds edges; `w` and `h` include them. With `w` or `h` only beside both, or beside `clip`, `max` and `crop`",
    values: "pixels",
    read: integer(0, MAX_SIDE),
  },
  "pad-top": padding("top"),
  "pad-right": padding("right"),
  "pad-bottom": padding("bottom"),
  "pad-left": padding("left"),
  mask: {
    means: "cuts out a shape; images as masks are refused",
    values: "`ellipse`, `corners`",
    read: (text, key) => {
      if (/[./]/.test(text)) throw unsupported("images as masks", key, text);
      return words("ellipse", "corners")(text, key);
    },
  },
  "corner-radius": {
    means: "radius of `mask=corners`; 10 if it is left out",
    values: "pixels, or four of them from the top left corner clockwise",
    read: radii,
    print: (value) => value.join(","),
  },
  "mask-bg": {
    means: "colour outside of the shape; clear if it is left out",
    values: "colours",
    also: ["maskbg"],
    read: colour,
    print: printColour,
  },
  trim: {
    means: "cuts edges that are like the corner; other kinds are refused",
    values: "`auto`",
    read: oneOf(same("auto"), "this kind of trimming", ["color", "alpha", "colorunlessalpha"]),
    step: () => ({ op: "trim", tolerance: 10 }),
    fromStep: (step) => (step.op === "trim" && step.tolerance === 10 ? "auto" : undefined),
  },
  flip: {
    means: "mirrors",
    values: "`h`, `v`, `hv`",
    read: words("h", "v", "hv"),
    step: (axes) => ({ op: "flip", horizontal: axes.includes("h"), vertical: axes.includes("v") }),
    fromStep: (step) =>
      step.op === "flip"
        ? (`${step.horizontal ? "h" : ""}${step.vertical ? "v" : ""}` as "h" | "v" | "hv")
        : undefined,
  },
  rot: {
    means: "turns counter-clockwise; other angles are refused",
    values: "0, 90, 180, 270",
    read: rotation,
    step: (angle) => ({ op: "rotate", angle: 360 - angle }),
    fromStep: (step) => (step.op === "rotate" ? 360 - step.angle : undefined),
  },
  fm: {
    means: "format; `pjpg` is progressive. Others are refused",
    values: "`avif`, `gif`, `jpg`, `pjpg`, `png`, `png32`, `webp`",
    read: oneOf(FORMATS, "this format", [
      "jp2",
      "json",
      "jxr",
      "mp4",
      "png8",
      "webm",
      "blurhash",
      "spritesheet",
    ]),
    output: (format) => {
      if (format === "pjpg") return { format: "jpeg", progressive: true };
      return { format: format === "jpg" ? "jpeg" : format };
    },
    fromOutput: ({ format, progressive }) => {
      if (format === "jpeg") return progressive ? "pjpg" : "jpg";
      const isOther = format === "avif" || format === "gif" || format === "png" || format === "webp";
      return isOther ? format : undefined;
    },
  },
  auto: {
    means: "`format`: by the client, whatever `fm` is; `compress` changes nothing here. Others are refused",
    values: "`format`, `compress`, separated by commas",
    read: auto,
    print: (parts) => parts.join(","),
    output: (parts) => (parts.includes("format") ? { format: "auto" } : {}),
    fromOutput: ({ format }) => (format === "auto" ? ["format"] : undefined),
  },
  q: {
    means: "quality; 0 counts as 1",
    values: "0–100",
    read: (text, key) => Math.max(1, integer(0, 100)(text, key)),
    output: (quality) => ({ quality }),
    fromOutput: ({ quality }) => (typeof quality === "number" ? quality : undefined),
  },
  lossless: {
    means: "lossless WebP and AVIF",
    values: "`true`, `false`",
    read: flag,
    print: String,
    output: (lossless) => ({ lossless }),
    fromOutput: ({ lossless }) => lossless,
  },
  "jpg-progressive": {
    means: "progressive JPEGs",
    values: "`true`, `false`",
    also: ["jpeg-progressive"],
    read: flag,
    print: String,
    output: (progressive) => ({ progressive }),
    fromOutput: ({ progressive, format }) => (format === "jpeg" ? undefined : progressive),
  },
  cs: {
    means: "colour space; `origin` keeps the profile. `adobergb1998` is refused",
    values: "`srgb`, `tinysrgb`, `strip`, `origin`",
    read: oneOf(
      new Map([
        ["srgb", "srgb"],
        ["tinysrgb", "srgb"],
        ["strip", "srgb"],
        ["origin", "keep"],
      ] as const),
      "this colour space",
      ["adobergb1998"],
    ),
    print: (value) => (value === "keep" ? "origin" : value),
    output: (colorProfile) => ({ colorProfile }),
    fromOutput: ({ colorProfile }) => colorProfile,
  },
  dpi: {
    means: "dots per inch, as metadata",
    values: "1–10000",
    read: integer(1, 10_000),
    output: (density) => ({ density }),
    fromOutput: ({ density }) => (typeof density === "number" ? density : undefined),
  },
  dl: {
    means: "offers a download of this name",
    values: "file name",
    read: (text) => (text === "" ? true : text),
    print: (name) => (name === true ? "" : name),
    delivery: (attachment) => ({ attachment }),
    fromDelivery: ({ attachment }) => attachment,
  },
  frame: {
    means: "one frame of an animation, page of a PDF or layer of a PSD",
    values: "from 1",
    also: ["page"],
    read: integer(1, 100_000),
    step: (page) => ({ op: "frame", page }),
    fromStep: (step) => (step.op === "frame" && step.time === undefined ? step.page : undefined),
  },
  "svg-sanitize": {
    means: "SVGs are delivered without scripts; `false` is refused",
    values: "`true`",
    read: (text, key) => {
      if (!flag(text, key)) throw unsupported("SVGs with scripts", key, text);
      return true;
    },
    print: () => "true",
    output: (sanitizeSvg) => ({ sanitizeSvg }),
  },
  blur: {
    means: "Gaussian blur; the standard deviation is a tenth of it",
    values: "0–2000",
    read: integer(0, 2000),
    step: (strength) => ({ op: "blur", sigma: Math.round(strength) * SIGMA_PER_UNIT }),
    fromStep: (step) => (step.op === "blur" ? Math.round(step.sigma / SIGMA_PER_UNIT) : undefined),
  },
  sharp: {
    means: "sharpens",
    values: "0–100",
    read: number(0, 100),
    step: (amount) => ({ op: "sharpen", amount }),
    fromStep: (step) => (step.op === "sharpen" ? step.amount : undefined),
  },
  usm: { means: "strength of an unsharp mask; negative ones are refused", values: "0–100", read: unsharp },
  usmrad: { means: "its radius; 2.5 if it is left out", values: "0.1–100", read: number(0.1, 100) },
  sat: {
    means: "-100 makes shades of grey, 0 changes nothing; other values are refused",
    values: "-100, 0",
    read: saturation,
    step: (value) => (value === -100 ? { op: "grayscale" } : undefined),
    fromStep: (step) => (is(step, "grayscale") ? -100 : undefined),
  },
  bri: none("brightness"),
  con: none("contrast"),
  exp: none("exposure"),
  gam: none("gamma correction"),
  high: none("highlights"),
  shad: none("shadows"),
  vib: none("vibrance"),
  hue: none("hue"),
  sepia: none("sepia tones"),
  px: none("pixelation"),
  htn: none("half-tones"),
  "face-blur": none("blurred faces"),
  "face-pixel": none("pixelated faces", ["face-pixelate"]),
  "lp-blur": none("blurred licence plates", ["license-plate-blur"]),
  invert: off("negatives", ["inv"]),
  "bg-remove": off("removing the background", ["background-remove"]),
  upscale: off("enlarging with generated details"),
  "rasterize-bypass": off("originals in place of results"),
  reverse: off("animations backwards"),
  chromasub: {
    means: "420 changes nothing; others are refused",
    values: "420",
    read: (text, key) => {
      if (text !== "420") throw unsupported("other chroma subsampling", key, text);
      return 420;
    },
    step: () => undefined,
  },
  iptc: {
    means: "metadata is removed unless the endpoint keeps it; `allow` is refused",
    values: "`block`",
    read: oneOf(same("block"), "keeping nothing but IPTC", ["allow"]),
    step: () => undefined,
  },
  "pdf-annotation": {
    means: "`true` changes nothing; `false` is refused",
    values: "`true`",
    also: ["annotation"],
    read: (text, key) => {
      if (!flag(text, key)) throw unsupported("PDFs without annotations", key, text);
      return true;
    },
    print: () => "true",
    step: () => undefined,
  },
  expires: ignored("the end of a signed URL's validity, not of unsigned ones"),
  ixlib: ignored("the client's name", ["ixid", "ixjsv"]),
  ...families,
};
