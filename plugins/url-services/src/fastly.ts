import { invalid, type Plugin, type Step, type StepOf } from "@mediatap/core";
import {
  decimal,
  integer,
  neutral,
  number,
  oneOf,
  type Parameter,
  type Parameters,
  printNumber,
  type Reader,
  type Rule,
  refused,
  unlisted,
  unsupported,
  type Values,
  words,
} from "@mediatap/core/language";
import { type Expression, maximum, type Rgba } from "@mediatap/core/steps";
import {
  blur,
  CLEAR,
  type Current,
  colour,
  type Extent,
  extent,
  extentOf,
  flipped,
  format,
  lengthOf,
  paint,
  partOf,
  printExtent,
  queryService,
  ratio,
  ratioOf,
  resizeRule,
  type ServiceOptions,
  saturation,
  sizeOf,
  type Written,
} from "./common.ts";

/** Where a part begins, or what of the free space lies before it. */
type Position = Extent | { readonly offset: number };

interface Region {
  readonly size: readonly [width: Extent, height: Extent] | number;
  readonly x?: Position;
  readonly y?: Position;
  readonly mode?: "smart" | "safe";
}

type Sides = readonly [top: Extent, right: Extent, bottom: Extent, left: Extent];

interface FastlyValues {
  width: Extent;
  height: Extent;
  dpr: number;
  fit: "bounds" | "cover" | "crop";
  enable: "upscale";
  disable: "upscale";
  precrop: Region;
  crop: Region;
  trim: Sides;
  "trim-color": "auto";
  orient: "r" | "l" | "h" | "v" | "hv";
  pad: Sides;
  canvas: Region;
  "bg-color": Rgba;
  saturation: 0 | -100;
  brightness: number;
  contrast: number;
  sharpen: readonly [amount: number, radius: number, threshold: number];
  blur: number;
  format: Written;
  auto: "webp" | "avif";
  quality: number;
  optimize: "low" | "medium" | "high";
  frame: 1;
  "resize-filter": string;
  bw: never;
  metadata: never;
  overlay: never;
  montage: never;
  viewbox: never;
  profile: never;
}

/** Pixels, a percentage (`50p`) or a fraction below 1. */
const length: Reader<Extent> = (text, key) => {
  const value = decimal(text);
  return value !== undefined && value > 0 && value < 1 ? { part: value } : extent("p", 0)(text, key);
};

const size: Reader<Extent> = (text, key) => {
  const value = length(text, key);
  if (("px" in value ? value.px : value.part) <= 0) throw invalid(key, "pixels above 0, or percentage", text);
  return value;
};

const print = printExtent("p");

const position: Reader<readonly ["x" | "y", Position]> = (text, key) => {
  const [, offset, axis, value = ""] = /^(offset-)?([xy])(.+)$/.exec(text) ?? [];
  if (axis !== "x" && axis !== "y") throw invalid(key, "position such as x10 or offset-y30", text);
  return [axis, offset === undefined ? length(value, key) : { offset: number(0, 100)(value, key) }];
};

const region =
  (isCrop: boolean): Reader<Region> =>
  (text, key) => {
    const [first = "", ...rest] = text.split(",");
    const isRatio = first.includes(":");
    const given = isRatio ? ratio(first, key) : ([size(first, key), size(rest.shift() ?? "", key)] as const);
    const last = rest.at(-1);
    const mode = isCrop && (last === "smart" || last === "safe") ? last : undefined;
    const positions = Object.fromEntries(
      (mode ? rest.slice(0, -1) : rest).map((part) => position(part, key)),
    );
    if (mode === "smart" && !isRatio) throw invalid(key, "an aspect ratio before smart", text);
    return { size: given, ...positions, ...(mode && { mode }) };
  };

function printRegion({ size, x, y, mode }: Region): string {
  const printPosition = (axis: string, value: Position | undefined) =>
    value === undefined
      ? []
      : "offset" in value
        ? [`offset-${axis}${value.offset}`]
        : [`${axis}${print(value)}`];
  const sizes = typeof size === "number" ? [`${printNumber(size)}:1`] : size.map(print);
  return [...sizes, ...printPosition("x", x), ...printPosition("y", y), ...(mode ? [mode] : [])].join(",");
}

/** From the top clockwise; the opposite side's, if one is left out, as in CSS. */
const sides: Reader<Sides> = (text, key) => {
  const parts = text.split(",").map((part) => length(part, key));
  const [top = { px: 0 }, right = top, bottom = top, left = right] = parts;
  if (parts.length > 4) throw invalid(key, "one to four lengths from the top clockwise", text);
  return [top, right, bottom, left];
};

