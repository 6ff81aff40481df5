import { invalid, type StepOf } from "@mediatap/core";
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
  unsupported,
  wordFor,
} from "@mediatap/core/language";
import { type Gravity, minimum, type Rgba } from "@mediatap/core/steps";
import { type Arguments, readArguments } from "./arguments.ts";

/** More than any limit of the server; keeps numbers whole. */
const MAX_SIDE = 100_000;

type Resize = {
  readonly width?: number;
  readonly height?: number;
  readonly aspect: Aspect;
  readonly enlarge: boolean;
};
type Aspect = "fit" | "fill" | "ignore";
type Box = { readonly width: number; readonly height: number };
type Window = Box & { readonly at: Gravity | readonly [x: number, y: number]; readonly pads: boolean };
type AspectCrop = { readonly ratio: number; readonly x: number; readonly y: number };

/** What the values of the transformations and parameters are. */
export interface AkamaiValues {
  Resize: Resize;
  Scale: Box;
  Crop: Window;
  AspectCrop: AspectCrop;
  FitAndFill: Box;
  Trim: number;
  Mirror: { readonly horizontal: boolean; readonly vertical: boolean };
  Rotate: number;
  Grayscale: true;
  Blur: number;
  Opacity: number;
  BackgroundColor: Rgba;
  FaceCrop: never;
  RegionOfInterestCrop: never;
  RelativeCrop: never;
  Composite: never;
  Contrast: never;
  ChromaKey: never;
  Goop: never;
  IfDimension: never;
  MaxColors: never;
  UnsharpMask: never;
  imwidth: number;
  imheight: number;
  imdensity: number;
  impolicy: never;
  imformat: never;
  imbypass: never;
}

const ASPECTS: readonly Aspect[] = ["fit", "fill", "ignore"];

/** Width and height by their names, or both as `main`. */
function boxOf(args: Arguments, main: string, key: string): { width?: number; height?: number } {
  const [width = args.number("width", 1, MAX_SIDE), height = args.number("height", 1, MAX_SIDE)] =
    args.tuple(main, 2) ?? [];
  for (const side of [width, height]) {
    if (side !== undefined && (side < 1 || side > MAX_SIDE))
      throw invalid(key, "sides of at least one pixel", side);
  }
  return {
    ...(width !== undefined && { width: Math.round(width) }),
    ...(height !== undefined && { height: Math.round(height) }),
  };
}

function wholeBox(args: Arguments, main: string, key: string, text: string): Box {
  const { width, height } = boxOf(args, main, key);
  if (width === undefined || height === undefined) throw invalid(key, "a width and a height", text);
  return { width, height };
}

const resize: Reader<Resize> = (text, key) => {
  const args = readArguments(text, key, ["width", "height", "size", "aspect", "type"], "size");
  const box = boxOf(args, "size", key);
  if (box.width === undefined && box.height === undefined) throw invalid(key, "a width or a height", text);
  const aspect = oneOf(new Map(ASPECTS.map((word) => [word, word])))(
    args.text("aspect") ?? "fit",
    `${key}.aspect`,
  );
  const type = args.text("type") ?? "normal";
  if (type === "upsize") throw unsupported("images that only become larger", key, "type=upsize");
  const enlarge = oneOf(new Map([["normal", true] as const, ["downsize", false] as const]))(
    type,
    `${key}.type`,
  );
  return { ...box, aspect, enlarge };
};

const GRAVITIES: ReadonlyMap<string, Gravity> = new Map<string, Gravity>([
  ["Center", "center"],
  ["North", "top"],
  ["NorthEast", "top-right"],
  ["NorthWest", "top-left"],
  ["South", "bottom"],
  ["SouthEast", "bottom-right"],
  ["SouthWest", "bottom-left"],
  ["East", "right"],
  ["West", "left"],
]);

