import { invalid, type Plugin, type StepOf } from "@mediatap/core";
import {
  assetOf,
  decimal,
  decodeText,
  type Grammar,
  ignored,
  integer,
  neutral,
  number,
  oneOf,
  type Parameters,
  printNumber,
  type Rule,
  readQuery,
  refused,
  unsupported,
  wordFor,
  words,
} from "@mediatap/core/language";
import type { Focus, Rgba } from "@mediatap/core/steps";
import {
  around,
  background,
  blur,
  CLEAR,
  flag,
  flatten,
  format,
  MAX_SIDE,
  mirror,
  paint,
  partOf,
  pixelsOf,
  printFlag,
  quality,
  queryService,
  resizeRule,
  type ServiceOptions,
  side,
  sizeOf,
  type Written,
} from "./common.ts";

type Fit = "inside" | "outside" | "cover" | "fill" | "contain";

interface WsrvValues {
  w: number;
  h: number;
  dpr: number;
  fit: Fit;
  cbg: Rgba;
  we: boolean;
  a: Focus | "focal";
  fpx: number;
  fpy: number;
  cx: number;
  cy: number;
  cw: number;
  ch: number;
  precrop: boolean;
  trim: number;
  mask: "ellipse" | "circle";
  mbg: Rgba;
  flip: boolean;
  flop: boolean;
  ro: number;
  rbg: Rgba;
  bg: Rgba;
  blur: number;
  filt: "greyscale";
  sat: 0 | 1;
  con: number;
  hue: number;
  sharp: number;
  output: Written;
  q: number;
  ll: boolean;
  il: boolean;
  page: number;
  n: -1 | 1;
  af: true;
  l: true;
  maxage: true;
  filename: true;
  default: true;
  crop: never;
  gam: never;
  mod: never;
  tint: never;
  start: never;
  sharpf: never;
  mtrim: never;
  encoding: never;
}

const ALIGNMENTS: ReadonlyMap<string, Focus | "focal"> = new Map<string, Focus | "focal">([
  ["center", "center"],
  ["top", "top"],
  ["right", "right"],
  ["bottom", "bottom"],
  ["left", "left"],
  ["top-left", "top-left"],
  ["top-right", "top-right"],
  ["bottom-left", "bottom-left"],
  ["bottom-right", "bottom-right"],
  ["entropy", "entropy"],
  ["attention", "attention"],
  ["focal", "focal"],
]);

const COLOURS = { named: true, alphaFirst: true };
const SWITCH = { values: "nothing, `1`, `0`", read: flag, print: printFlag };

const SHARPEN_AMOUNT_PER_UNIT = 10;