const backgroundColour: Reader<Rgba> = (text, key) => {
  const parts = text.split(",").map(decimal);
  const [r, g, b, alpha = 1] = parts;
  if (parts.length < 3) return colour()(text, key);
  const isColour =
    parts.length <= 4 &&
    parts.every((part, at) => part !== undefined && part >= 0 && part <= (at === 3 ? 1 : 255));
  if (!isColour || r === undefined || g === undefined || b === undefined) {
    throw invalid(key, "colour such as ff0000 or 255,0,0,0.5", text);
  }
  return { r, g, b, alpha };
};

const sharpen: Reader<FastlyValues["sharpen"]> = (text, key) => {
  const [amount = "", radius = "", threshold = "", more] = text.replace(/^a/, "").split(/,[rt]/);
  if (more !== undefined || !/^a[^,]+,r[^,]+,t[^,]+$/.test(text)) throw invalid(key, "a5,r2,t1", text);
  return [number(0, 10)(amount, key), number(1, 1000)(radius, key), number(0, 255)(threshold, key)];
};

const auto: Reader<"webp" | "avif"> = (text, key) => {
  const parsed = text.split(",").map((word) => {
    if (word === "jxl") throw unsupported("this format", key, text);
    if (word !== "webp" && word !== "avif") throw unlisted(key, ["webp", "avif"], word);
    return word;
  });
  return parsed.includes("avif") ? "avif" : "webp";
};

const percent = (capability: string) => neutral<number>(0, capability, integer(-100, 100));

const cropped = (means: string): Parameter<Region> => ({
  means,
  values:
    "`<width>,<height>` or `<width>:<height>`; then `x<length>` or `offset-x<percentage>`, the same for `y`, `smart`, `safe`",
  read: region(true),
  print: printRegion,
});

const LENGTHS = "pixels, percentages (`50p`), fractions below 1";

