import type { Step, StepOf } from "@mediatap/core";
import { decimal, type ReadContext, type Rule, type Values } from "@mediatap/core/language";
import type { Condition, Expression, Focus, Paint, Rgba } from "@mediatap/core/steps";
import type { CloudflareValues, Fractions } from "./parameters.ts";

type Cloudflare = Values<CloudflareValues>;
type CloudflareRule = Rule<CloudflareValues>;

interface Box {
  readonly width: number;
  readonly height: number;
}

const WHITE: Rgba = { r: 255, g: 255, b: 255, alpha: 1 };

const paint = (color: Rgba): Paint => ({ kind: "color", color });

const scaled = (length: number, { dpr = 1 }: Cloudflare) => Math.max(1, Math.round(length * dpr));

/** Cuts off edges, or cuts out a window: before anything else. */
const trim: CloudflareRule = {
  uses: ["trim", "trim.width", "trim.height", "trim.left", "trim.top", "dpr"],
  steps(values) {
    const { dpr = 1, trim = [0, 0, 0, 0] } = values;
    const px = (length: number) => Math.round(length * dpr);
    const [top, right, bottom, left] = [
      px(values["trim.top"] ?? trim[0]),
      px(trim[1]),
      px(trim[2]),
      px(values["trim.left"] ?? trim[3]),
    ];
    const [width, height] = [values["trim.width"], values["trim.height"]];
    if (width === undefined && height === undefined && top + right + bottom + left === 0) return [];
    return [
      {
        op: "extract",
        width: width === undefined ? ["sub", "currentWidth", left + right] : scaled(width, values),
        height: height === undefined ? ["sub", "currentHeight", top + bottom] : scaled(height, values),
        at: { from: "corner", x: left, y: top },
        outside: "error",
        shrink: true,
      },
    ];
  },
  fromStep(step) {
    if (step.op !== "extract" || step.at?.from !== "corner") return undefined;
    const { x, y } = step.at;
    if (typeof x !== "number" || typeof y !== "number") return undefined;
    const cut = (length: Expression | undefined, start: number) =>
      Array.isArray(length) && length[0] === "sub" && typeof length[2] === "number" ? length[2] - start : 0;
    return {
      ...(typeof step.width === "number" && { "trim.width": step.width }),
      ...(typeof step.height === "number" && { "trim.height": step.height }),
      trim: [y, cut(step.width, x), cut(step.height, y), x],
    };
  },
};

const isWide = ({ width, height }: Box): Condition => ({
  left: ["mul", "currentWidth", height],
  is: "gte",
  right: ["mul", "currentHeight", width],
});

/** Cuts out the largest window of the box's ratio, in which a point has the same fractions as in the image, and scales it. */
function around([x, y]: Fractions, box: Box, enlarge: boolean): StepOf<"when"> {
  const { width, height } = box;
  const scale: Step = { op: "resize", ...box, fit: "fill", enlarge };
  const across: Expression = ["div", ["mul", "currentHeight", width], height];
  const down: Expression = ["div", ["mul", "currentWidth", height], width];
  const window = (
    size: { width?: Expression; height?: Expression },
    left: Expression,
    top: Expression,
  ): Step => ({
    op: "extract",
    ...size,
    at: { from: "corner", x: left, y: top },
    outside: "clip",
    shrink: true,
  });
  return {
    op: "when",
    if: isWide(box),
    // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
    then: [window({ width: across }, ["mul", ["sub", "currentWidth", across], x], 0), scale],
    else: [window({ height: down }, 0, ["mul", ["sub", "currentHeight", down], y]), scale],
  };
}

const cover = (gravity: Focus | Fractions, box: Box, enlarge: boolean): Step =>
  typeof gravity === "string"
    ? { op: "resize", ...box, fit: "cover", enlarge, focus: gravity }
    : around(gravity, box, enlarge);

/** As `cover`, and a side that is shorter than requested stays as it is. */
function crop(gravity: Focus | Fractions, box: Box): Step {
  const { width, height } = box;
  const place =
    typeof gravity === "string"
      ? { focus: gravity }
      : {
          at: {
            from: "corner",
            x: ["mul", ["sub", "currentWidth", width], gravity[0]],
            y: ["mul", ["sub", "currentHeight", height], gravity[1]],
          } as const,
        };
  return {
    op: "when",
    if: {
      all: [
        { left: "currentWidth", is: "gte", right: width },
        { left: "currentHeight", is: "gte", right: height },
      ],
    },
    // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
    then: [cover(gravity, box, true)],
    else: [{ op: "extract", ...box, ...place, outside: "clip", shrink: true }],
  };
}

