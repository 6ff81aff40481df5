import { invalid, type Step } from "@mediatap/core";
import {
  decimal,
  integer,
  number,
  oneOf,
  type Parameters,
  printNumber,
  wordFor,
} from "@mediatap/core/language";
import type { Expression, ImageFormat } from "@mediatap/core/steps";

/** Versions of the API. */
export type Version = 2 | 3;

export const VERSIONS: ReadonlyMap<string, Version> = new Map([
  ["2", 2],
  ["3", 3],
]);

type Four = readonly [x: number, y: number, width: number, height: number];

export type Region =
  | { readonly kind: "full" | "square" }
  | { readonly kind: "pixels" | "percent"; readonly at: Four };

export interface Size {
  readonly kind: "max" | "full" | "percent" | "exact" | "confined";
  /** It begins with `^`. */
  readonly isUpscaled: boolean;
  readonly percent?: number;
  readonly width?: number;
  readonly height?: number;
}

export interface IiifValues {
  version: Version;
  region: Region;
  size: Size;
  "!": true;
  rotation: number;
  quality: "default" | "gray" | "bitonal";
  format: ImageFormat;
}

/** Extensions of the API, and one that is not part of it. */
export const FORMATS: ReadonlyMap<string, ImageFormat> = new Map([
  ["jpg", "jpeg"],
  ["png", "png"],
  ["webp", "webp"],
  ["gif", "gif"],
  ["avif", "avif"],
]);

/** `bitonal` is last, because it is not part of level 2. */
export const QUALITIES: ReadonlyMap<string, IiifValues["quality"]> = new Map([
  ["default", "default"],
  ["color", "default"],
  ["gray", "gray"],
  ["bitonal", "bitonal"],
]);

/** Largest pixel of a region or a size. */
const MAX_PIXELS = 10_000_000;
const side = integer(1, MAX_PIXELS);

/** The shorter side: half of the sum without the difference. */
const SHORTER: Expression = [
  "div",
  [
    "sub",
    ["add", "currentWidth", "currentHeight"],
    ["pow", ["pow", ["sub", "currentWidth", "currentHeight"], 2], 0.5],
  ],
  2,
];

export const percentOf = (side: "currentWidth" | "currentHeight", percent: number): Expression => [
  "div",
  ["mul", side, percent],
  100,
];

/** The number in `percentOf`. */
export function percentIn(expression: Expression | undefined): number | undefined {
  const [operator, product, hundred] = Array.isArray(expression) ? expression : [];
  if (operator !== "div" || hundred !== 100 || !Array.isArray(product)) return undefined;
  return typeof product[2] === "number" ? product[2] : undefined;
}

function readRegion(text: string, key: string): Region {
  if (text === "full" || text === "square") return { kind: text };
  const expected = "full, square, x,y,w,h or pct:x,y,w,h";
  const isPercent = text.startsWith("pct:");
  const parts = (isPercent ? text.slice(4) : text).split(",");
  if (parts.length !== 4) throw invalid(key, expected, text);
  const limit = isPercent ? number(0, 100) : integer(0, MAX_PIXELS);
  const [x = 0, y = 0, width = 0, height = 0] = parts.map((part) => limit(part, key));
  if (width === 0 || height === 0) throw invalid(key, "a region with a width and a height", text);
  const isFull = isPercent && x === 0 && y === 0 && width === 100 && height === 100;
  return isFull ? { kind: "full" } : { kind: isPercent ? "percent" : "pixels", at: [x, y, width, height] };
}

function regionStep(region: Region): Step | undefined {
  switch (region.kind) {
    case "full":
      return undefined;
    case "square":
      return { op: "extract", width: SHORTER, height: SHORTER, outside: "clip", shrink: true };
    case "pixels": {
      const [x, y, width, height] = region.at;
      return { op: "extract", width, height, at: { from: "corner", x, y }, outside: "clip", shrink: true };
    }
    case "percent": {
      const [x, y, width, height] = region.at;
      return {
        op: "extract",
        width: percentOf("currentWidth", width),
        height: percentOf("currentHeight", height),
        at: { from: "corner", x: percentOf("currentWidth", x), y: percentOf("currentHeight", y) },
        outside: "clip",
        shrink: true,
      };
    }
  }
}

