import { invalid, type Plugin } from "@mediatap/core";
import {
  assetPath,
  decimal,
  decodeText,
  type Grammar,
  type Group,
  type Item,
  integer,
  neutral,
  number,
  oneOf,
  type Parameter,
  type Parameters,
  printNumber,
  printPath,
  type Reader,
  type Rule,
  refused,
  unsupported,
  words,
} from "@mediatap/core/language";
import type { Expression, Focus, Rgba } from "@mediatap/core/steps";
import {
  background,
  blur,
  CLEAR,
  type Extent,
  extent,
  extentOf,
  flipped,
  format,
  lengthOf,
  MAX_SIDE,
  paint,
  partOf,
  printExtent,
  printRatio,
  queryService,
  ratio,
  ratioOf,
  refuseQuery,
  resizeRule,
  type ServiceOptions,
  sizeOf,
  type Written,
} from "./common.ts";
import { SIGNATURE } from "./edgeauth.ts";

/** A position in pixels, or one of nine points. */
type Position = readonly [x: number, y: number] | Focus;

interface Box {
  readonly width: number;
  readonly height: number;
}

interface Window {
  readonly size: readonly [Extent, Extent] | number;
  readonly at: Position;
}

interface UploadcareValues {
  stretch: "on" | "off";
  setfill: Rgba;
  crop: Window;
  preview: Box;
  resize: Partial<Box>;
  scale_crop: Box & { readonly focus: Focus };
  rotate: number;
  flip: true;
  mirror: true;
  grayscale: true;
  blur: number;
  sharp: number;
  border_radius: number | "max";
  brightness: number;
  exposure: number;
  gamma: number;
  contrast: number;
  saturation: number;
  vibrance: number;
  warmth: number;
  enhance: never;
  invert: never;
  filter: never;
  autorotate: "yes";
  format: Written;
  quality: number | "auto";
  progressive: boolean;
  strip_meta: "strip" | "keep";
  smart_resize: never;
  zoom_objects: never;
  overlay: never;
  srgb: never;
  json: never;
  gif2video: never;
}

const print = printExtent("p");

const MAX_SIDE_PIXELS = 5000;

/** `300x200`. */
const box: Reader<Box> = (text, key) => {
  const [width = "", height = "", more] = text.split("x");
  if (more !== undefined) throw invalid(key, "size such as 300x200", text);
  return { width: integer(1, MAX_SIDE_PIXELS)(width, key), height: integer(1, MAX_SIDE_PIXELS)(height, key) };
};

const printBox = ({ width, height }: Partial<Box>) => `${width ?? ""}x${height ?? ""}`;

/** The nine points by what of the free space lies before the part, in per cent. */
const POINTS: readonly (readonly [Focus, number, number])[] = [
  ["center", 50, 50],
  ["top-left", 0, 0],
  ["top", 50, 0],
  ["top-right", 100, 0],
  ["left", 0, 50],
  ["right", 100, 50],
  ["bottom-left", 0, 100],
  ["bottom", 50, 100],
  ["bottom-right", 100, 100],
];

const position: Reader<Position> = (text, key) => {
  if (POINTS.some(([name]) => name === text)) return text as Focus;
  const [x = "", y = x, more] = text.split(",");
  const expected = "center, or a position such as 10,20 or 50p,50p";
  if (more !== undefined) throw invalid(key, expected, text);
  if (!x.endsWith("p") && !y.endsWith("p"))
    return [integer(0, MAX_SIDE)(x, key), integer(0, MAX_SIDE)(y, key)];
  const [across, down] = [x, y].map((one) => (one === "0" ? 0 : decimal(one.replace(/p$/, ""))));
  if (across === undefined || down === undefined) throw invalid(key, expected, text);
  const point = POINTS.find(([, left, top]) => left === across && top === down);
  if (!point) throw unsupported("positions other than 0p, 50p and 100p", key, text);
  return point[0];
};

function printPosition(at: Position): string {
  if (typeof at !== "string") return at.join(",");
  const [, x, y] = POINTS.find(([name]) => name === at) ?? [];
  return `${x}p,${y}p`;
}