const resize: CloudflareRule = {
  uses: ["width", "height", "dpr", "fit", "gravity", "zoom", "background"],
  steps(values) {
    const { fit = "scale-down", gravity = "center", background = WHITE } = values;
    const width = values.width === undefined ? undefined : scaled(values.width, values);
    const height = values.height === undefined ? undefined : scaled(values.height, values);
    if (width === undefined && height === undefined) return [];
    if (width === undefined || height === undefined) {
      const enlarge = fit !== "scale-down" && fit !== "crop" && fit !== "aspect-crop";
      return [{ op: "resize", ...(width && { width }), ...(height && { height }), fit: "inside", enlarge }];
    }
    const box = { width, height };
    switch (fit) {
      case "scale-down":
      case "contain":
        return [{ op: "resize", ...box, fit: "inside", enlarge: fit === "contain" }];
      case "pad":
        return [{ op: "resize", ...box, fit: "contain", enlarge: true, background: paint(background) }];
      case "squeeze":
        return [{ op: "resize", ...box, fit: "fill", enlarge: true }];
      case "crop":
        return [crop(gravity, box)];
      case "cover":
      case "aspect-crop":
        return [cover(gravity, box, fit === "cover")];
    }
  },
  fromStep(step) {
    if (step.op === "resize") return valuesOf(step);
    if (step.op !== "when") return undefined;
    const [first, second] = step.then;
    // `crop` has one step before its condition fails, a point has two.
    if (first?.op === "resize") return { ...valuesOf(first), fit: "crop" };
    if (first?.op === "when") return { ...pointOf(first), fit: "crop" };
    return second === undefined ? undefined : pointOf(step);
  },
};

/** The values of what `around` makes. */
function pointOf(step: StepOf<"when">): Cloudflare | undefined {
  const [, scale] = step.then;
  const fraction = (branch: readonly Step[], axis: "x" | "y") => {
    const [cut] = branch;
    const from = cut?.op === "extract" ? cut.at?.[axis] : undefined;
    return Array.isArray(from) && typeof from[2] === "number" ? from[2] : undefined;
  };
  const [x, y] = [fraction(step.then, "x"), fraction(step.else, "y")];
  if (scale?.op !== "resize" || x === undefined || y === undefined) return undefined;
  return { ...valuesOf(scale), fit: scale.enlarge ? "cover" : "aspect-crop", gravity: [x, y] };
}

const FITS = {
  inside: ["scale-down", "contain"],
  cover: ["aspect-crop", "cover"],
  contain: [undefined, "pad"],
  fill: [undefined, "squeeze"],
  outside: [undefined, undefined],
} as const;

function valuesOf({ width, height, fit, enlarge, focus, background }: StepOf<"resize">): Cloudflare {
  const word = FITS[fit][enlarge ? 1 : 0];
  return {
    ...(typeof width === "number" && { width }),
    ...(typeof height === "number" && { height }),
    ...(word && word !== "scale-down" && { fit: word }),
    ...(fit === "cover" && focus && { gravity: focus }),
    ...(background?.kind === "color" && { background: background.color }),
  };
}

/** What is clear, unless `pad` fills it. */
const flatten: CloudflareRule = {
  uses: ["background", "fit", "width", "height"],
  steps: ({ background, fit, width, height }) =>
    background === undefined || (fit === "pad" && width !== undefined && height !== undefined)
      ? []
      : [{ op: "flatten", background: paint(background) }],
  fromStep: (step) =>
    step.op === "flatten" && step.background.kind === "color"
      ? { background: step.background.color }
      : undefined,
};

/** https://developers.cloudflare.com/images/optimization/features/#slow-connection-quality */
function isSlow({ header }: ReadContext): boolean {
  const [rtt, saveData, ect, downlink] = [
    header("rtt"),
    header("save-data"),
    header("ect"),
    header("downlink"),
  ];
  const [delay, rate] = [decimal(rtt ?? ""), decimal(downlink ?? "")];
  return (
    (delay !== undefined && delay > 150) ||
    saveData?.toLowerCase() === "on" ||
    ["slow-2g", "2g", "3g"].includes(ect ?? "") ||
    (rate !== undefined && rate < 5)
  );
}

/** What the quality does beside being one. */
const write: CloudflareRule = {
  uses: ["slow-connection-quality", "quality", "format"],
  steps(values, context) {
    const slow = values["slow-connection-quality"];
    const isReduced = slow !== undefined && isSlow(context);
    const quality = isReduced ? slow : values.quality;
    const isLossless = values.format === "webp" && quality === 100;
    const output = { ...(isReduced && { quality: slow }), ...(isLossless && { lossless: true }) };
    return Object.keys(output).length === 0 ? [] : [{ op: "write", output }];
  },
  fromStep(step) {
    if (step.op !== "write") return undefined;
    const { quality, lossless } = step.output;
    return {
      ...(typeof quality === "number" && { "slow-connection-quality": quality }),
      ...(lossless && { format: "webp", quality: 100 }),
    };
  },
};

/** The order of the service: trimming, mirroring, turning, scaling, then what changes colours. */
export const ORDER = [
  "anim",
  trim,
  "flip",
  "rotate",
  resize,
  flatten,
  "saturation",
  "brightness",
  "contrast",
  "gamma",
  "upscale",
  "blur",
  "sharpen",
  write,
] as const;