const crop: Reader<Window> = (text, key) => {
  const known = ["width", "height", "size", "rect", "gravity", "xPosition", "yPosition", "allowExpansion"];
  const args = readArguments(text, key, known, "size");
  const pads = args.flag("allowExpansion");
  const rect = args.tuple("rect", 4);
  const gravity = args.text("gravity");
  const word = oneOf(GRAVITIES)(gravity ?? "Center", `${key}.gravity`);
  if (rect) {
    const [x, y, width = 0, height = 0] = rect.map(Math.round) as [number, number, number?, number?];
    if (rect.length !== 4 || x < 0 || y < 0 || width < 1 || height < 1)
      throw invalid(key, "rect=(x,y,width,height)", text);
    if (gravity !== undefined && word !== "top-left")
      throw unsupported("places counted from a gravity", key, gravity);
    return { width, height, at: [x, y], pads };
  }
  const box = wholeBox(args, "size", key, text);
  const [x, y] = [
    args.number("xPosition", -MAX_SIDE, MAX_SIDE),
    args.number("yPosition", -MAX_SIDE, MAX_SIDE),
  ];
  if (x === undefined && y === undefined) return { ...box, at: word, pads };
  if (gravity !== undefined && word !== "top-left")
    throw unsupported("places counted from a gravity", key, gravity);
  return { ...box, at: [Math.round(x ?? 0), Math.round(y ?? 0)], pads };
};

const aspectCrop: Reader<AspectCrop> = (text, key) => {
  const args = readArguments(
    text,
    key,
    ["width", "height", "ratio", "xPosition", "yPosition", "allowExpansion"],
    "ratio",
  );
  if (args.flag("allowExpansion")) throw unsupported("aspect ratios by added edges", key, "allowExpansion");
  const [
    width = args.number("width", 0.001, MAX_SIDE) ?? 1,
    height = args.number("height", 0.001, MAX_SIDE) ?? 1,
  ] = args.tuple("ratio", 2) ?? [];
  if (!(width > 0 && height > 0)) throw invalid(key, "an aspect ratio above 0", text);
  return {
    ratio: width / height,
    x: args.number("xPosition", 0, 1) ?? 0.5,
    y: args.number("yPosition", 0, 1) ?? 0.5,
  };
};

/** A number that may have a name. */
const single =
  (name: string, min: number, max: number): Reader<number> =>
  (text, key) => {
    const value = readArguments(text, key, [name], name).number(name, min, max);
    if (value === undefined) throw invalid(key, `${name} from ${min} to ${max}`, text);
    return value;
  };

