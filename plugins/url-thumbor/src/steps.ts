import type { Step, StepOf } from "@mediatap/core";
import { type Rule, unsupported, type Values } from "@mediatap/core/language";
import {
  type Expression,
  type Focus,
  type Gravity,
  maximum,
  minimum,
  type Paint,
  type Offset as PlaceOffset,
} from "@mediatap/core/steps";
import type { Offset, Side, ThumborValues, Watermark, Window } from "./parameters.ts";

type Thumbor = Values<ThumborValues>;
type ThumborRule = Rule<ThumborValues>;
type Axis = "Width" | "Height";

const isEmpty = ({ right, bottom }: Window) => right === 0 && bottom === 0;

const crop: ThumborRule = {
  uses: ["AxB:CxD", "trim"],
  steps({ "AxB:CxD": window, trim }) {
    if (!window || isEmpty(window)) return [];
    if (trim !== undefined) throw unsupported("trim beside a crop", "trim", String(trim));
    const { left, top, right, bottom, isFraction } = window;
    const length = (value: number, axis: Axis): Expression =>
      isFraction ? ["mul", `current${axis}`, value] : value;
    return [
      {
        op: "extract",
        width: length(right - left, "Width"),
        height: length(bottom - top, "Height"),
        at: { from: "corner", x: length(left, "Width"), y: length(top, "Height") },
        outside: "clip",
        shrink: true,
      },
    ];
  },
  fromStep(step) {
    if (step.op !== "extract" || step.at?.from !== "corner") return undefined;
    const { width, height, at } = step;
    const [left, top] = [Number(at.x), Number(at.y)];
    const [right, bottom] = [left + Number(width), top + Number(height)];
    if (![left, top, right, bottom].every(Number.isInteger)) return undefined;
    return { "AxB:CxD": { left, top, right, bottom, isFraction: false } };
  },
};

/** A side of the box; 0: it follows from the other one. */
function sideOf(side: Side, axis: Axis, { no_upscale }: Thumbor): Expression | undefined {
  if (side === 0) return undefined;
  if (side === "orig") return `current${axis}`;
  return no_upscale ? minimum(side, `original${axis}`) : side;
}

const GRAVITIES: Readonly<Record<string, Gravity>> = {
  "left top": "top-left",
  "center top": "top",
  "right top": "top-right",
  "left middle": "left",
  "center middle": "center",
  "right middle": "right",
  "left bottom": "bottom-left",
  "center bottom": "bottom",
  "right bottom": "bottom-right",
};

const gravityOf = ({ halign = "center", valign = "middle" }: Thumbor): Gravity =>
  GRAVITIES[`${halign} ${valign}`] as Gravity;

function alignment(focus: Focus): Thumbor {
  const words = Object.entries(GRAVITIES)
    .find(([, gravity]) => gravity === focus)?.[0]
    .split(" ");
  if (!words) return focus === "faces" ? { smart: true } : {};
  const [halign, valign] = words as [ThumborValues["halign"], ThumborValues["valign"]];
  return { ...(halign !== "center" && { halign }), ...(valign !== "middle" && { valign }) };
}

const flat = (fill: Paint | undefined): readonly Step[] =>
  fill ? [{ op: "flatten", background: fill }] : [];

interface Box {
  readonly width?: Expression;
  readonly height?: Expression;
}

const isWhole = ({ width, height }: Box) => width !== undefined && height !== undefined;

function fitIn(box: Box, values: Thumbor): readonly Step[] {
  const { "fit-in": { full = false } = {}, fill, upscale = false } = values;
  if (full) {
    if (fill) throw unsupported("fill beside full-fit-in", "fill");
    return [{ op: "resize", ...box, fit: "outside", enlarge: true }];
  }
  if (!fill || !isWhole(box))
    return [{ op: "resize", ...box, fit: "inside", enlarge: upscale }, ...flat(fill)];
  const focus = gravityOf(values);
  return [
    {
      op: "resize",
      ...box,
      fit: "contain",
      enlarge: upscale,
      ...(focus !== "center" && { focus }),
      background: fill,
    },
  ];
}

