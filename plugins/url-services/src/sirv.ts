import { invalid, type Plugin, type StepOf } from "@mediatap/core";
import {
  boolean,
  decimal,
  type Grammar,
  type Item,
  ignored,
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
  wordFor,
  words,
} from "@mediatap/core/language";
import type { Expression, Focus, Rgba } from "@mediatap/core/steps";
import {
  blur,
  COMPASS,
  type Current,
  colour,
  type Extent,
  extent,
  extentOf,
  format,
  lengthOf,
  mirror,
  paint,
  printExtent,
  quality,
  queryService,
  resizeRule,
  type ServiceOptions,
  saturation,
  side,
  sizeOf,
  toggle,
  WHITE,
  type Written,
} from "./common.ts";

/** Where a window begins along an axis. */
type Start = Extent | "center" | "end";

interface SirvValues {
  w: Extent;
  h: Extent;
  s: number;
  "scale.option": "fit" | "fill" | "ignore" | "noup";
  "crop.type": "none" | "trim" | "face";
  cw: Extent;
  ch: Extent;
  cx: Start;
  cy: Start;
  "canvas.width": Extent;
  "canvas.height": Extent;
  "canvas.color": Rgba;
  "canvas.position": Focus;
  rotate: number;
  flip: boolean;
  flop: boolean;
  opacity: number;
  grayscale: boolean;
  blur: number;
  sharpen: number;
  saturation: 0 | -100;
  brightness: number;
  contrast: number;
  exposure: number;
  hue: number;
  lightness: number;
  shadows: number;
  highlights: number;
  "colorlevel.black": number;
  "colorlevel.white": number;
  format: Written;
  q: number;
  progressive: boolean;
  page: number;
  subsampling: string;
  "webp.fallback": true;
  profile: never;
  thumbnail: never;
  text: never;
  watermark: never;
  frame: never;
  vignette: never;
  colortone: never;
  histogram: never;
  autolevels: never;
  info: never;
  "crop.aspectratio": never;
  "canvas.aspectratio": never;
}

const print = printExtent("%");
const LENGTHS = "pixels, percentages (`50%`)";
const BOOLEAN = { read: boolean, print: String };

const length = (means: string, also: readonly string[]): Parameter<Extent> => ({
  means,
  values: LENGTHS,
  also,
  read: extent("%"),
  print,
});

const start =
  (first: string, last: string): Reader<Start> =>
  (text, key) => {
    if (text === first) return { px: 0 };
    if (text === "center") return "center";
    return text === last ? "end" : extent("%", 0)(text, key);
  };

const printStart = (last: string) => (value: Start) =>
  value === "end" ? last : value === "center" ? value : print(value);

const none = (capability: string): Parameter<number> => neutral<number>(0, capability, integer(-100, 100));

/** `ff0000`, `ff000080`, or four numbers. */
const canvasColour: Reader<Rgba> = (text, key) => {
  const parts = text
    .replace(/^rgba?\((.*)\)$/, "$1")
    .split(",")
    .map((part) => decimal(part.trim()));
  const [r, g, b, alpha = 1] = parts;
  if (parts.length < 3) return colour()(text, key);
  const isColour =
    parts.length <= 4 &&
    parts.every((part, at) => part !== undefined && part >= 0 && part <= (at === 3 ? 1 : 255));
  if (!isColour || r === undefined || g === undefined || b === undefined)
    throw invalid(key, "colour such as ff0000", text);
  return { r, g, b, alpha };
};