/** https://www.fastly.com/documentation/reference/io/ */
export const PARAMETERS: Parameters<FastlyValues> = {
  width: { means: "width", values: LENGTHS, read: size, print },
  height: { means: "height", values: LENGTHS, read: size, print },
  dpr: { means: "multiplies `width` and `height`", values: "1–10", read: number(0.1, 10) },
  fit: {
    means: "how an image meets both sides; without it, it is stretched",
    values: "`bounds`, `cover`, `crop`",
    read: words("bounds", "cover", "crop"),
  },
  enable: { means: "small images are enlarged", values: "`upscale`", read: words("upscale") },
  disable: { means: "they are not, as without `enable`", values: "`upscale`", read: words("upscale") },
  precrop: cropped("cuts a part out, before anything else"),
  crop: cropped("cuts a part out, before the image is turned and scaled"),
  trim: {
    means: "lengths that are cut off",
    values: "`<top>,<right>,<bottom>,<left>`, or fewer as in CSS",
    read: sides,
    print: (value) => value.map(print).join(","),
  },
  "trim-color": {
    means: "cuts edges that are like the corner; other colours are refused",
    values: "`auto`",
    read: (text, key) => {
      if (text !== "auto") throw unsupported("edges of a colour", key, text);
      return "auto";
    },
    step: () => ({ op: "trim", tolerance: 10 }),
    fromStep: (step) => (step.op === "trim" && step.tolerance === 10 ? "auto" : undefined),
  },
  orient: {
    means: "turns clockwise (`r`), counter-clockwise (`l`), or mirrors. Numbers are refused",
    values: "`r`, `l`, `h`, `v`, `hv`, `vh`",
    read: oneOf(
      new Map<string, FastlyValues["orient"]>([
        ["r", "r"],
        ["l", "l"],
        ["h", "h"],
        ["v", "v"],
        ["hv", "hv"],
        ["vh", "hv"],
      ]),
      "replacing the orientation that the file has",
      ["1", "2", "3", "4", "5", "6", "7", "8"],
    ),
    step: (value) =>
      value === "r" || value === "l"
        ? { op: "rotate", angle: value === "r" ? 90 : 270 }
        : flipped(value.includes("h"), value.includes("v")),
    fromStep(step) {
      if (step.op === "rotate" && !step.background)
        return step.angle === 90 ? "r" : step.angle === 270 ? "l" : undefined;
      if (step.op !== "flip") return undefined;
      return step.horizontal ? (step.vertical ? "hv" : "h") : "v";
    },
  },
  pad: {
    means: "adds edges in the background, after the image is scaled; no effect beside `canvas`",
    values: "as `trim`",
    read: sides,
    print: (value) => value.map(print).join(","),
  },
  canvas: {
    means: "lays the image on a canvas of this size, and cuts off what is outside",
    values: "as `crop`, without `smart` and `safe`",
    read: region(false),
    print: printRegion,
  },
  "bg-color": {
    means: "colour below clear parts, of `pad` and of `canvas`",
    values: "`RGB`, `RRGGBB`, `RRGGBBAA`, `<r>,<g>,<b>`, `<r>,<g>,<b>,<a>`",
    read: backgroundColour,
    print: ({ r, g, b, alpha }) => [r, g, b, ...(alpha < 1 ? [printNumber(alpha)] : [])].join(","),
  },
  saturation: saturation(),
  brightness: percent("brightness"),
  contrast: percent("contrast"),
  sharpen: {
    means: "unsharp mask: amount 0–10, radius 1–1000, threshold 0–255",
    values: "`a<amount>,r<radius>,t<threshold>`",
    read: sharpen,
    print: ([amount, radius, threshold]) => `a${amount},r${radius},t${threshold}`,
    step: ([amount, radius, threshold]) => ({
      op: "unsharp",
      radius,
      sigma: radius,
      amount,
      threshold: threshold / 255,
    }),
    fromStep: (step) =>
      step.op === "unsharp" && step.radius === step.sigma
        ? [step.amount, step.sigma, Math.round(step.threshold * 255)]
        : undefined,
  },
  blur: blur("Gaussian blur, by its standard deviation. Percentages are refused", "0.5–1000", (text, key) => {
    if (text.endsWith("p")) throw unsupported("blurs by the size of the image", key, text);
    return number(0.5, 1000)(text, key);
  }),
  format: format(
    {
      auto: { format: "auto" },
      jpg: { format: "jpeg" },
      jpeg: { format: "jpeg" },
      pjpg: { format: "jpeg", progressive: true },
      pjpeg: { format: "jpeg", progressive: true },
      bjpg: { format: "jpeg", progressive: false },
      bjpeg: { format: "jpeg", progressive: false },
      png: { format: "png" },
      webp: { format: "webp" },
      webpll: { format: "webp", lossless: true },
      webply: { format: "webp", lossless: false },
      avif: { format: "avif" },
      gif: { format: "gif" },
    },
    { missing: ["png8", "mp4", "jxl", "jpegxl", "jxlll", "jxlly", "svg"] },
  ),
  auto: {
    means: "the format is negotiated with the client, whatever `format` is. `jxl` is refused",
    values: "`webp`, `avif`, both separated by a comma",
    read: auto,
    output: () => ({ format: "auto" }),
  },
  quality: {
    means: "quality; a second one, for WebP, is refused if it differs",
    values: "0–100",
    read: (text, key) => {
      const [value = 1, other = value] = text
        .split(",")
        .map((part) => Math.max(1, integer(0, 100)(part, key)));
      if (other !== value) throw unsupported("another quality for WebP", key, text);
      return value;
    },
    output: (value) => ({ quality: value }),
    fromOutput: (output) => (typeof output.quality === "number" ? output.quality : undefined),
  },
  optimize: {
    means: "the quality is chosen for each image, in the same way for all of them",
    values: "`low`, `medium`, `high`",
    read: words("low", "medium", "high"),
    output: () => ({ quality: "auto" }),
    fromOutput: (output) => (output.quality === "auto" ? "medium" : undefined),
  },
  frame: {
    means: "the first frame of an animation",
    values: "1",
    read: oneOf(new Map([["1", 1]] as const)),
    step: (page) => ({ op: "frame", page }),
    fromStep: (step) => (step.op === "frame" && step.page === 1 && step.time === undefined ? 1 : undefined),
  },
  "resize-filter": neutral<string>(
    "lanczos3",
    "other methods of scaling",
    words("nearest", "bilinear", "linear", "bicubic", "cubic", "lanczos2", "lanczos3", "lanczos"),
  ),
  bw: refused("black and white by a threshold"),
  metadata: refused("keeping a part of the metadata"),
  overlay: refused("overlays", [
    "overlay-align",
    "overlay-height",
    "overlay-pad",
    "overlay-repeat",
    "overlay-width",
    "overlay-x",
    "overlay-y",
  ]),
  montage: refused("montages"),
  viewbox: refused("the view box of SVGs"),
  profile: refused("videos", ["level"]),
};

type Fastly = Values<FastlyValues>;