/** The same with the sides swapped, if only one of image and box is wider than high. */
function adaptive(box: Box, values: Thumbor): readonly Step[] {
  const [width, height] = values.WxH ?? [0, 0];
  if (typeof width === "string" || typeof height === "string") {
    throw unsupported("adaptive-fit-in with orig", "fit-in", "adaptive-fit-in");
  }
  if (!isWhole(box) || width === height) return fitIn(box, values);
  const swapped: Box = {
    width: sideOf(height, "Width", values) as Expression,
    height: sideOf(width, "Height", values) as Expression,
  };
  return [
    {
      op: "when",
      if: { left: "currentWidth", is: width > height ? "lt" : "gt", right: "currentHeight" },
      // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
      then: fitIn(swapped, values),
      else: fitIn(box, values),
    },
  ];
}

/** The largest window of the box's ratio around the focal point, as far as the image reaches. */
function focalWindow(focal: Window, { width, height }: Box, values: Thumbor): Step {
  const { "AxB:CxD": window } = values;
  const cut = window && !isEmpty(window) ? window : undefined;
  const ratio: Expression = ["div", width as Expression, height as Expression];
  const size = {
    Width: minimum("currentWidth", ["mul", "currentHeight", ratio]),
    Height: minimum("currentHeight", ["div", "currentWidth", ratio]),
  };
  const scaled = (value: number, isFraction: boolean, axis: Axis): Expression =>
    isFraction ? ["mul", `original${axis}`, value] : value;
  const start = (from: number, to: number, cutFrom: number, axis: Axis): Expression => {
    const middle = scaled((from + to) / 2, focal.isFraction, axis);
    const inside: Expression = ["sub", middle, scaled(cutFrom, cut?.isFraction ?? false, axis)];
    const free: Expression = ["sub", `current${axis}`, size[axis]];
    return maximum(0, minimum(["sub", inside, ["div", size[axis], 2]], free));
  };
  return {
    op: "extract",
    width: size.Width,
    height: size.Height,
    at: {
      from: "corner",
      x: start(focal.left, focal.right, cut?.left ?? 0, "Width"),
      y: start(focal.top, focal.bottom, cut?.top ?? 0, "Height"),
    },
    outside: "clip",
    shrink: true,
  };
}

function cropped(box: Box, values: Thumbor): readonly Step[] {
  const { stretch, fill, focal, smart, trim } = values;
  if (!isWhole(box)) return [{ op: "resize", ...box, fit: "inside", enlarge: true }, ...flat(fill)];
  const scale = { op: "resize", ...box, fit: "fill", enlarge: true } as const;
  if (stretch) return [scale, ...flat(fill)];
  if (focal) {
    if (trim !== undefined) throw unsupported("focal beside trim", "focal");
    return [focalWindow(focal, box, values), scale, ...flat(fill)];
  }
  const focus = smart ? "faces" : gravityOf(values);
  return [
    { op: "resize", ...box, fit: "cover", enlarge: true, ...(focus !== "center" && { focus }) },
    ...flat(fill),
  ];
}

const size: ThumborRule = {
  uses: [
    "WxH",
    "fit-in",
    "stretch",
    "halign",
    "valign",
    "smart",
    "fill",
    "focal",
    "no_upscale",
    "upscale",
    "AxB:CxD",
    "trim",
  ],
  steps(values) {
    const { WxH: [across, down] = [0, 0], "fit-in": fit } = values;
    const [width, height] = [sideOf(across, "Width", values), sideOf(down, "Height", values)];
    const box: Box = { ...(width !== undefined && { width }), ...(height !== undefined && { height }) };
    if (width === undefined && height === undefined) return flat(values.fill);
    if (!fit) return cropped(box, values);
    return fit.adaptive ? adaptive(box, values) : fitIn(box, values);
  },
  fromStep(step) {
    if (step.op === "resize") return valuesOf(step);
    if (step.op !== "when") return undefined;
    const [first, ...more] = step.else;
    const values = first?.op === "resize" && more.length === 0 ? valuesOf(first) : undefined;
    const fit = values?.["fit-in"];
    return fit && { ...values, "fit-in": { ...fit, adaptive: true } };
  },
};

/** `undefined`: no side has a word for it. */
function wordOf(
  length: Expression | undefined,
): { readonly side: Side; readonly limited: boolean } | undefined {
  if (length === undefined) return { side: 0, limited: false };
  if (length === "currentWidth" || length === "currentHeight") return { side: "orig", limited: false };
  if (typeof length === "number")
    return Number.isInteger(length) ? { side: length, limited: false } : undefined;
  // The number in `minimum`.
  const [, difference] = Array.isArray(length) ? length : [];
  const [, sum] = Array.isArray(difference) ? difference : [];
  const [, side] = Array.isArray(sum) ? sum : [];
  return typeof side === "number" ? { side, limited: true } : undefined;
}