/** https://sirv.com/help/articles/dynamic-imaging/ */
export const PARAMETERS: Parameters<SirvValues> = {
  w: length("width", ["scale.width"]),
  h: length("height", ["scale.height"]),
  s: side("both sides of a square that the image is fitted inside, if neither is given"),
  "scale.option": {
    means: "how an image meets both sides; `fit`, which enlarges it, if it is left out",
    values: "`fit`, `fill`, `ignore`, `noup`",
    read: words("fit", "fill", "ignore", "noup"),
  },
  "crop.type": {
    means:
      "cuts edges that are like the corner, or all around faces, before the image is scaled. `poi` is refused",
    values: "`none`, `trim`, `face`",
    read: oneOf(
      new Map([
        ["none", "none"],
        ["trim", "trim"],
        ["face", "face"],
      ] as const),
      "points of interest",
      ["poi"],
    ),
    step: (value) => {
      if (value === "none") return undefined;
      return value === "trim"
        ? { op: "trim", tolerance: 10 }
        : { op: "extract", focus: "faces", outside: "clip", shrink: true };
    },
    fromStep: (step) => {
      if (step.op === "trim" && step.tolerance === 10) return "trim";
      const isTight =
        step.op === "extract" && step.focus === "faces" && !step.width && !step.height && !step.at;
      return isTight ? "face" : undefined;
    },
  },
  cw: length("width of a window that is cut out, after the image is scaled", ["crop.width"]),
  ch: length("its height", ["crop.height"]),
  cx: {
    means: "its left edge; 0 if it is left out",
    values: `${LENGTHS}, \`left\`, \`center\`, \`right\``,
    also: ["crop.x"],
    read: start("left", "right"),
    print: printStart("right"),
  },
  cy: {
    means: "its top edge",
    values: `${LENGTHS}, \`top\`, \`center\`, \`bottom\``,
    also: ["crop.y"],
    read: start("top", "bottom"),
    print: printStart("bottom"),
  },
  "canvas.width": length("lays the image on a canvas of this width, if that is larger", []),
  "canvas.height": length("its height", []),
  "canvas.color": {
    means: "its colour; white if it is left out",
    values: "`RGB`, `RRGGBB`, `RRGGBBAA`, `<r>,<g>,<b>`, `<r>,<g>,<b>,<a>`",
    read: canvasColour,
    print: ({ r, g, b, alpha }) => [r, g, b, ...(alpha < 1 ? [printNumber(alpha)] : [])].join(","),
  },
  "canvas.position": {
    means: "where the image lies on it",
    values: "`center`, `north`, `south`, `east`, `west`, `northwest`, `northeast`, `southwest`, `southeast`",
    read: oneOf(COMPASS),
    print: (value) => wordFor(COMPASS, value) ?? "",
  },
  rotate: {
    means: "turns clockwise",
    values: "-180–180",
    read: (text, key) => (integer(-180, 180)(text, key) + 360) % 360,
    step: (angle) => (angle === 0 ? undefined : { op: "rotate", angle }),
    fromStep: (step) =>
      step.op === "rotate" && !step.background && Number.isInteger(step.angle) ? step.angle : undefined,
    print: (angle) => String(angle > 180 ? angle - 360 : angle),
  },
  flip: { means: "upside down", values: "`true`, `false`", ...BOOLEAN },
  flop: { means: "left to right", values: "`true`, `false`", ...BOOLEAN },
  opacity: {
    means: "opacity",
    values: "0–100",
    read: number(0, 100),
    print: printNumber,
    step: (value) => (value === 100 ? undefined : { op: "opacity", value: value / 100 }),
    fromStep: (step) => (step.op === "opacity" ? step.value * 100 : undefined),
  },
  grayscale: toggle("shades of grey", { op: "grayscale" }, BOOLEAN),
  blur: blur("Gaussian blur; the standard deviation is a quarter of it", "0–100", number(0, 100), 0.25),
  sharpen: {
    means: "sharpens",
    values: "0–100",
    read: number(0, 100),
    print: printNumber,
    step: (amount) => (amount === 0 ? undefined : { op: "sharpen", amount }),
    fromStep: (step) => (step.op === "sharpen" ? step.amount : undefined),
  },
  saturation: saturation(),
  brightness: none("brightness"),
  contrast: none("contrast"),
  exposure: none("exposure"),
  hue: none("hue"),
  lightness: none("lightness"),
  shadows: none("shadows"),
  highlights: none("highlights"),
  "colorlevel.black": neutral<number>(0, "levels of colours", integer(0, 255)),
  "colorlevel.white": neutral<number>(255, "levels of colours", integer(0, 255)),
  format: format(
    {
      optimal: { format: "auto" },
      original: { format: "source" },
      jpg: { format: "jpeg" },
      jpeg: { format: "jpeg" },
      png: { format: "png" },
      webp: { format: "webp" },
      avif: { format: "avif" },
      gif: { format: "gif" },
    },
    { missing: ["svg", "mp4"] },
  ),
  q: quality(["quality"]),
  progressive: {
    means: "progressive JPEGs",
    values: "`true`, `false`",
    ...BOOLEAN,
    output: (progressive) => ({ progressive }),
    fromOutput: ({ progressive }) => progressive,
  },
  page: {
    means: "one page, counted from 1",
    values: "from 1",
    read: integer(1, 100_000),
    step: (page) => ({ op: "frame", page }),
    fromStep: (step) => (step.op === "frame" && step.time === undefined ? step.page : undefined),
  },
  subsampling: neutral<string>("4:2:0", "other chroma subsampling", words("4:2:0", "4:2:2", "4:4:4")),
  "webp.fallback": ignored("the format for clients that do not accept WebP", ["webp-fallback"]),
  profile: refused("profiles"),
  thumbnail: refused("thumbnails of spins and videos"),
  text: refused("texts"),
  watermark: refused("watermarks"),
  frame: refused("frames"),
  vignette: refused("vignettes"),
  colortone: refused("tints", ["colorize", "blackandwhite", "sepia"]),
  histogram: refused("diagrams"),
  autolevels: refused("automatic corrections", ["normalize", "equalize", "autocontrast"]),
  info: refused("descriptions of images"),
  "crop.aspectratio": refused("other kinds of cropping", ["crop.pad", "crop.padding", "crop.face"]),
  "canvas.aspectratio": refused("other kinds of canvases", ["canvas.border", "canvas.opacity"]),
};

