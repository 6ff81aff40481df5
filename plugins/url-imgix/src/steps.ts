import type { Step, StepOf } from "@mediatap/core";
import { type Rule, unsupported, type Values } from "@mediatap/core/language";
import { type Expression, type Focus, maximum, minimum, type Paint, type Rgba } from "@mediatap/core/steps";
import type { ImgixValues } from "./parameters.ts";

type Imgix = Values<ImgixValues>;
type ImgixRule = Rule<ImgixValues>;

const WHITE: Rgba = { r: 255, g: 255, b: 255, alpha: 1 };
const CLEAR: Rgba = { r: 0, g: 0, b: 0, alpha: 0 };

const paint = (color: Rgba): Paint => ({ kind: "color", color });

/** Where a window lies along an axis: at a pixel, in the middle or at the end. */
const along = (
  at: number | string,
  current: "currentWidth" | "currentHeight",
  length: number,
): Expression => {
  if (typeof at === "number") return at;
  const free: Expression = ["sub", current, length];
  return at === "right" || at === "bottom" ? free : ["div", free, 2];
};

const rect: ImgixRule = {
  uses: ["rect"],
  steps({ rect }) {
    if (!rect) return [];
    const [x, y, width, height] = rect;
    const at = {
      from: "corner",
      x: along(x, "currentWidth", width),
      y: along(y, "currentHeight", height),
    } as const;
    return [{ op: "extract", width, height, at, outside: "clip", shrink: true }];
  },
  fromStep(step) {
    if (step.op !== "extract" || step.outside !== "clip" || step.at?.from !== "corner") return undefined;
    const { width, height, at } = step;
    if (typeof width !== "number" || typeof height !== "number") return undefined;
    const word = <T>(expression: Expression, middle: T, end: T) =>
      typeof expression === "number" ? expression : expression[0] === "div" ? middle : end;
    return { rect: [word(at.x, "center", "right"), word(at.y, "middle", "bottom"), width, height] };
  },
};

/** Pixels around the image, clockwise from the top. */
function edgesOf(values: Imgix): readonly [number, number, number, number] {
  const { pad = 0, dpr = 1 } = values;
  const [top = 0, right = 0, bottom = 0, left = 0] = [
    values["pad-top"],
    values["pad-right"],
    values["pad-bottom"],
    values["pad-left"],
  ];
  const px = (edge: number) => Math.round((pad + edge) * dpr);
  return [px(top), px(right), px(bottom), px(left)];
}

/** A side in pixels; of a fraction, an expression. */
function lengthOf(
  side: number | undefined,
  current: "currentWidth" | "currentHeight",
  { dpr = 1 }: Imgix,
  edges: number,
): Expression | undefined {
  if (side === undefined) return undefined;
  if (side <= 1) {
    const length: Expression = ["mul", current, side * dpr];
    return edges === 0 ? length : ["sub", length, edges];
  }
  return Math.max(1, Math.round(side * dpr) - edges);
}

/** The largest window of a ratio with a focal point in its middle, as far as the image reaches, `zoom` times closer. */
function focalWindow(values: Imgix, ratio: Expression): Step {
  const { "fp-x": x = 0.5, "fp-y": y = 0.5, "fp-z": zoom = 1 } = values;
  const width: Expression = ["div", minimum("currentWidth", ["mul", "currentHeight", ratio]), zoom];
  const height: Expression = ["div", minimum("currentHeight", ["div", "currentWidth", ratio]), zoom];
  const start = (current: "currentWidth" | "currentHeight", point: number, length: Expression) =>
    maximum(0, minimum(["sub", ["mul", current, point], ["div", length, 2]], ["sub", current, length]));
  return {
    op: "extract",
    width,
    height,
    at: { from: "corner", x: start("currentWidth", x, width), y: start("currentHeight", y, height) },
    outside: "clip",
    shrink: true,
  };
}