function regionOf(step: Step): Region | undefined {
  if (step.op !== "extract") return undefined;
  if (!step.at) return { kind: "square" };
  const sides = [step.at.x, step.at.y, step.width, step.height];
  const pixels = sides.filter((length) => typeof length === "number");
  if (pixels.length === 4) return { kind: "pixels", at: pixels as unknown as Four };
  // A start at 0 is folded.
  const percents = sides.map((length) => (length === 0 ? 0 : percentIn(length)));
  return percents.includes(undefined) ? undefined : { kind: "percent", at: percents as unknown as Four };
}

const printRegion = (region: Region): string =>
  "at" in region
    ? `${region.kind === "percent" ? "pct:" : ""}${region.at.map(printNumber).join(",")}`
    : region.kind;

function readSize(text: string, key: string): Size {
  const isUpscaled = text.startsWith("^");
  const rest = isUpscaled ? text.slice(1) : text;
  if (rest === "max") return { kind: "max", isUpscaled };
  if (text === "full") return { kind: "full", isUpscaled };
  if (rest.startsWith("pct:")) {
    const percent = decimal(rest.slice(4));
    if (percent === undefined || !(percent > 0)) throw invalid(key, "a percentage above 0", text);
    return { kind: "percent", isUpscaled, percent };
  }
  const isConfined = rest.startsWith("!");
  const [width = "", height = "", ...more] = (isConfined ? rest.slice(1) : rest).split(",");
  const isBox = width !== "" && height !== "";
  if (more.length > 0 || !rest.includes(",") || (isConfined ? !isBox : width === "" && height === "")) {
    throw invalid(key, "max, w, or ,h or w,h or !w,h or pct:n, or one of them after ^", text);
  }
  return {
    kind: isConfined ? "confined" : "exact",
    isUpscaled,
    ...(width !== "" && { width: side(width, key) }),
    ...(height !== "" && { height: side(height, key) }),
  };
}

function printSize({ kind, isUpscaled, percent = 0, width, height }: Size): string {
  const start = isUpscaled ? "^" : "";
  if (kind === "max" || kind === "full") return `${start}${kind}`;
  if (kind === "percent") return `${start}pct:${printNumber(percent)}`;
  return `${start}${kind === "confined" ? "!" : ""}${width ?? ""},${height ?? ""}`;
}

export const PARAMETERS: Parameters<IiifValues> = {
  version: {
    means: "version of the API, before the identifier; the option `version` if it is left out",
    values: "`2`, `3`",
    read: oneOf(VERSIONS),
  },
  region: {
    means: "part of the image; one that reaches over the edges is cut to them",
    values: "`full`, `square`, `x,y,w,h`, `pct:x,y,w,h`",
    read: readRegion,
    print: printRegion,
    step: regionStep,
    fromStep: regionOf,
  },
  size: {
    means:
      "size of the region; without `^` one that would be scaled up is an error, in version 2 it is scaled up",
    values: "`max`, `w,`, `,h`, `w,h`, `!w,h`, `pct:n`, each also after `^`; version 2: `full`, and no `^`",
    read: readSize,
    print: printSize,
  },
  "!": { means: "before the rotation: mirrors left to right", read: () => true },
  rotation: {
    means: "degrees clockwise; corners are clear, in a JPEG black",
    values: "0–360",
    read: number(0, 360),
  },
  quality: {
    means: "colours; `color` is the same as `default`, `bitonal` is black and white without greys",
    values: "`default`, `color`, `gray`, `bitonal`",
    read: oneOf(QUALITIES),
    step: (quality) =>
      quality === "default" ? undefined : { op: quality === "gray" ? "grayscale" : "bitonal" },
    fromStep: ({ op }) => (op === "grayscale" ? "gray" : op === "bitonal" ? "bitonal" : undefined),
  },
  format: {
    means: "format; `gif` of GIFs and animated PNGs alone; `tif`, `jp2` and `pdf` are errors",
    values: "`jpg`, `png`, `webp`, `gif`, `avif`",
    read: oneOf(FORMATS),
    print: (format) => wordFor(FORMATS, format) as string,
    output: (format) => ({ format }),
    fromOutput: ({ format }) => [...FORMATS.values()].find((known) => known === format),
  },
};