/** Where a part of this length begins; the middle, if that is not given. */
function start(at: Position | undefined, of: Expression, current: Current): Expression {
  if (at === undefined) return ["div", ["sub", current, of], 2];
  if ("offset" in at) return ["mul", ["sub", current, of], at.offset / 100];
  return "px" in at ? at.px : ["mul", current, at.part];
}

function extentsOf({ size }: Region): Pick<StepOf<"extract">, "width" | "height"> {
  if (typeof size === "number") return partOf(size);
  return { width: lengthOf(size[0], "currentWidth"), height: lengthOf(size[1], "currentHeight") };
}

function cut(region: Region): StepOf<"extract"> {
  const { x, y, mode } = region;
  const { width = "currentWidth", height = "currentHeight" } = extentsOf(region);
  const isPlaced = x !== undefined || y !== undefined;
  return {
    op: "extract",
    width,
    height,
    ...(mode === "smart" && { focus: "attention" }),
    ...(isPlaced &&
      mode !== "smart" && {
        at: { from: "corner", x: start(x, width, "currentWidth"), y: start(y, height, "currentHeight") },
      }),
    // A window that is as large as the image may be larger by what rounding adds.
    outside: mode === "safe" || typeof region.size === "number" ? "clip" : "error",
    shrink: true,
  };
}

function regionOf(step: StepOf<"extract">): Region | undefined {
  const { width, height, at, focus, outside } = step;
  const aspect = ratioOf(step);
  const [wide, high] = [extentOf(width), extentOf(height)];
  const size = aspect ?? (wide && high ? ([wide, high] as const) : undefined);
  if (size === undefined) return undefined;
  const readPosition = (from: Expression): Position | undefined => {
    if (!Array.isArray(from)) return extentOf(from);
    const [operator, of, by] = from;
    if (operator === "div" || typeof by !== "number") return undefined;
    return Array.isArray(of) ? { offset: by * 100 } : { part: by };
  };
  const mode =
    focus === "attention" ? "smart" : outside === "clip" && aspect === undefined ? "safe" : undefined;
  const [x, y] = at ? [readPosition(at.x), readPosition(at.y)] : [];
  return { size, ...(x && { x }), ...(y && { y }), ...(mode && { mode }) };
}

const crop: Rule<FastlyValues> = {
  uses: ["precrop", "trim", "crop"],
  steps({ precrop, trim, crop }) {
    const steps: Step[] = [];
    if (precrop) steps.push(cut(precrop));
    if (trim) {
      const [top, right, bottom, left] = trim;
      const px = (value: Extent, current: Current): Expression =>
        "px" in value ? value.px : ["mul", current, value.part];
      steps.push({
        op: "extract",
        width: ["sub", "currentWidth", ["add", px(left, "currentWidth"), px(right, "currentWidth")]],
        height: ["sub", "currentHeight", ["add", px(top, "currentHeight"), px(bottom, "currentHeight")]],
        at: { from: "corner", x: px(left, "currentWidth"), y: px(top, "currentHeight") },
        outside: "error",
        shrink: true,
      });
    }
    if (crop) steps.push(cut(crop));
    return steps;
  },
  fromStep(step) {
    if (step.op !== "extract" || step.outside === "pad") return undefined;
    const region = regionOf(step);
    if (region) return [{ crop: region }, { precrop: region }];
    const from = step.at;
    const [left, top] = [from && extentOf(from.x), from && extentOf(from.y)];
    const rest = (length: Expression | undefined, start: Extent | undefined): Extent | undefined => {
      if (!Array.isArray(length) || length[0] !== "sub") return undefined;
      const [, , taken] = length;
      if (typeof taken === "number") return start && "px" in start ? { px: taken - start.px } : undefined;
      return Array.isArray(taken) ? extentOf(taken[2]) : undefined;
    };
    const [right, bottom] = [rest(step.width, left), rest(step.height, top)];
    return top && right && bottom && left ? { trim: [top, right, bottom, left] } : undefined;
  },
};

const KEYS = ["width", "height"] as const;

const resize = resizeRule<FastlyValues>(
  ["width", "height", "dpr", "fit", "enable", "disable"],
  ({ width, height, dpr = 1, fit, enable, disable }) => {
    if (width === undefined && height === undefined) return [];
    const sides = sizeOf(
      KEYS,
      width && lengthOf(width, "currentWidth", dpr),
      height && lengthOf(height, "currentHeight", dpr),
    );
    const isBox = width !== undefined && height !== undefined;
    const kind =
      !isBox || fit === "bounds" ? "inside" : fit === "cover" ? "outside" : fit === "crop" ? "cover" : "fill";
    return [{ op: "resize", ...sides, fit: kind, enlarge: enable !== undefined && disable === undefined }];
  },
  ({ width, height, enlarge }) => {
    const values: Fastly = {
      ...sizeOf(KEYS, extentOf(width), extentOf(height)),
      ...(enlarge && { enable: "upscale" as const }),
    };
    return [values, ...(["bounds", "cover", "crop"] as const).map((fit) => ({ ...values, fit }))];
  },
);