const colour: Reader<Rgba> = (text, key) => {
  const digits = readArguments(text, key, ["color"], "color").text("color") ?? "";
  const parsed = hexColour(digits.replace(/^#/, ""));
  if (!parsed) throw invalid(key, "colour such as ff0000", text);
  return parsed;
};

/** The largest part of an aspect ratio, placed by fractions of what is cut off. */
function aspectStep({ ratio, x, y }: AspectCrop): StepOf<"extract"> {
  const width = minimum("currentWidth", ["mul", "currentHeight", ratio]);
  const height = minimum("currentHeight", ["div", "currentWidth", ratio]);
  return {
    op: "extract",
    width,
    height,
    at: {
      from: "corner",
      x: ["mul", ["sub", "currentWidth", width], x],
      y: ["mul", ["sub", "currentHeight", height], y],
    },
    outside: "clip",
    shrink: true,
  };
}

function aspectOf({ width, at }: StepOf<"extract">): AspectCrop | undefined {
  const text = JSON.stringify(width ?? null);
  const [, ratio] = /\["mul","currentHeight",([\d.e-]+)\]/.exec(text) ?? [];
  const [x, y] = [at?.x, at?.y].map((place) => (Array.isArray(place) ? place[2] : undefined));
  return ratio !== undefined && typeof x === "number" && typeof y === "number"
    ? { ratio: Number(ratio), x, y }
    : undefined;
}

const FITS = { fit: "inside", fill: "outside", ignore: "fill" } as const;

const printBox = ({ width, height }: Box) => `(${width},${height})`;

/** The transformations that the server carries out, those that it refuses, and the parameters beside `im`. */
export const PARAMETERS: Parameters<AkamaiValues> = {
  Resize: {
    means: "scales; `aspect` is `fit`, `fill` (covers the box) or `ignore`, `type` is `normal` or `downsize`",
    values: "`Resize=(300,200)`, `Resize,width=300,aspect=fill`",
    read: resize,
    print: ({ width, height, aspect, enlarge }) =>
      [
        ...(width === undefined ? [] : [`width=${width}`]),
        ...(height === undefined ? [] : [`height=${height}`]),
        ...(aspect === "fit" ? [] : [`aspect=${aspect}`]),
        ...(enlarge ? [] : ["type=downsize"]),
      ].join(","),
    step: ({ width, height, aspect, enlarge }) => ({
      op: "resize",
      ...(width !== undefined && { width }),
      ...(height !== undefined && { height }),
      fit: FITS[aspect],
      enlarge,
    }),
    fromStep(step) {
      if (step.op !== "resize" || step.fit === "cover" || step.fit === "contain") return undefined;
      const { width, height, fit, enlarge } = step;
      if ([width, height].some((side) => side !== undefined && typeof side !== "number")) return undefined;
      const aspect = ASPECTS.find((word) => FITS[word] === fit) ?? "fit";
      return {
        ...(typeof width === "number" && { width }),
        ...(typeof height === "number" && { height }),
        aspect,
        enlarge,
      };
    },
  },
  Scale: {
    means: "scales by factors",
    values: "`Scale,width=0.5,height=0.5`",
    read: (text, key) => {
      const args = readArguments(text, key, ["width", "height"]);
      const [width, height] = [args.number("width", 0.001, 100), args.number("height", 0.001, 100)];
      if (width === undefined || height === undefined) throw invalid(key, "a width and a height", text);
      return { width, height };
    },
    print: ({ width, height }) => `width=${printNumber(width)},height=${printNumber(height)}`,
    step: ({ width, height }) => ({
      op: "resize",
      width: ["mul", "currentWidth", width],
      height: ["mul", "currentHeight", height],
      fit: "fill",
      enlarge: true,
    }),
    fromStep(step) {
      if (step.op !== "resize" || step.fit !== "fill") return undefined;
      const [width, height] = [step.width, step.height].map((side) =>
        Array.isArray(side) ? side[2] : undefined,
      );
      return typeof width === "number" && typeof height === "number" ? { width, height } : undefined;
    },
  },
  Crop: {
    means: "cuts a window out; `allowExpansion` adds clear edges where the image ends",
    values:
      "`Crop,size=(300,200),gravity=North`, `Crop,rect=(10,20,300,200)`, `Crop,width=300,height=200,xPosition=10`",
    read: crop,
    print: ({ width, height, at, pads }) =>
      [
        typeof at === "string" ? `size=(${width},${height})` : `rect=(${[...at, width, height].join(",")})`,
        ...(typeof at === "string" && at !== "center" ? [`gravity=${wordFor(GRAVITIES, at)}`] : []),
        ...(pads ? ["allowExpansion"] : []),
      ].join(","),
    step: ({ width, height, at, pads }) => ({
      op: "extract",
      width,
      height,
      ...(typeof at === "string" ? { focus: at } : { at: { from: "corner", x: at[0], y: at[1] } }),
      outside: pads ? "pad" : "clip",
      shrink: true,
      ...(pads && { background: { kind: "color", color: { r: 0, g: 0, b: 0, alpha: 0 } } }),
    }),
    fromStep(step) {
      if (step.op !== "extract") return undefined;
      const { width, height, at, focus = "center", outside } = step;
      if (typeof width !== "number" || typeof height !== "number") return undefined;
      const pads = outside === "pad";
      if (typeof at?.x === "number" && typeof at.y === "number")
        return { width, height, at: [at.x, at.y], pads };
      return at === undefined ? { width, height, at: focus as Gravity, pads } : undefined;
    },
  },
  AspectCrop: {
    means: "the largest part of an aspect ratio, placed by fractions",
    values: "`AspectCrop=(16,9),xPosition=0.5,yPosition=0.3`",
    read: aspectCrop,
    print: ({ ratio, x, y }) =>
      `(${printNumber(ratio)},1),xPosition=${printNumber(x)},yPosition=${printNumber(y)}`,
    step: aspectStep,
    fromStep: (step) => (step.op === "extract" ? aspectOf(step) : undefined),
  },
  FitAndFill: {
    means: "fits into the box, with a blurred copy around",
    values: "`FitAndFill=(300,200)`",
    read: (text, key) =>
      wholeBox(readArguments(text, key, ["width", "height", "size"], "size"), "size", key, text),
    print: printBox,
    step: (box) => ({
      op: "resize",
      ...box,
      fit: "contain",
      enlarge: true,
      background: { kind: "blurred", intensity: "auto", brightness: 0 },
    }),
    fromStep: (step) =>
      step.op === "resize" &&
      step.fit === "contain" &&
      typeof step.width === "number" &&
      typeof step.height === "number"
        ? { width: step.width, height: step.height }
        : undefined,
  },
  Trim: {
    means: "cuts edges that are like the corner; `fuzz` is 0.08 if it is left out",
    values: "`Trim`, `Trim,fuzz=0.1`",
    read: (text, key) => {
      const fuzz = readArguments(text, key, ["fuzz"], "fuzz").number("fuzz", 0, 0.99) ?? 0.08;
      return Math.max(1, Math.round(fuzz * 100));
    },
    print: (tolerance) => `fuzz=${printNumber(tolerance / 100)}`,
    step: (tolerance) => ({ op: "trim", tolerance }),
    fromStep: (step) => (step.op === "trim" ? step.tolerance : undefined),
  },
  Mirror: {
    means: "mirrors",
    values: "`Mirror,horizontal`, `Mirror,vertical`",
    read: (text, key) => {
      const args = readArguments(text, key, ["horizontal", "vertical"]);
      return { horizontal: args.flag("horizontal"), vertical: args.flag("vertical") };
    },
    print: ({ horizontal, vertical }) =>
      [...(horizontal ? ["horizontal"] : []), ...(vertical ? ["vertical"] : [])].join(","),
    step: (axes) => ({ op: "flip", ...axes }),
    fromStep: (step) =>
      step.op === "flip" ? { horizontal: step.horizontal, vertical: step.vertical } : undefined,
  },
  Rotate: {
    means: "turns clockwise; corners are clear",
    values: "`Rotate,degrees=13`",
    read: single("degrees", -3600, 3600),
    print: (degrees) => `degrees=${printNumber(degrees)}`,
    step: (angle) => ({ op: "rotate", angle }),
    fromStep: (step) => (step.op === "rotate" ? step.angle : undefined),
  },
  Grayscale: {
    means: "shades of grey",
    values: "`Grayscale`",
    read: (text, key) => {
      if (text !== "") throw unsupported("other kinds of grey", key, text);
      return true;
    },
    step: () => ({ op: "grayscale" }),
    fromStep: (step) => (step.op === "grayscale" ? true : undefined),
  },
  Blur: {
    means: "Gaussian blur, by its standard deviation; 2 if it is left out",
    values: "`Blur=4`, `Blur,sigma=4`",
    read: (text, key) => readArguments(text, key, ["sigma"], "sigma").number("sigma", 0, 1000) ?? 2,
    print: (sigma) => `sigma=${printNumber(sigma)}`,
    step: (sigma) => ({ op: "blur", sigma }),
    fromStep: (step) => (step.op === "blur" ? step.sigma : undefined),
  },
  Opacity: {
    means: "makes the image translucent",
    values: "`Opacity=0.5`",
    read: single("opacity", 0, 1),
    print: (value) => `opacity=${printNumber(value)}`,
    step: (value) => ({ op: "opacity", value }),
    fromStep: (step) => (step.op === "opacity" ? step.value : undefined),
  },
  BackgroundColor: {
    means: "colour below clear parts",
    values: "`BackgroundColor=ff0000`",
    read: colour,
    print: (value) => `color=${printHexColour(value)}`,
    step: (color) => ({ op: "flatten", background: { kind: "color", color } }),
    fromStep: (step) =>
      step.op === "flatten" && step.background.kind === "color" ? step.background.color : undefined,
  },
  FaceCrop: refused("crops to faces and features", ["FeatureCrop", "SmartCrop"]),
  RegionOfInterestCrop: refused("crops to a region of interest"),
  RelativeCrop: refused("crops by distances from the edges"),
  Composite: refused("other images and texts", ["Append"]),
  Contrast: refused("corrections of colour", ["HSL", "HSV", "MonoHue"]),
  ChromaKey: refused("removing colours and backgrounds", ["RemoveColor", "BackgroundRemove"]),
  Goop: refused("distortions", ["Shear"]),
  IfDimension: refused("conditions", ["IfOrientation"]),
  MaxColors: refused("limits of the number of colours"),
  UnsharpMask: refused("unsharp masks"),
  imwidth: { means: "largest width, after `im`", values: "pixels", read: integer(1, MAX_SIDE) },
  imheight: { means: "largest height", values: "pixels", read: integer(1, MAX_SIDE) },
  imdensity: { means: "multiplies `imwidth` and `imheight`", values: "0.1–10", read: number(0.1, 10) },
  impolicy: refused("policies of the service"),
  imformat: refused("formats by kinds of browsers"),
  imbypass: refused("originals in place of results"),
};