/** https://wsrv.nl/docs/ */
export const PARAMETERS: Parameters<WsrvValues> = {
  w: side("width"),
  h: side("height"),
  dpr: { means: "multiplies `w` and `h`", values: "1–8", read: number(1, 8) },
  fit: {
    means: "how an image meets `w` and `h`; `inside` if it is left out",
    values: "`inside`, `outside`, `cover`, `fill`, `contain`",
    read: words("inside", "outside", "cover", "fill", "contain"),
  },
  cbg: background("colour around the image of `contain`; clear if it is left out", COLOURS),
  we: { means: "small images are not enlarged", ...SWITCH },
  a: {
    means: "what `cover` shows, and where the image of `contain` lies",
    values:
      "`center`, `top`, `right`, `bottom`, `left`, `top-left`, `top-right`, `bottom-left`, `bottom-right`, `entropy`, `attention`, `focal`",
    read: oneOf(ALIGNMENTS),
    print: (value) => wordFor(ALIGNMENTS, value) ?? "",
  },
  fpx: { means: "focal point from the left, for `a=focal`", values: "0–1", read: number(0, 1) },
  fpy: { means: "focal point from the top", values: "0–1", read: number(0, 1) },
  cx: { means: "left edge of a window that is cut out", values: "pixels", read: integer(0, MAX_SIDE) },
  cy: { means: "its top edge", values: "pixels", read: integer(0, MAX_SIDE) },
  cw: side("its width"),
  ch: side("its height"),
  precrop: { means: "the window is cut out before the image is scaled, not after it", ...SWITCH },
  trim: {
    means: "cuts edges that are like the corner, with a tolerance; above 99 it is refused",
    values: "nothing (10), 1–99",
    read: (text, key) => {
      const value = text === "" ? 10 : integer(1, 254)(text, key);
      if (value > 99) throw unsupported("this tolerance", key, text);
      return value;
    },
    step: (tolerance) => ({ op: "trim", tolerance }),
    fromStep: (step) => (step.op === "trim" ? step.tolerance : undefined),
  },
  mask: {
    means: "cuts out a shape; `circle` of squares that `cover` makes. Others are refused",
    values: "`ellipse`, `circle`",
    read: oneOf(
      new Map([
        ["ellipse", "ellipse"],
        ["circle", "circle"],
      ] as const),
      "this shape",
      ["triangle", "triangle-180", "pentagon", "pentagon-180", "hexagon", "square", "star", "heart"],
    ),
  },
  mbg: background("colour outside of the shape", COLOURS),
  flip: { means: "upside down, after `ro`", ...SWITCH },
  flop: { means: "left to right, after `ro`", ...SWITCH },
  ro: {
    means: "turns clockwise, before the image is scaled; without a value it is upright anyway",
    values: "degrees",
    read: (text, key) => (text === "" ? 0 : ((integer(-3600, 3600)(text, key) % 360) + 360) % 360),
  },
  rbg: background("colour of the corners that `ro` adds", COLOURS),
  bg: background("colour below clear parts", COLOURS),
  blur: blur("Gaussian blur, by its standard deviation", "0, 0.3–1000", (text, key) => {
    const value = number(0, 1000)(text, key);
    if (value > 0 && value < 0.3) throw invalid(key, "0 or number from 0.3 to 1000", text);
    return value;
  }),
  filt: {
    means: "shades of grey; other filters are refused",
    values: "`greyscale`",
    read: oneOf(new Map([["greyscale", "greyscale"]] as const), "this filter", [
      "sepia",
      "duotone",
      "negate",
    ]),
    step: () => ({ op: "grayscale" }),
    fromStep: (step) => (step.op === "grayscale" ? "greyscale" : undefined),
  },
  sat: {
    means: "0 makes shades of grey, 1 changes nothing; other values are refused",
    values: "0, 1",
    read: (text, key) => {
      const value = number(0, 10_000)(text, key);
      if (value !== 0 && value !== 1) throw unsupported("saturation other than 0 and 1", key, text);
      return value;
    },
    step: (value) => (value === 0 ? { op: "grayscale" } : undefined),
  },
  con: neutral<number>(0, "contrast", integer(-100, 100)),
  hue: neutral<number>(0, "hue", integer(-3600, 3600)),
  sharp: {
    means: "sharpens; the strength is ten times as much",
    values: "0–10",
    read: number(0, 10),
    print: printNumber,
    step: (value) => (value === 0 ? undefined : { op: "sharpen", amount: value * SHARPEN_AMOUNT_PER_UNIT }),
    fromStep: (step) => (step.op === "sharpen" ? step.amount / SHARPEN_AMOUNT_PER_UNIT : undefined),
  },
  output: format(
    {
      jpg: { format: "jpeg" },
      png: { format: "png" },
      webp: { format: "webp" },
      avif: { format: "avif" },
      gif: { format: "gif" },
    },
    { missing: ["tiff", "json"] },
  ),
  q: quality(),
  ll: {
    means: "lossless WebP and AVIF",
    ...SWITCH,
    output: (lossless) => ({ lossless }),
    fromOutput: ({ lossless }) => lossless,
  },
  il: {
    means: "progressive JPEGs",
    ...SWITCH,
    output: (progressive) => ({ progressive }),
    fromOutput: ({ progressive }) => progressive,
  },
  page: {
    means: "one page, counted from 0; the largest and the smallest one (-1, -2) are refused",
    values: "from 0",
    read: (text, key) => {
      const value = decimal(text);
      if (value === -1 || value === -2) throw unsupported("pages by their size", key, text);
      return integer(0, 100_000)(text, key);
    },
  },
  n: {
    means: "1 makes a still image of an animation, -1 keeps it; other numbers are refused",
    values: "1, -1",
    read: (text, key) => {
      const value = integer(-1, 100_000)(text, key);
      if (value !== 1 && value !== -1) throw unsupported("a number of pages", key, text);
      return value;
    },
  },
  af: ignored("how PNGs are compressed"),
  l: ignored("how PNGs are compressed"),
  maxage: ignored("the cache lifetime, which the endpoint's configuration decides"),
  filename: ignored("a name for the file in the response"),
  default: ignored("another image instead of an error", ["errorredirect"]),
  crop: refused("the older form of `cx`, `cy`, `cw` and `ch`"),
  gam: refused("gamma correction"),
  mod: refused("brightness, saturation and hue"),
  tint: refused("tints"),
  start: refused("colours of filters", ["stop"]),
  sharpf: refused("other ways to sharpen", ["sharpj"]),
  mtrim: refused("masks without their surroundings"),
  encoding: refused("data URLs"),
};