const crop: Reader<Window> = (text, key) => {
  const [size = "", place, more] = text.split("/");
  if (/^[a-z_]+$/.test(size)) throw unsupported("crops to what is found in an image", key, text);
  if (more !== undefined) throw invalid(key, "size and position such as 300x200/center", text);
  const at: Position = place === undefined ? "top-left" : position(place, key);
  if (size.includes(":")) return { size: ratio(size, key), at };
  const [width = "", height = "", rest] = /^(\d+p?)x(\d+p?)$/.exec(size)?.slice(1) ?? [];
  if (rest !== undefined || width === "")
    throw invalid(key, "size such as 300x200, or ratio such as 16:9", text);
  return { size: [extent("p")(width, key), extent("p")(height, key)], at };
};

const scaleCrop: Reader<UploadcareValues["scale_crop"]> = (text, key) => {
  const [size = "", place = "0p,0p", more] = text.split("/");
  if (more !== undefined) throw unsupported("another part if nothing is found", key, text);
  const isSmart = /^smart(?:_[a-z_]+)?$/.test(place);
  const at = isSmart
    ? place === "smart" || place.includes("faces")
      ? "faces"
      : "attention"
    : position(place, key);
  if (typeof at !== "string") {
    if (at[0] !== 0 || at[1] !== 0) throw unsupported("positions in pixels", key, text);
    return { ...box(size, key), focus: "top-left" };
  }
  return { ...box(size, key), focus: at };
};

/** Without a value: `-/grayscale/`. */
const bare: Reader<true> = (text, key) => {
  if (text !== "") throw invalid(key, "no value", text);
  return true;
};

/** A strength that has a default: `-/blur/`. */
const strength =
  (usual: number, max: number): Reader<number> =>
  (text, key) =>
    text === "" ? usual : number(0, max)(text, key);

const YES: ReadonlyMap<string, boolean> = new Map([
  ["yes", true],
  ["no", false],
]);

const QUALITIES: ReadonlyMap<string, number | "auto"> = new Map<string, number | "auto">([
  ["normal", 75],
  ["better", 85],
  ["best", 95],
  ["lighter", 60],
  ["lightest", 40],
  ["smart", "auto"],
  ["smart_retina", "auto"],
]);

const none = (capability: string): Parameter<number> => neutral<number>(0, capability, integer(-500, 500));