function valuesOf({ width, height, fit, enlarge, focus, background }: StepOf<"resize">): Thumbor | undefined {
  const [across, down] = [wordOf(width), wordOf(height)];
  if (!across || !down) return undefined;
  const isBox = width !== undefined && height !== undefined;
  const isFitted = fit === "contain" || fit === "outside" || (fit === "inside" && (isBox || !enlarge));
  return {
    WxH: [across.side, down.side],
    ...((across.limited || down.limited) && { no_upscale: true }),
    ...(isFitted && { "fit-in": { adaptive: false, full: fit === "outside" } }),
    ...(isFitted && enlarge && fit !== "outside" && { upscale: true }),
    ...(fit === "fill" && { stretch: true }),
    ...(fit === "contain" && background && { fill: background }),
    ...((fit === "cover" || fit === "contain") && focus && alignment(focus)),
  };
}

const flip: ThumborRule = {
  uses: ["-W", "-H"],
  steps: ({ "-W": across = false, "-H": down = false }) =>
    across || down ? [{ op: "flip", horizontal: across, vertical: down }] : [],
  fromStep: (step) =>
    step.op === "flip"
      ? { ...(step.horizontal && { "-W": true }), ...(step.vertical && { "-H": true }) }
      : undefined,
};

const proportion: ThumborRule = {
  uses: ["proportion"],
  steps: ({ proportion }) =>
    proportion === undefined
      ? []
      : [{ op: "resize", width: ["mul", "currentWidth", proportion], fit: "inside", enlarge: true }],
  fromStep(step) {
    if (step.op !== "resize" || !Array.isArray(step.width) || step.height !== undefined) return undefined;
    const [operator, , factor] = step.width;
    return operator === "mul" && typeof factor === "number" ? { proportion: factor } : undefined;
  },
};

const roundCorner: ThumborRule = {
  uses: ["round_corner"],
  steps({ round_corner }) {
    if (!round_corner || round_corner.radius === 0) return [];
    const { radius, color } = round_corner;
    const round: Step = { op: "round", radius: [radius, radius, radius, radius] };
    return color ? [round, { op: "flatten", background: { kind: "color", color } }] : [round];
  },
  fromStep: (step) =>
    step.op === "round" && typeof step.radius === "object"
      ? { round_corner: { radius: step.radius[0] } }
      : undefined,
};

function overlayOf({ path, x, y, opacity, width, height }: Watermark): Step {
  const along = ({ from, by, isFraction }: Offset, parent: "parentWidth" | "parentHeight"): PlaceOffset => {
    const length: Expression = isFraction ? ["mul", parent, by] : by;
    return {
      by: length,
      of: from === "center" ? "center" : "edge",
      ...(from === "end" && { fromEnd: true }),
    };
  };
  const edge = { start: 0, center: 1, end: 2 } as const;
  const anchor = gravityOf({
    halign: (["left", "center", "right"] as const)[edge[x.from]],
    valign: (["top", "middle", "bottom"] as const)[edge[y.from]],
  } as Thumbor);
  const box: Box = {
    ...(width !== undefined && { width: ["mul", "parentWidth", width] }),
    ...(height !== undefined && { height: ["mul", "parentHeight", height] }),
  };
  const scale: readonly Step[] =
    Object.keys(box).length === 0 ? [] : [{ op: "resize", ...box, fit: "inside", enlarge: true }];
  const steps: readonly Step[] = opacity === 1 ? scale : [...scale, { op: "opacity", value: opacity }];
  return {
    op: "overlay",
    layer: {
      kind: "image",
      path,
      steps,
    },
    place: { x: along(x, "parentWidth"), y: along(y, "parentHeight"), anchor },
  };
}

const watermark: ThumborRule = {
  uses: ["watermark"],
  steps: ({ watermark }) => (watermark ? [overlayOf(watermark)] : []),
  fromStep: () => undefined,
};

/** The size first, then filters, each of which is a group of its own; this order is that of a printed group. */
export const ORDER = [
  "cover",
  "trim",
  crop,
  size,
  flip,
  proportion,
  watermark,
  roundCorner,
  "background_color",
  "blur",
  "sharpen",
  "grayscale",
  "rotate",
] as const;