const KEYS = ["w", "h"] as const;

const frame: Rule<WsrvValues> = {
  uses: ["page", "n"],
  steps: ({ page, n }) => (page === undefined && n !== 1 ? [] : [{ op: "frame", page: (page ?? 0) + 1 }]),
  fromStep: (step) => {
    if (step.op !== "frame" || step.time !== undefined) return undefined;
    return step.page === 1 ? { n: 1 } : { page: step.page - 1 };
  },
};

const window = ({ cx = 0, cy = 0, cw, ch }: Partial<WsrvValues>): StepOf<"extract"> | undefined =>
  cw === undefined && ch === undefined && cx === 0 && cy === 0
    ? undefined
    : {
        op: "extract",
        width: cw ?? ["sub", "currentWidth", cx],
        height: ch ?? ["sub", "currentHeight", cy],
        at: { from: "corner", x: cx, y: cy },
        outside: "clip",
        shrink: true,
      };

/** Cuts a window out, before the image is scaled or after it. */
const crop = (isBefore: boolean): Rule<WsrvValues> => ({
  uses: ["cx", "cy", "cw", "ch", "precrop"],
  steps(values) {
    const step = (values.precrop ?? false) === isBefore ? window(values) : undefined;
    return step ? [step] : [];
  },
  fromStep(step) {
    if (step.op !== "extract" || !step.at) return undefined;
    const { width, height, at } = step;
    const sizes = sizeOf(
      ["cw", "ch"],
      typeof width === "number" ? width : undefined,
      typeof height === "number" ? height : undefined,
    );
    if (typeof at.x !== "number" || typeof at.y !== "number") return undefined;
    const values = { ...sizes, ...(at.x !== 0 && { cx: at.x }), ...(at.y !== 0 && { cy: at.y }) };
    return [isBefore ? { ...values, precrop: true } : values];
  },
});

const rotate: Rule<WsrvValues> = {
  uses: ["ro", "rbg"],
  steps: ({ ro: angle = 0, rbg }) =>
    angle === 0 ? [] : [{ op: "rotate", angle, ...(angle % 90 !== 0 && rbg && { background: paint(rbg) }) }],
  fromStep(step) {
    if (step.op !== "rotate") return undefined;
    const { angle, background } = step;
    return { ro: angle, ...(background?.kind === "color" && { rbg: background.color }) };
  },
};

