import { invalid, type Plugin } from "@mediatap/core";
import {
  assetPath,
  decimal,
  decodeText,
  type Grammar,
  type Item,
  integer,
  neutral,
  number,
  type Parameters,
  printNumber,
  type Reader,
  type Rule,
  words,
} from "@mediatap/core/language";
import type { Rgba } from "@mediatap/core/steps";
import {
  around,
  CLEAR,
  colour,
  flipped,
  format,
  MAX_SIDE,
  paint,
  partOf,
  quality,
  queryService,
  refuseQuery,
  resizeRule,
  type ServiceOptions,
  sizeOf,
  type Written,
} from "./common.ts";

/** Left, top, right and bottom edge. */
type Area = readonly [left: number, top: number, right: number, bottom: number];

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Corner {
  readonly radius: number;
  readonly color: Rgba;
}

interface StoryblokValues {
  crop: Area;
  "fit-in": true;
  size: Size;
  mirror: "h" | "v" | "hv";
  smart: true;
  focal: Area;
  fill: Rgba;
  no_upscale: true;
  rotate: number;
  round_corner: Corner;
  format: Written;
  quality: number;
  blur: number;
  grayscale: true;
  brightness: number;
}

const AREA = /^(\d{1,6})x(\d{1,6}):(\d{1,6})x(\d{1,6})$/;
const SIZE = /^(-?)(\d{0,5})x(-?)(\d{0,5})$/;

const area: Reader<Area> = (text, key) => {
  const edges = AREA.exec(text)?.slice(1).map(Number) ?? [];
  const [left = 0, top = 0, right = 0, bottom = 0] = edges;
  if (right <= left || bottom <= top)
    throw invalid(key, "left and top, right and bottom such as 10x20:300x200", text);
  return [left, top, right, bottom];
};

const printArea = ([left, top, right, bottom]: Area) => `${left}x${top}:${right}x${bottom}`;

const bare: Reader<true> = (text, key) => {
  if (text !== "") throw invalid(key, "no value", text);
  return true;
};

/** https://www.storyblok.com/docs/api/image-service: segments behind `/m/`, then filters. */
export const PARAMETERS: Parameters<StoryblokValues> = {
  crop: {
    means: "segment: cuts a part out, before anything else",
    values: "`<left>x<top>:<right>x<bottom>`",
    read: area,
    print: printArea,
  },
  "fit-in": { means: "segment: fits the image inside the size; it is not enlarged", read: bare },
  size: {
    means: "segment: the size, which the image fills; of one side that is 0, it follows",
    values: "`<width>x<height>`",
    read: (text, key) => {
      const [, , width, , height] = SIZE.exec(text) ?? [];
      if (width === undefined) throw invalid(key, "size such as 300x200", text);
      return { width: Number(width), height: Number(height) };
    },
    print: ({ width, height }) => `${width}x${height}`,
  },
  mirror: {
    means: "`-` before the width mirrors the image, before the height it turns it upside down",
    values: "`-<width>x<height>`, `<width>x-<height>`, `-<width>x-<height>`",
    read: words("h", "v", "hv"),
    step: (axes) => flipped(axes.includes("h"), axes.includes("v")),
    fromStep(step) {
      if (step.op !== "flip") return undefined;
      return step.horizontal ? (step.vertical ? "hv" : "h") : "v";
    },
  },
  smart: { means: "segment: shows faces, which `focus-faces` finds", read: bare },
  focal: {
    means: "filter: shows this area of the source, if both sides are given",
    values: "`<left>x<top>:<right>x<bottom>`",
    read: area,
    print: printArea,
  },
  fill: {
    means: "filter: pads the image of `fit-in` to the size",
    values: "`RGB`, `RRGGBB`, `transparent`",
    read: colour({ named: true }),
    print: ({ r, g, b, alpha }) =>
      alpha === 0 ? "transparent" : [r, g, b].map((part) => part.toString(16).padStart(2, "0")).join(""),
  },
  no_upscale: { means: "filter: small images are not enlarged", read: bare },
  rotate: {
    means: "filter: turns counter-clockwise",
    values: "0, 90, 180, 270",
    read: (text, key) => {
      const angle = integer(0, 360)(text, key);
      if (angle % 90 !== 0) throw invalid(key, "0, 90, 180 or 270", text);
      return angle;
    },
    step: (angle) => (angle % 360 === 0 ? undefined : { op: "rotate", angle: 360 - angle }),
    fromStep: (step) => (step.op === "rotate" && !step.background ? 360 - step.angle : undefined),
  },
  round_corner: {
    means: "filter: rounds corners; behind them this colour, or `transparent`",
    values: "`<radius>,<r>,<g>,<b>`, `<radius>,<r>,<g>,<b>,1`",
    read: (text, key) => {
      const [radius = "", ...channels] = text.split(",").map((part) => part.trim());
      const read = channels.map((channel) =>
        decimal(channel === "transparent" ? "1" : channel === "" ? "0" : channel),
      );
      const [r = 255, g = 255, b = 255, isClear = 0] = read;
      const isColour = read.length === 0 || (read.length >= 3 && read.length <= 4);
      if (!isColour || read.some((part) => part === undefined || part < 0 || part > 255)) {
        throw invalid(key, "radius and colour such as 20,255,255,255", text);
      }
      // An elliptic radius (`20|10`) has no step.
      return { radius: number(0, MAX_SIDE)(radius, key), color: isClear > 0 ? CLEAR : { r, g, b, alpha: 1 } };
    },
    print: ({ radius, color: { r, g, b, alpha } }) =>
      [printNumber(radius), r, g, b, ...(alpha === 0 ? [1] : [])].join(","),
  },
  format: format({
    webp: { format: "webp" },
    jpeg: { format: "jpeg" },
    jpg: { format: "jpeg" },
    png: { format: "png" },
    avif: { format: "avif" },
  }),
  quality: quality(),
  blur: {
    means: "filter: Gaussian blur, by its standard deviation; the radius if it is left out",
    values: "`<radius>`, `<radius>,<deviation>`; up to 150",
    read: (text, key) => {
      const [radius = "", deviation = "0", more] = text.split(",");
      if (more !== undefined) throw invalid(key, "radius and deviation such as 7,3", text);
      const [across, sigma] = [number(0, 150)(radius, key), number(0, 150)(deviation.trim(), key)];
      return sigma === 0 ? across : sigma;
    },
    print: printNumber,
    step: (sigma) => (sigma === 0 ? undefined : { op: "blur", sigma }),
    fromStep: (step) => (step.op === "blur" ? step.sigma : undefined),
  },
  grayscale: {
    means: "filter: shades of grey",
    read: bare,
    step: () => ({ op: "grayscale" }),
    fromStep: (step) => (step.op === "grayscale" ? true : undefined),
  },
  brightness: neutral<number>(0, "brightness", integer(-100, 100)),
};