const resize = resizeRule<SirvValues>(
  ["w", "h", "s", "scale.option"],
  ({ w, h, s, "scale.option": option = "fit" }) => {
    const enlarge = option !== "noup";
    if (w === undefined && h === undefined) {
      return s === undefined ? [] : [{ op: "resize", width: s, height: s, fit: "inside", enlarge }];
    }
    const sides = sizeOf(
      ["width", "height"],
      w && lengthOf(w, "currentWidth"),
      h && lengthOf(h, "currentHeight"),
    );
    const isBox = w !== undefined && h !== undefined;
    const fit = isBox && option === "fill" ? "cover" : isBox && option === "ignore" ? "fill" : "inside";
    return [{ op: "resize", ...sides, fit, enlarge }];
  },
  ({ width, height }) => {
    const values = sizeOf(["w", "h"], extentOf(width), extentOf(height));
    return [
      values,
      ...(["noup", "fill", "ignore"] as const).map((option) => ({ ...values, "scale.option": option })),
    ];
  },
);

const crop: Rule<SirvValues> = {
  uses: ["cw", "ch", "cx", "cy"],
  steps({ cw, ch, cx = { px: 0 }, cy = { px: 0 } }) {
    if (cw === undefined && ch === undefined) return [];
    const width = cw ? lengthOf(cw, "currentWidth") : "currentWidth";
    const height = ch ? lengthOf(ch, "currentHeight") : "currentHeight";
    const focus = focusOf(cx, cy);
    const from = (at: Start, of: Expression, current: Current): Expression => {
      if (at === "center") return ["div", ["sub", current, of], 2];
      if (at === "end") return ["sub", current, of];
      return "px" in at ? at.px : ["mul", current, at.part];
    };
    const at = {
      from: "corner",
      x: from(cx, width, "currentWidth"),
      y: from(cy, height, "currentHeight"),
    } as const;
    return [{ op: "extract", width, height, ...(focus ? { focus } : { at }), outside: "clip", shrink: true }];
  },
  fromStep(step) {
    if (step.op !== "extract" || step.outside !== "clip") return undefined;
    const size = sizeOf(["cw", "ch"], extentOf(step.width), extentOf(step.height));
    if (!step.at) {
      const { focus = "center" } = step;
      const along = (first: string, last: string): Start =>
        focus.includes(first) ? { px: 0 } : focus.includes(last) ? "end" : "center";
      return [{ ...size, cx: along("left", "right"), cy: along("top", "bottom") }];
    }
    const from = (at: Expression): Start | undefined => {
      if (!Array.isArray(at)) return extentOf(at);
      return at[0] === "div" ? "center" : at[0] === "sub" ? "end" : extentOf(at);
    };
    const [cx, cy] = [from(step.at.x), from(step.at.y)];
    return cx && cy ? [{ ...size, cx, cy }] : undefined;
  },
};