const resize = resizeRule<WsrvValues>(
  ["w", "h", "dpr", "fit", "cbg", "we", "a", "fpx", "fpy"],
  ({ w, h, dpr = 1, fit = "inside", cbg, we = false, a = "center", fpx = 0.5, fpy = 0.5 }) => {
    if (w === undefined && h === undefined) return [];
    const scaled = (length: number | undefined) => length && Math.max(1, Math.round(length * dpr));
    const [width, height] = [scaled(w), scaled(h)];
    const sides = sizeOf(["width", "height"], width, height);
    if (a === "focal" && fit === "cover" && width !== undefined && height !== undefined) {
      const aspect = width / height;
      const box = partOf(aspect);
      const at = {
        from: "corner",
        x: around(["mul", "currentWidth", fpx], box.width, "currentWidth"),
        y: around(["mul", "currentHeight", fpy], box.height, "currentHeight"),
      } as const;
      return [
        { op: "extract", ...box, at, outside: "clip", shrink: true },
        { op: "resize", ...sides, fit: "fill", enlarge: !we },
      ];
    }
    if (a === "focal" && fit === "contain") throw unsupported("a focal point of contain", "a", a);
    const focus = a === "focal" ? "center" : a;
    return [
      {
        op: "resize",
        ...sides,
        fit,
        enlarge: !we,
        ...((fit === "cover" || fit === "contain") && { focus }),
        ...(fit === "contain" && { background: paint(cbg ?? CLEAR) }),
      },
    ];
  },
  (step) => {
    const color = step.background?.kind === "color" ? step.background.color : undefined;
    const values = {
      ...pixelsOf(KEYS, step),
      ...(step.fit !== "inside" && { fit: step.fit }),
      ...(!step.enlarge && { we: true }),
      ...(step.focus && { a: step.focus }),
    };
    return [color && color.alpha > 0 ? { ...values, cbg: color } : values];
  },
);

const mask: Rule<WsrvValues> = {
  uses: ["mask", "mbg", "w", "h", "fit"],
  steps({ mask, mbg, w, h, fit }) {
    if (mask === undefined) return [];
    if (mask === "circle" && (w === undefined || w !== h || fit !== "cover")) {
      throw unsupported("circles in images that cover makes no squares of", "mask", mask);
    }
    return [
      { op: "round", radius: "max" },
      ...(mbg ? [{ op: "flatten", background: paint(mbg) } as const] : []),
    ];
  },
  fromStep: (step) => (step.op === "round" && step.radius === "max" ? { mask: "ellipse" } : undefined),
};

/** Where an image is: a host and a path, an absolute URL, or with a slash before it a file of the endpoint. */
const URL_NAME = "url";

const grammar = (byQuery: Grammar): Grammar => ({
  ...byQuery,
  locate({ path, query }, endpoint) {
    const pairs = readQuery(query);
    const source = pairs.findLast(({ name }) => name === URL_NAME);
    if (path !== "" || source === undefined) return undefined;
    const text = decodeText(source.rawValue, URL_NAME)
      .replace(/^ssl:/, "https://")
      .replace(/^\/\//, "http://");
    const others = pairs.filter(({ name }) => name !== URL_NAME).map(({ raw }) => raw);
    const located = byQuery.locate({ path: "_", query: others.join("&") }, endpoint);
    return located && { ...located, asset: assetOf(/^(?:\/|https?:)/i.test(text) ? text : `http://${text}`) };
  },
  compose({ asset, text, query }) {
    const { query: rest } = byQuery.compose({ asset: { kind: "path", path: "_" }, text, query });
    const address = asset.kind === "path" ? `/${asset.path}` : asset.path.replace(/^http:\/\//, "");
    const source = `${URL_NAME}=${encodeURIComponent(address)}`;
    return { path: "", query: rest === "" ? source : `${source}&${rest}` };
  },
});

/** The language of wsrv.nl (images.weserv.nl): `/?url=example.com/photo.jpg&w=300&output=webp`. */
export const urlWsrv = (options: ServiceOptions = {}): Plugin =>
  queryService(
    {
      name: "url-wsrv",
      parameters: PARAMETERS,
      order: [
        frame,
        "trim",
        crop(true),
        rotate,
        mirror<WsrvValues>("flop", "flip"),
        resize,
        crop(false),
        flatten<WsrvValues>("bg"),
        "con",
        "hue",
        "filt",
        "sat",
        "sharp",
        "blur",
        mask,
      ],
      grammar,
      // Without a format, an image keeps that of its source.
      defaults: { format: "source", sanitizeSvg: true },
    },
    options,
  );

export default urlWsrv;