const crop: Rule<StoryblokValues> = {
  uses: ["crop"],
  steps: ({ crop }) =>
    crop === undefined
      ? []
      : [
          {
            op: "extract",
            width: crop[2] - crop[0],
            height: crop[3] - crop[1],
            at: { from: "corner", x: crop[0], y: crop[1] },
            outside: "clip",
            shrink: true,
          },
        ],
  fromStep(step) {
    if (step.op !== "extract" || !step.at) return undefined;
    const { width, height, at } = step;
    const isKnown = [width, height, at.x, at.y].every((length) => typeof length === "number");
    const [x, y] = [Number(at.x), Number(at.y)];
    return isKnown ? { crop: [x, y, x + Number(width), y + Number(height)] } : undefined;
  },
};

const resize = resizeRule<StoryblokValues>(
  ["size", "fit-in", "smart", "focal", "fill", "no_upscale", "crop"],
  ({ size, "fit-in": isFitted, smart, focal, fill, no_upscale: isBounded = false, crop }) => {
    const { width, height } = size ?? { width: 0, height: 0 };
    if (width === 0 && height === 0) return [];
    const sides = sizeOf(["width", "height"], width || undefined, height || undefined);
    if (isFitted) {
      if (fill === undefined) return [{ op: "resize", ...sides, fit: "inside", enlarge: false }];
      return [{ op: "resize", ...sides, fit: "contain", enlarge: false, background: paint(fill) }];
    }
    const enlarge = !isBounded;
    if (focal && width > 0 && height > 0) {
      const [left, top, right, bottom] = focal;
      const box = partOf(width / height);
      const at = {
        from: "corner",
        x: around((left + right) / 2 - (crop?.[0] ?? 0), box.width, "currentWidth"),
        y: around((top + bottom) / 2 - (crop?.[1] ?? 0), box.height, "currentHeight"),
      } as const;
      return [
        { op: "extract", ...box, at, outside: "clip", shrink: true },
        { op: "resize", ...sides, fit: "fill", enlarge },
      ];
    }
    return [{ op: "resize", ...sides, fit: "cover", enlarge, focus: smart ? "faces" : "center" }];
  },
  (step) => {
    const { width, height } = step;
    const side = (length: typeof width) => (typeof length === "number" ? length : 0);
    const size = { width: side(width), height: side(height) };
    const fill = step.background?.kind === "color" ? { fill: step.background.color } : {};
    return [
      { size },
      { size, no_upscale: true },
      { size, smart: true },
      { size, smart: true, no_upscale: true },
      { size, "fit-in": true, ...fill },
    ];
  },
);