/** One of nine points; of these, the size of a window is exact. */
function focusOf(cx: Start, cy: Start): Focus | undefined {
  const along = (at: Start, first: string, last: string) => {
    if (typeof at === "string") return at === "end" ? [last] : [];
    return "px" in at && at.px === 0 ? [first] : undefined;
  };
  const [across, down] = [along(cx, "left", "right"), along(cy, "top", "bottom")];
  if (!across || !down) return undefined;
  return ([...down, ...across].join("-") || "center") as Focus;
}

const canvas: Rule<SirvValues> = {
  uses: ["canvas.width", "canvas.height", "canvas.color", "canvas.position"],
  steps(values) {
    const [width, height] = [values["canvas.width"], values["canvas.height"]];
    if (width === undefined && height === undefined) return [];
    const step: StepOf<"extract"> = {
      op: "extract",
      ...sizeOf(
        ["width", "height"],
        width && lengthOf(width, "currentWidth"),
        height && lengthOf(height, "currentHeight"),
      ),
      focus: values["canvas.position"] ?? "center",
      outside: "pad",
      shrink: false,
      background: paint(values["canvas.color"] ?? WHITE),
    };
    return [step];
  },
  fromStep(step) {
    if (step.op !== "extract" || step.outside !== "pad" || step.at || step.background?.kind !== "color")
      return undefined;
    return {
      ...sizeOf(["canvas.width", "canvas.height"], extentOf(step.width), extentOf(step.height)),
      "canvas.color": step.background.color,
      ...(step.focus && { "canvas.position": step.focus }),
    };
  },
};

/** Parameters that the server refuses with all that begin with their name: `text.size`. */
const FAMILY =
  /^(text|watermark|frame|vignette|colortone|colorize|canvas\.border|crop\.pad|crop\.face)\d*\.(.+)$/;

function familiar(item: Item): Item {
  const [, key, rest] = FAMILY.exec(item.key) ?? [];
  return key === undefined ? item : { key, value: `${rest}=${item.value}` };
}

const grammar = (byQuery: Grammar): Grammar => ({
  ...byQuery,
  tokenize: (text) => byQuery.tokenize(text).map((group) => group.map(familiar)),
});

/** Sirv's URL language: `/photo.jpg?w=300&h=200&scale.option=fill&format=webp`. */
export const urlSirv = (options: ServiceOptions = {}): Plugin =>
  queryService(
    {
      name: "url-sirv",
      parameters: PARAMETERS,
      order: [
        "page",
        "crop.type",
        resize,
        crop,
        canvas,
        "rotate",
        mirror<SirvValues>("flop", "flip"),
        "saturation",
        "grayscale",
        "brightness",
        "contrast",
        "exposure",
        "hue",
        "lightness",
        "shadows",
        "highlights",
        "colorlevel.black",
        "colorlevel.white",
        "sharpen",
        "blur",
        "opacity",
        "subsampling",
      ],
      grammar,
      // The service negotiates the format of each image.
      defaults: { format: "auto", sanitizeSvg: true },
    },
    options,
  );

export default urlSirv;