/** The largest part of an aspect ratio, at its own scale. */
const partOf = (ratio: number, focus: Focus): Step => ({
  op: "extract",
  width: minimum("currentWidth", ["mul", "currentHeight", ratio]),
  height: minimum("currentHeight", ["div", "currentWidth", ratio]),
  focus,
  outside: "clip",
  shrink: true,
});

function filling(values: Imgix): Paint {
  if (values.fill === "blur") return { kind: "blurred", intensity: "auto", brightness: 0 };
  return paint(values["fill-color"] ?? values.bg ?? WHITE);
}

const resize: ImgixRule = {
  uses: ["w", "h", "dpr", "ar", "fit", "crop", "fp-x", "fp-y", "fp-z", "fill", "fill-color", "bg", "pad"],
  steps(values) {
    const { fit = "clip", ar } = values;
    const [top, right, bottom, left] = edgesOf(values);
    let width = lengthOf(values.w, "currentWidth", values, left + right);
    let height = lengthOf(values.h, "currentHeight", values, top + bottom);
    const isCropped = fit === "crop" || fit === "min";
    const crop = values.crop ?? "center";
    if (width === undefined && height === undefined) {
      if (!isCropped || ar === undefined) return [];
      return [crop === "focalpoint" ? focalWindow(values, ar) : partOf(ar, crop)];
    }
    if (isCropped && ar !== undefined) {
      width ??=
        typeof height === "number" ? Math.max(1, Math.round(height * ar)) : ["mul", height as Expression, ar];
      height ??= typeof width === "number" ? Math.max(1, Math.round(width / ar)) : ["div", width, ar];
    }
    if (width === undefined || height === undefined) {
      if (fit === "fillmax") throw unsupported("fillmax with one side", "fit", fit);
      const enlarge = fit !== "max" && fit !== "min";
      return [{ op: "resize", ...(width && { width }), ...(height && { height }), fit: "inside", enlarge }];
    }
    const box = { width, height };
    switch (fit) {
      case "clip":
      case "max":
        return [{ op: "resize", ...box, fit: "inside", enlarge: fit === "clip" }];
      case "scale":
        return [{ op: "resize", ...box, fit: "fill", enlarge: true }];
      case "fill":
      case "fillmax":
        return [
          { op: "resize", ...box, fit: "contain", enlarge: fit === "fill", background: filling(values) },
        ];
      case "crop":
      case "min": {
        const enlarge = fit === "crop";
        if (crop !== "focalpoint") return [{ op: "resize", ...box, fit: "cover", enlarge, focus: crop }];
        return [focalWindow(values, ["div", width, height]), { op: "resize", ...box, fit: "fill", enlarge }];
      }
    }
  },
  fromStep: (step) => (step.op === "resize" ? valuesOf(step) : undefined),
};

const FITS = {
  inside: ["max", "clip"],
  cover: ["min", "crop"],
  contain: ["fillmax", "fill"],
  fill: [undefined, "scale"],
  outside: [undefined, undefined],
} as const;

function sideOf(length: Expression | undefined): number | undefined {
  if (typeof length === "number") return length;
  return Array.isArray(length) && length[0] === "mul" && typeof length[2] === "number"
    ? length[2]
    : undefined;
}

function valuesOf({ width, height, fit, enlarge, focus, background }: StepOf<"resize">): Imgix {
  const [w, h, word] = [sideOf(width), sideOf(height), FITS[fit][enlarge ? 1 : 0]];
  return {
    ...(w !== undefined && { w }),
    ...(h !== undefined && { h }),
    ...(word && word !== "clip" && { fit: word }),
    ...(fit === "cover" && focus && { crop: focus }),
    ...(background?.kind === "color" && { "fill-color": background.color }),
    ...(background?.kind === "blurred" && { fill: "blur" }),
  };
}