/** https://uploadcare.com/docs/transformations/image/, in the order in which links write operations. */
export const PARAMETERS: Parameters<UploadcareValues> = {
  stretch: {
    means: "whether what follows enlarges small images; `fill` is refused",
    values: "`on`, `off`",
    read: (text, key) => {
      if (text === "fill") throw unsupported("edges instead of enlarging", key, text);
      return words("on", "off")(text, key);
    },
  },
  setfill: background(
    "colour around a `crop` that is larger than the image, and of a JPEG below clear parts",
  ),
  crop: {
    means:
      "cuts a window out, at the top left corner if it has no position. What is found in images is refused",
    values:
      "`<width>x<height>`, `<width>:<height>`; `/center`, `/<x>,<y>`, `/<x>p,<y>p`; sizes also in per cent (`50p`)",
    read: crop,
    print: ({ size, at }) =>
      `${typeof size === "number" ? printRatio(size) : size.map(print).join("x")}/${printPosition(at)}`,
  },
  preview: {
    means: "fits the image inside; it is not enlarged",
    values: "nothing (2048x2048), `<width>x<height>`",
    read: (text, key) => (text === "" ? { width: 2048, height: 2048 } : box(text, key)),
    print: printBox,
  },
  resize: {
    means: "scales to both sides; of one side, the other one follows",
    values: "`<width>x<height>`, `<width>x`, `x<height>`",
    read: (text, key) => {
      const [width = "", height = "", more] = text.split("x");
      if (more !== undefined || !text.includes("x") || text === "x")
        throw invalid(key, "size such as 300x", text);
      const side = (one: string) => (one === "" ? undefined : integer(1, MAX_SIDE_PIXELS)(one, key));
      return sizeOf(["width", "height"], side(width), side(height));
    },
    print: printBox,
  },
  scale_crop: {
    means:
      "fills both sides, and shows the top left part if it has no position; `smart…` shows faces, or what catches the eye",
    values: "`<width>x<height>`; `/center`, `/<x>p,<y>p` of 0, 50 and 100, `/smart`, `/smart_faces`, …",
    read: scaleCrop,
    print: ({ focus, ...size }) =>
      `${printBox(size)}/${focus === "faces" ? "smart" : focus === "attention" ? "smart_objects" : printPosition(focus)}`,
  },
  rotate: {
    means: "turns counter-clockwise",
    values: "0, 90, 180, 270",
    read: (text, key) => {
      const angle = integer(-3600, 3600)(text, key);
      if (angle % 90 !== 0) throw invalid(key, "multiple of 90", text);
      return ((angle % 360) + 360) % 360;
    },
    step: (angle) => (angle === 0 ? undefined : { op: "rotate", angle: 360 - angle }),
    fromStep: (step) => (step.op === "rotate" && !step.background ? 360 - step.angle : undefined),
  },
  flip: {
    means: "upside down",
    read: bare,
    step: () => flipped(false, true),
    fromStep: (step) => (step.op === "flip" && step.vertical && !step.horizontal ? true : undefined),
  },
  mirror: {
    means: "left to right",
    read: bare,
    step: () => flipped(true, false),
    fromStep: (step) => (step.op === "flip" && step.horizontal && !step.vertical ? true : undefined),
  },
  grayscale: {
    means: "shades of grey",
    read: bare,
    step: () => ({ op: "grayscale" }),
    fromStep: (step) => (step.op === "grayscale" ? true : undefined),
  },
  blur: blur(
    "Gaussian blur; the standard deviation is a tenth of it",
    "nothing (10), 0–5000",
    strength(10, 5000),
    0.1,
  ),
  sharp: {
    means: "sharpens; the strength is five times as much",
    values: "nothing (5), 0–20",
    read: strength(5, 20),
    print: printNumber,
    step: (value) => (value === 0 ? undefined : { op: "sharpen", amount: value * 5 }),
    fromStep: (step) => (step.op === "sharpen" ? step.amount / 5 : undefined),
  },
  border_radius: {
    means: "rounds corners; `50p` makes an ellipse, other percentages and several radii are refused",
    values: "pixels, `50p`",
    read: (text, key) => {
      if (text === "50p") return "max";
      if (/[p,]/.test(text)) throw unsupported("these radii", key, text);
      return integer(0, MAX_SIDE)(text, key);
    },
    print: (value) => (value === "max" ? "50p" : String(value)),
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
  brightness: none("brightness"),
  exposure: none("exposure"),
  gamma: neutral<number>(100, "gamma correction", integer(0, 1000)),
  contrast: none("contrast"),
  saturation: none("saturation"),
  vibrance: none("vibrance"),
  warmth: none("warmth"),
  enhance: refused("automatic corrections"),
  invert: refused("negatives"),
  filter: refused("filters"),
  autorotate: {
    means: "images come upright; `no` is refused",
    values: "`yes`",
    read: oneOf(new Map([["yes", "yes"]] as const), "the orientation that the file has", ["no"]),
    step: () => undefined,
  },
  format: format(
    {
      auto: { format: "auto" },
      preserve: { format: "source" },
      jpeg: { format: "jpeg" },
      png: { format: "png" },
      webp: { format: "webp" },
      avif: { format: "avif" },
    },
    { missing: ["webm", "mp4"] },
  ),
  quality: {
    means: "quality: 75, 85, 95, 60, 40, or chosen for each image",
    values: "`normal`, `better`, `best`, `lighter`, `lightest`, `smart`, `smart_retina`",
    read: oneOf(QUALITIES),
    print: (value) => [...QUALITIES].find(([, known]) => known === value)?.[0] ?? "",
    output: (value) => ({ quality: value }),
    fromOutput: ({ quality }) => ([...QUALITIES.values()].includes(quality as number) ? quality : undefined),
  },
  progressive: {
    means: "progressive JPEGs",
    values: "`yes`, `no`",
    read: oneOf(YES),
    print: (value) => (value ? "yes" : "no"),
    output: (progressive) => ({ progressive }),
    fromOutput: ({ progressive }) => progressive,
  },
  strip_meta: {
    means: "metadata; `sensitive` is refused",
    values: "`all`, `none`",
    read: oneOf(
      new Map([
        ["all", "strip"],
        ["none", "keep"],
      ] as const),
      "keeping a part of the metadata",
      ["sensitive"],
    ),
    print: (value) => (value === "strip" ? "all" : "none"),
    output: (metadata) => ({ metadata }),
    fromOutput: ({ metadata }) => metadata,
  },
  smart_resize: refused("scaling by what is in an image"),
  zoom_objects: refused("crops that are closer to objects"),
  overlay: refused("overlays", ["text", "text_align", "text_box", "font", "rect", "blur_region"]),
  srgb: refused("other treatment of colour profiles", ["icc_profile", "max_icc_size"]),
  json: refused("descriptions of images", ["main_colors", "detect_faces"]),
  gif2video: refused("videos", ["video"]),
};

const cut: Rule<UploadcareValues> = {
  uses: ["crop", "setfill"],
  steps({ crop, setfill }) {
    if (!crop) return [];
    const { size, at } = crop;
    const box =
      typeof size === "number"
        ? partOf(size)
        : { width: lengthOf(size[0], "currentWidth"), height: lengthOf(size[1], "currentHeight") };
    const place =
      typeof at === "string" ? { focus: at } : { at: { from: "corner", x: at[0], y: at[1] } as const };
    if (typeof size === "number") return [{ op: "extract", ...box, ...place, outside: "clip", shrink: true }];
    return [
      { op: "extract", ...box, ...place, outside: "pad", shrink: true, background: paint(setfill ?? CLEAR) },
    ];
  },
  fromStep(step) {
    if (step.op !== "extract") return undefined;
    const { width, height, at, focus = "center", background } = step;
    const aspect = ratioOf(step);
    const [wide, high] = [extentOf(width), extentOf(height)];
    const size = aspect ?? (wide && high ? ([wide, high] as const) : undefined);
    const point = (from: Expression | undefined) => (typeof from === "number" ? from : undefined);
    const [x, y] = [point(at?.x), point(at?.y)];
    if (size === undefined || (at && (x === undefined || y === undefined))) return undefined;
    const color =
      background?.kind === "color" && background.color.alpha > 0 ? { setfill: background.color } : {};
    return [{ crop: { size, at: x === undefined || y === undefined ? focus : [x, y] }, ...color }];
  },
};

const resize = resizeRule<UploadcareValues>(
  ["preview", "resize", "scale_crop", "stretch"],
  ({ preview, resize, scale_crop, stretch = "on" }) => {
    const enlarge = stretch === "on";
    if (scale_crop) return [{ op: "resize", ...scale_crop, fit: "cover", enlarge }];
    if (resize) return [{ op: "resize", ...resize, fit: "fill", enlarge }];
    return preview ? [{ op: "resize", ...preview, fit: "inside", enlarge: false }] : [];
  },
  ({ width, height, enlarge, focus = "center" }) => {
    const side = (length: typeof width) => (typeof length === "number" ? length : undefined);
    const size = sizeOf(["width", "height"], side(width), side(height));
    const stretch = enlarge ? {} : { stretch: "off" as const };
    const box = size.width !== undefined && size.height !== undefined ? (size as Box) : undefined;
    return [
      ...(box ? [{ preview: box }] : []),
      { resize: size, ...stretch },
      ...(box ? [{ scale_crop: { ...box, focus }, ...stretch }] : []),
    ];
  },
);

/** A JPEG has no clear parts. */
const fill: Rule<UploadcareValues> = {
  uses: ["setfill", "format"],
  steps: ({ setfill, format }) =>
    setfill && format?.format === "jpeg" ? [{ op: "flatten", background: paint(setfill) }] : [],
  fromStep: () => undefined,
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Operations that an earlier one changes: it counts for all that follow. */
const MODIFIERS: Readonly<Record<string, readonly string[]>> = {
  stretch: ["resize", "scale_crop"],
  setfill: ["crop", "format"],
};

/** `resize/300x/` → name and value. A name of the file may follow the last operation. */
function operationOf(text: string, isLast: boolean): Item {
  const [key = "", ...values] = text.split("/");
  const last = values.at(-1);
  if (isLast && last !== undefined && (last === "" || last.includes("."))) values.pop();
  return { key, value: decodeText(values.filter((value) => value !== "").join("/"), key) };
}

const grammar = (byQuery: Grammar): Grammar => ({
  locate(url, endpoint) {
    const located = byQuery.locate({ path: "_", query: url.query }, endpoint);
    if (!located || url.path === "") return undefined;
    const [before = "", ...operations] = `/${url.path}`.split("/-/");
    const names = before.slice(1).replace(/\/$/, "").split("/");
    // The name that follows an identifier is for people.
    const own = UUID.test(names[0] ?? "") && names.length <= 2 ? names.slice(0, 1) : names;
    const items = operations.map((text, at) => operationOf(text, at === operations.length - 1));
    const text = textOf(items);
    return {
      asset: { kind: "path", path: assetPath(own) },
      // What the query contains is no operation: `tokenize` refuses it by name.
      text: located.text === "" ? text : `${text}?${located.text}`,
      query: located.query,
    };
  },
  compose({ asset, text, query }) {
    const { query: rest } = byQuery.compose({ asset, text: "", query });
    const path = printPath(asset.path);
    if (text !== "") return { path: `${path}/-/${text}/`, query: rest };
    return { path: UUID.test(path) ? `${path}/` : path, query: rest };
  },
  tokenize(text) {
    const [operations = "", query = ""] = text.split("?");
    refuseQuery(query);
    const set: Record<string, string> = {};
    const groups: Group[] = [];
    for (const part of operations === "" ? [] : operations.split("/-/")) {
      const { key, value } = operationOf(part, false);
      if (Object.hasOwn(MODIFIERS, key)) {
        set[key] = value;
        // Also one that changes nothing has to be right.
        groups.push([{ key, value }]);
        continue;
      }
      const modifiers = Object.entries(set).filter(([name]) => MODIFIERS[name]?.includes(key));
      groups.push([...modifiers.map(([name, value]) => ({ key: name, value })), { key, value }]);
    }
    return groups;
  },
  print(groups) {
    const usual: Record<string, string> = { stretch: "on", setfill: "00000000" };
    const set: Record<string, string> = { ...usual };
    return textOf(
      groups.flatMap((group): Item[] => {
        const changed = Object.keys(MODIFIERS).flatMap((name): Item[] => {
          if (!group.some(({ key }) => MODIFIERS[name]?.includes(key))) return [];
          const value = group.find(({ key }) => key === name)?.value ?? usual[name] ?? "";
          if (value === set[name]) return [];
          set[name] = value;
          return [{ key: name, value }];
        });
        return [...changed, ...group.filter(({ key }) => !Object.hasOwn(MODIFIERS, key))];
      }),
    );
  },
  chains: true,
});

const textOf = (items: readonly Item[]) =>
  items.map(({ key, value }) => (value === "" ? key : `${key}/${value}`)).join("/-/");

/** Uploadcare's URL language: `/<uuid>/-/resize/300x/-/format/auto/photo.jpg`, with its signed URLs. */
export const urlUploadcare = (options: ServiceOptions = {}): Plugin =>
  queryService(
    {
      name: "url-uploadcare",
      parameters: PARAMETERS,
      order: [
        cut,
        resize,
        "rotate",
        "flip",
        "mirror",
        "grayscale",
        "blur",
        "sharp",
        "border_radius",
        "brightness",
        "exposure",
        "gamma",
        "contrast",
        "saturation",
        "vibrance",
        "warmth",
        "autorotate",
        fill,
      ],
      signature: SIGNATURE,
      dropped: ["token"],
      grammar,
      // The endpoint decides whether a client gets another format than the source's.
      defaults: { sanitizeSvg: true },
    },
    options,
  );

export default urlUploadcare;