const round: Rule<StoryblokValues> = {
  uses: ["round_corner"],
  steps({ round_corner: corner }) {
    if (!corner) return [];
    const { radius, color } = corner;
    return [
      { op: "round", radius: [radius, radius, radius, radius] },
      ...(color.alpha === 0 ? [] : [{ op: "flatten", background: paint(color) } as const]),
    ];
  },
  fromStep(step) {
    if (step.op !== "round" || step.radius === "max") return undefined;
    return [{ round_corner: { radius: step.radius[0], color: CLEAR } }];
  },
};

/** Where the operations begin: the segment `m` behind a file name. */
const startOf = (segments: readonly string[]) =>
  segments.findLastIndex((segment, at) => segment === "m" && (segments[at - 1] ?? "").includes("."));

/** What is no filter. */
const SEGMENTS: readonly string[] = ["crop", "fit-in", "size", "mirror", "smart"];

/** Splits at colons that are not between parentheses. */
function splitFilters(text: string): string[] {
  const parts = [""];
  let isInside = false;
  for (const character of text) {
    if (character === "(" || character === ")") isInside = character === "(";
    if (character === ":" && !isInside) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts;
}

/** `quality(80):format(webp)` → its filters. */
function filtersOf(text: string): Item[] {
  return splitFilters(text).map((part) => {
    const [, key, value = ""] = /^([a-z_]+)\((.*)\)$/s.exec(part) ?? [];
    if (key === undefined || SEGMENTS.includes(key))
      throw invalid("filters", "filters such as quality(80):grayscale()", part);
    return { key, value };
  });
}

function itemsOf(segment: string): readonly Item[] {
  const text = decodeText(segment, "the path");
  if (text.startsWith("filters:")) return filtersOf(text.slice("filters:".length));
  if (AREA.test(text)) return [{ key: "crop", value: text }];
  const [, across, width, down, height] = SIZE.exec(text) ?? [];
  if (across !== undefined) {
    const axes = `${across && "h"}${down && "v"}`;
    const size = { key: "size", value: `${width}x${height}` };
    return axes === "" ? [size] : [size, { key: "mirror", value: axes }];
  }
  return [{ key: text, value: "" }];
}

const grammar = (byQuery: Grammar): Grammar => ({
  locate(url, endpoint) {
    const segments = url.path.split("/");
    const start = startOf(segments);
    const located = byQuery.locate({ path: "_", query: url.query }, endpoint);
    if (!located || url.path === "") return undefined;
    const [own, rest] = start < 0 ? [segments, []] : [segments.slice(0, start), segments.slice(start + 1)];
    const operations = rest.filter((segment) => segment !== "").join("/");
    return {
      asset: { kind: "path", path: assetPath(own) },
      // What the query contains is no operation: `tokenize` refuses it by name.
      text: located.text === "" ? operations : `${operations}?${located.text}`,
      query: located.query,
    };
  },
  compose({ asset, text, query }) {
    const url = byQuery.compose({ asset, text: "", query });
    return text === "" ? url : { ...url, path: `${url.path}/m/${text}` };
  },
  tokenize(text) {
    const [operations = "", query = ""] = text.split("?");
    refuseQuery(query);
    const items = operations
      .split("/")
      .filter((segment) => segment !== "")
      .flatMap(itemsOf);
    return items.length === 0 ? [] : [items];
  },
  print(groups) {
    const items = groups.flat();
    const valueFor = (name: string) => items.find(({ key }) => key === name)?.value;
    const [axes = "", size] = [valueFor("mirror"), valueFor("size")];
    const [width, height] = (size ?? "0x0").split("x");
    const sized = `${axes.includes("h") ? "-" : ""}${width}x${axes.includes("v") ? "-" : ""}${height}`;
    const segments = [
      valueFor("crop") ?? "",
      valueFor("fit-in") === undefined ? "" : "fit-in",
      size === undefined && axes === "" ? "" : sized,
      valueFor("smart") === undefined ? "" : "smart",
    ].filter((segment) => segment !== "");
    const filters = items
      .filter(({ key }) => !SEGMENTS.includes(key))
      .map(({ key, value }) => `${key}(${value})`)
      .join(":");
    return [...segments, ...(filters === "" ? [] : [`filters:${filters}`])].join("/");
  },
});

/** The language of Storyblok's Image Service: `/f/1/300x200/a/photo.jpg/m/300x0/filters:quality(80)`. */
export const urlStoryblok = (options: ServiceOptions = {}): Plugin =>
  queryService(
    {
      name: "url-storyblok",
      parameters: PARAMETERS,
      order: [crop, "mirror", resize, "blur", "brightness", "grayscale", "rotate", round],
      grammar,
      // The service negotiates the format of each image.
      defaults: { format: "auto", sanitizeSvg: true },
    },
    options,
  );

export default urlStoryblok;