const colourOf = (values: Fastly) => paint(values["bg-color"] ?? CLEAR);

/** Edges, a canvas, and the colour below what is clear. */
const surround: Rule<FastlyValues> = {
  uses: ["pad", "canvas", "bg-color"],
  steps(values) {
    const { pad, canvas, "bg-color": color } = values;
    const steps: Step[] = [];
    const window = { op: "extract", outside: "pad", shrink: true, background: colourOf(values) } as const;
    // https://www.fastly.com/documentation/reference/io/canvas: beside it, `pad` has no effect.
    if (pad && !canvas) {
      const along = (value: Extent, current: Current): Expression =>
        "px" in value ? value.px : ["mul", current, value.part];
      const [top, right, bottom, left] = [
        along(pad[0], "currentHeight"),
        along(pad[1], "currentWidth"),
        along(pad[2], "currentHeight"),
        along(pad[3], "currentWidth"),
      ];
      steps.push({
        ...window,
        width: ["add", "currentWidth", ["add", left, right]],
        height: ["add", "currentHeight", ["add", top, bottom]],
        at: { from: "corner", x: ["sub", 0, left], y: ["sub", 0, top] },
      });
    }
    if (canvas) {
      const { width = "currentWidth", height = "currentHeight" } =
        typeof canvas.size === "number"
          ? {
              width: maximum("currentWidth", ["mul", "currentHeight", canvas.size]),
              height: maximum("currentHeight", ["div", "currentWidth", canvas.size]),
            }
          : extentsOf(canvas);
      const from = (at: Position | undefined, of: Expression, current: Current): Expression =>
        at !== undefined && "px" in at
          ? -at.px
          : at !== undefined && "part" in at
            ? ["mul", current, -at.part]
            : start(at, of, current);
      const isPlaced = canvas.x !== undefined || canvas.y !== undefined;
      steps.push({
        ...window,
        width,
        height,
        ...(isPlaced && {
          at: {
            from: "corner",
            x: from(canvas.x, width, "currentWidth"),
            y: from(canvas.y, height, "currentHeight"),
          },
        }),
      });
    }
    if (color) steps.push({ op: "flatten", background: paint(color) });
    return steps;
  },
  fromStep(step) {
    if (step.op === "flatten")
      return step.background.kind === "color" ? { "bg-color": step.background.color } : undefined;
    if (step.op !== "extract" || step.outside !== "pad") return undefined;
    const { width, height, at, background } = step;
    const color =
      background?.kind === "color" && background.color.alpha > 0 ? { "bg-color": background.color } : {};
    const [wide, high] = [extentOf(width), extentOf(height)];
    if (wide && high && !at) return { canvas: { size: [wide, high] }, ...color };
    const { x, y } = at ?? {};
    if (wide && high && typeof x === "number" && typeof y === "number") {
      return { canvas: { size: [wide, high], x: { px: -x }, y: { px: -y } }, ...color };
    }
    const added = (length: Expression | undefined) =>
      Array.isArray(length) && typeof length[2] === "number" ? length[2] : Number.NaN;
    const [left, top] = [-Number(x), -Number(y)];
    const edges = [top, added(width) - left, added(height) - top, left];
    if (!edges.every(Number.isInteger)) return undefined;
    return { pad: edges.map((px) => ({ px })) as unknown as Sides, ...color };
  },
};

/** Fastly Image Optimizer's URL language: `/photo.jpg?width=300&fit=bounds`. */
export const urlFastly = (options: ServiceOptions = {}): Plugin =>
  queryService(
    {
      name: "url-fastly",
      parameters: PARAMETERS,
      order: [
        "frame",
        crop,
        "trim-color",
        "orient",
        resize,
        "resize-filter",
        surround,
        "brightness",
        "contrast",
        "saturation",
        "sharpen",
        "blur",
      ],
      // "By default, all query parameters are stripped, even those that are not recognized."
      versions: "any",
      // Without a format, an image keeps that of its source.
      defaults: { format: "source", sanitizeSvg: true },
    },
    options,
  );

export default urlFastly;