/** In the colour of the background, else clear: a format without transparency makes it white. */
const pad: ImgixRule = {
  uses: ["pad", "pad-top", "pad-right", "pad-bottom", "pad-left", "dpr", "bg", "fm"],
  steps(values) {
    const [top, right, bottom, left] = edgesOf(values);
    if (top + right + bottom + left === 0) return [];
    const isOpaque = values.fm === "jpg" || values.fm === "pjpg";
    return [
      {
        op: "extract",
        width: ["add", "currentWidth", left + right],
        height: ["add", "currentHeight", top + bottom],
        at: { from: "corner", x: -left, y: -top },
        outside: "pad",
        shrink: true,
        background: paint(values.bg ?? (isOpaque ? WHITE : CLEAR)),
      },
    ];
  },
  fromStep(step) {
    if (step.op !== "extract" || step.outside !== "pad" || step.at?.from !== "corner") return undefined;
    const { width, height, at, background } = step;
    const sum = (length: Expression | undefined) =>
      Array.isArray(length) && typeof length[2] === "number" ? length[2] : Number.NaN;
    const [left, top] = [-Number(at.x), -Number(at.y)];
    const edges = [top, sum(width) - left, sum(height) - top, left];
    if (!edges.every(Number.isInteger)) return undefined;
    const color = background?.kind === "color" && background.color.alpha > 0 ? background.color : undefined;
    return {
      "pad-top": edges[0] as number,
      "pad-right": edges[1] as number,
      "pad-bottom": edges[2] as number,
      "pad-left": edges[3] as number,
      ...(color && { bg: color }),
    };
  },
};

const mask: ImgixRule = {
  uses: ["mask", "corner-radius", "dpr"],
  steps(values) {
    const { mask, dpr = 1, "corner-radius": radius = [10, 10, 10, 10] } = values;
    if (mask === undefined) return [];
    const [a, b, c, d] = radius;
    return [{ op: "round", radius: mask === "ellipse" ? "max" : [a * dpr, b * dpr, c * dpr, d * dpr] }];
  },
  fromStep(step) {
    if (step.op !== "round") return undefined;
    return step.radius === "max" ? { mask: "ellipse" } : { mask: "corners", "corner-radius": step.radius };
  },
};

/** Unless an opaque colour lies below the image already. */
const flatten: ImgixRule = {
  uses: ["bg", "mask-bg", "mask", "pad"],
  steps(values) {
    const { bg, mask, "mask-bg": maskBg } = values;
    const color = (mask && maskBg) ?? bg;
    const isPadded = edgesOf(values).some((edge) => edge > 0) && mask === undefined && bg?.alpha === 1;
    return color === undefined || isPadded ? [] : [{ op: "flatten", background: paint(color) }];
  },
  fromStep: (step) =>
    step.op === "flatten" && step.background.kind === "color" ? { bg: step.background.color } : undefined,
};

const unsharp: ImgixRule = {
  uses: ["usm", "usmrad"],
  steps: ({ usm = 0, usmrad = 2.5 }) =>
    usm === 0 ? [] : [{ op: "unsharp", radius: usmrad, sigma: usmrad, amount: usm / 100, threshold: 0 }],
  fromStep: (step) =>
    step.op === "unsharp" && step.radius === step.sigma && step.threshold === 0
      ? { usm: step.amount * 100, usmrad: step.sigma }
      : undefined,
};

/** The order of the service: what concerns the source, the size, then what changes colours, then edges and shape. */
export const ORDER = [
  "frame",
  rect,
  "trim",
  "flip",
  "rot",
  resize,
  "sat",
  "bri",
  "con",
  "exp",
  "gam",
  "high",
  "shad",
  "vib",
  "hue",
  "sharp",
  unsharp,
  "sepia",
  "px",
  "htn",
  "face-blur",
  "face-pixel",
  "lp-blur",
  "invert",
  "blur",
  "bg-remove",
  "upscale",
  "rasterize-bypass",
  "reverse",
  "fp-debug",
  "chromasub",
  "iptc",
  "pdf-annotation",
  pad,
  mask,
  flatten,
] as const;
