import type { Step, StepOf } from "@mediatap/core";
import { type Rule, unsupported, type Values } from "@mediatap/core/language";
import {
  type Expression,
  type Focus,
  maximum,
  minimum,
  type Offset,
  type Paint,
  type Rgba,
} from "@mediatap/core/steps";
import type { ImgproxyValues, ResizingType } from "./parameters.ts";
import { CENTER, type Crop, type Gravity } from "./values.ts";

type Imgproxy = Values<ImgproxyValues>;
type ImgproxyRule = Rule<ImgproxyValues>;
type Axis = "x" | "y";

const CLEAR: Rgba = { r: 0, g: 0, b: 0, alpha: 0 };
const CURRENT = { x: "currentWidth", y: "currentHeight" } as const;

const paint = (color: Rgba): Paint => ({ kind: "color", color });

const backgroundOf = ({ bg, bga = 1 }: Imgproxy): Rgba | undefined =>
  bg === undefined || bg === "none" ? undefined : { ...bg, alpha: bga };

/** What a canvas has around an image, and below its clear parts. A translucent colour is laid below all at once, later. */
function canvasPaint(values: Imgproxy): Paint {
  const color = backgroundOf(values);
  return paint(color?.alpha === 1 ? color : CLEAR);
}

const hasDistance = ({ at, x, y }: Gravity) => at === "point" || x !== 0 || y !== 0;

/** A gravity that the steps themselves know. */
function focusOf(gravity: Gravity): { readonly focus?: Focus } | undefined {
  const { at } = gravity;
  if (at === "point" || hasDistance(gravity)) return undefined;
  return at === "center" ? {} : { focus: at };
}

const SIDES: Readonly<Record<Axis, readonly [start: string, end: string]>> = {
  x: ["left", "right"],
  y: ["top", "bottom"],
};

/** Where a length begins within a longer one, by a gravity. `unit`: what a pixel of its distances is there. */
function startOf(
  gravity: Gravity,
  axis: Axis,
  total: Expression,
  length: Expression,
  unit: Expression,
): Expression {
  const free: Expression = ["sub", total, length];
  const { at } = gravity;
  const distance = gravity[axis];
  const by: Expression =
    at === "point" || Math.abs(distance) < 1 ? ["mul", total, distance] : ["mul", unit, distance];
  const [start, end] = SIDES[axis];
  const position: Expression =
    at === "point"
      ? ["sub", by, ["div", length, 2]]
      : at.includes(start)
        ? by
        : at.includes(end)
          ? ["sub", free, by]
          : ["add", ["div", free, 2], by];
  return maximum(0, minimum(position, free));
}

interface Box {
  readonly width: Expression;
  readonly height: Expression;
}

/** A window that is cut out by a gravity. `unit`: as in `startOf`. */
function windowAt(box: Box, gravity: Gravity, unit: Expression = 1): StepOf<"extract"> {
  const at = {
    from: "corner",
    x: startOf(gravity, "x", "currentWidth", box.width, unit),
    y: startOf(gravity, "y", "currentHeight", box.height, unit),
  } as const;
  return { op: "extract", ...box, ...(focusOf(gravity) ?? { at }), outside: "clip", shrink: true };
}

const frame: ImgproxyRule = {
  uses: ["pg", "da", "vts"],
  steps({ pg, da, vts }, { media }) {
    if (media === "video" && vts !== undefined) return [{ op: "frame", page: 1, time: vts }];
    const page = pg ?? (da ? 0 : undefined);
    return page === undefined ? [] : [{ op: "frame", page: page + 1 }];
  },
  fromStep(step) {
    if (step.op !== "frame") return undefined;
    if (step.time === undefined) return { pg: step.page - 1 };
    return typeof step.time === "number" ? { vts: step.time } : undefined;
  },
};

/** The window of `c`, smaller down to the ratio of `car`. */
function windowOf({ width, height }: Crop, ratio: number): Box {
  const side = (value: number, current: Expression): Expression =>
    value === 0 ? current : value < 1 ? ["mul", current, value] : minimum(value, current);
  const box = { width: side(width, "currentWidth"), height: side(height, "currentHeight") };
  if (ratio === 0) return box;
  return {
    width: minimum(box.width, ["mul", box.height, ratio]),
    height: minimum(box.height, ["div", box.width, ratio]),
  };
}

const crop: ImgproxyRule = {
  uses: ["c", "car", "g"],
  steps: ({ c, car = 0, g = CENTER }) => (c ? [windowAt(windowOf(c, car), c.gravity ?? g)] : []),
  fromStep(step) {
    if (step.op !== "extract" || step.outside !== "clip" || step.at) return undefined;
    const { width, height, focus } = step;
    const [w, h] = [cropSide(width), cropSide(height)];
    if (w === undefined || h === undefined) return undefined;
    return { c: { width: w, height: h, gravity: { ...CENTER, at: knownFocus(focus) } } };
  },
};

const knownFocus = (focus: Focus | undefined): Gravity["at"] =>
  focus === undefined || focus === "entropy" || focus === "custom" ? "center" : focus;

/** The value in `windowOf`; `undefined`: it is another calculation. */
function cropSide(length: Expression | undefined): number | undefined {
  if (length === undefined || length === "currentWidth" || length === "currentHeight") return 0;
  if (typeof length === "number") return length;
  return length[0] === "mul" && typeof length[2] === "number" ? length[2] : limitOf(length);
}

/** The number in `minimum(number, …)`. */
function limitOf(length: Expression): number | undefined {
  const [, difference] = Array.isArray(length) ? length : [];
  const [, sum] = Array.isArray(difference) ? difference : [];
  const [, side] = Array.isArray(sum) ? sum : [];
  return typeof side === "number" ? side : undefined;
}

/** The box is filled and what projects is cut off. */
function covered(box: Box, enlarge: boolean, { g = CENTER, dpr = 1 }: Imgproxy): readonly Step[] {
  const focus = focusOf(g);
  if (focus) return [{ op: "resize", ...box, fit: "cover", enlarge, ...focus, rounding: "up" }];
  const ratio: Expression = ["div", box.width, box.height];
  const width = minimum("currentWidth", ["mul", "currentHeight", ratio]);
  const height = minimum("currentHeight", ["div", "currentWidth", ratio]);
  const unit: Expression = ["mul", ["div", width, box.width], dpr];
  return [windowAt({ width, height }, g, unit), { op: "resize", ...box, fit: "fill", enlarge }];
}

/** Without enlarging, each side is that of the box or of the image, and `dpr` counts as far as the image reaches. */
function filled(width: number, height: number, values: Imgproxy): readonly Step[] {
  const { dpr = 1, el = false } = values;
  const large = { width: scaled(width, dpr), height: scaled(height, dpr) };
  if (el) return covered(large, true, values);
  if (dpr < 1) throw unsupported("dpr below 1 with fill unless el is set", "dpr", String(dpr));
  const small = { width: minimum(width, "currentWidth"), height: minimum(height, "currentHeight") };
  const unscaled = covered(small, true, { ...values, dpr: 1 });
  if (dpr === 1) return unscaled;
  return [
    {
      op: "when",
      if: {
        all: [
          { left: "currentWidth", is: "gte", right: width },
          { left: "currentHeight", is: "gte", right: height },
        ],
      },
      // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
      then: covered(large, false, values),
      else: unscaled,
    },
  ];
}

const scaled = (side: number, factor: number) => Math.max(1, Math.round(side * factor));

/** A box of both sides, before `dpr`. */
function boxed(width: number, height: number, type: ResizingType, values: Imgproxy): readonly Step[] {
  const { dpr = 1, el = false, ex } = values;
  const box = { width: scaled(width, dpr), height: scaled(height, dpr) };
  switch (type) {
    case "fit": {
      if (!ex || !isContained(values)) return [{ op: "resize", ...box, fit: "inside", enlarge: el }];
      const focus = focusOf(ex.gravity);
      return [
        { op: "resize", ...box, fit: "contain", enlarge: el, ...focus, background: canvasPaint(values) },
      ];
    }
    case "fill":
      return filled(width, height, values);
    case "fill-down":
      return covered(box, el, values);
    case "force":
      return [{ op: "resize", ...box, fit: "fill", enlarge: el }];
    case "auto":
      return [
        {
          op: "when",
          if: { left: "currentWidth", is: width >= height ? "gte" : "lt", right: "currentHeight" },
          // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
          then: boxed(width, height, "fill", values),
          else: boxed(width, height, "fit", values),
        },
      ];
  }
}

/** The canvas of a fitted image is made along with it, unless something comes between. */
function isContained({ ex, rt = "fit", w = 0, h = 0, mw = 0, mh = 0, bl, sh, sa }: Imgproxy): boolean {
  const isBox = rt === "fit" && w > 0 && h > 0 && mw === 0 && mh === 0;
  return isBox && ex?.on === true && !hasDistance(ex.gravity) && !bl && !sh && sa === undefined;
}

/** An image that is fitted in, but not smaller than `mw` and `mh`: then it is cut. */
function atLeast(values: Imgproxy): readonly Step[] {
  const { rt = "fit", w = 0, h = 0, mw = 0, mh = 0, z = [1, 1], dpr = 1, el = false, g = CENTER } = values;
  const key = mw > 0 ? "mw" : "mh";
  if (rt !== "fit") throw unsupported("a least size beside this resizing type", key, rt);
  if (dpr !== 1) throw unsupported("a least size beside dpr", key, String(dpr));
  const ratio: Expression = ["div", "currentWidth", "currentHeight"];
  const [width, height] = [Math.round(w * z[0]), Math.round(h * z[0])];
  const byHeight: Expression = ["mul", height, ratio];
  const total: Expression = ["mul", "currentWidth", z[0]];
  const fitted = w === 0 ? (h === 0 ? total : byHeight) : h === 0 ? width : minimum(width, byHeight);
  const bounded = el ? fitted : minimum(fitted, "currentWidth");
  const wide = mw === 0 ? bounded : maximum(bounded, mw);
  const scale: Step = {
    op: "resize",
    width: mh === 0 ? wide : maximum(wide, ["mul", mh, ratio]),
    fit: "inside",
    enlarge: true,
  };
  if (w === 0 && h === 0) return [scale];
  return [scale, windowAt(windowOf({ width, height }, 0), g)];
}

/** The image by factors. */
function zoomed(across: number, down: number, values: Imgproxy): readonly Step[] {
  const { dpr = 1, el = false } = values;
  const [width, height] = [across * dpr, down * dpr];
  if (width === 1 && height === 1) return [];
  if (width === height)
    return [{ op: "resize", width: ["mul", "currentWidth", width], fit: "inside", enlarge: el }];
  return [
    {
      op: "resize",
      width: ["mul", "currentWidth", width],
      height: ["mul", "currentHeight", height],
      fit: "fill",
      enlarge: el,
    },
  ];
}

const resize: ImgproxyRule = {
  uses: ["w", "h", "rt", "z", "dpr", "el", "mw", "mh", "g", "ex", "bg", "bga"],
  steps(values) {
    const { w = 0, h = 0, rt = "fit", z = [1, 1], dpr = 1, el = false, mw = 0, mh = 0, ex } = values;
    const [across, down] = z;
    if (ex?.on && dpr !== 1 && !el) throw unsupported("extend beside dpr unless el is set", "ex", "1");
    if (across !== down && rt !== "force" && (w > 0 || h > 0 || mw > 0 || mh > 0)) {
      throw unsupported("two factors beside a size", "z", z.join(":"));
    }
    if (mw > 0 || mh > 0) return atLeast(values);
    if (w === 0 && h === 0) return zoomed(across, down, values);
    const [width, height] = [scaled(w, across), scaled(h, down)];
    if (w > 0 && h > 0) return boxed(width, height, rt, values);
    const side = w > 0 ? { width: scaled(width, dpr) } : { height: scaled(height, dpr) };
    if (rt !== "force") return [{ op: "resize", ...side, fit: "inside", enlarge: el }];
    const keepRatio = (current: Expression, factor: number): Expression =>
      factor === 1 ? current : ["mul", current, factor];
    const other =
      w > 0
        ? { height: keepRatio("currentHeight", down * dpr) }
        : { width: keepRatio("currentWidth", across * dpr) };
    return [{ op: "resize", ...side, ...other, fit: "fill", enlarge: el }];
  },
  fromStep(step) {
    if (step.op === "resize") return sizeOf(step);
    if (step.op !== "when") return undefined;
    const [yes, no] = [step.then.at(-1), step.else.at(-1)];
    if (yes?.op !== "resize" || no?.op !== "resize") return undefined;
    const [whenTrue, whenFalse] = [sizeOf(yes), sizeOf(no)];
    if (!("all" in step.if)) return whenTrue && { ...whenFalse, ...whenTrue, rt: "auto" };
    if (!whenFalse?.w || typeof yes.width !== "number") return undefined;
    return { ...whenFalse, dpr: yes.width / whenFalse.w };
  },
};

/** The options for a resize. */
function sizeOf({ width, height, fit, enlarge, focus, background }: StepOf<"resize">): Imgproxy | undefined {
  const [w, h] = [boxSide(width, "width"), boxSide(height, "height")];
  if (!w || !h) {
    const isZoom = Array.isArray(width) && width[0] === "mul" && typeof width[2] === "number";
    if (!isZoom || height !== undefined) return undefined;
    return { z: [width[2] as number, width[2] as number], ...(enlarge && { el: true }) };
  }
  const isLimited = w.limited && h.limited;
  const types: Partial<Record<typeof fit, ResizingType>> = {
    inside: "fit",
    contain: "fit",
    fill: "force",
    cover: isLimited || enlarge ? "fill" : "fill-down",
  };
  const rt = types[fit];
  if (rt === undefined) return undefined;
  const at = knownFocus(focus);
  const isPlaced = at !== "center" && fit === "cover";
  return {
    ...(rt !== "fit" && { rt }),
    ...(w.side > 0 && { w: w.side }),
    ...(h.side > 0 && { h: h.side }),
    ...(enlarge && !isLimited && { el: true }),
    ...(isPlaced && { g: { ...CENTER, at } }),
    ...(fit === "contain" && { ex: { on: true, gravity: at === "center" ? CENTER : { ...CENTER, at } } }),
    ...(fit === "contain" && colourOf(background)),
  };
}

/** An opaque or translucent background as options. */
function colourOf(background: Paint | undefined): Imgproxy {
  if (background?.kind !== "color" || background.color.alpha === 0) return {};
  const { alpha, ...rgb } = background.color;
  return { bg: { ...rgb, alpha: 1 }, ...(alpha < 1 && { bga: alpha }) };
}

/** `undefined`: no option has a word for it. */
function boxSide(
  length: Expression | undefined,
  side: "width" | "height",
): { readonly side: number; readonly limited: boolean } | undefined {
  if (length === undefined || length === (side === "width" ? "currentWidth" : "currentHeight")) {
    return { side: 0, limited: false };
  }
  if (typeof length === "number")
    return Number.isInteger(length) ? { side: length, limited: false } : undefined;
  const limit = limitOf(length);
  return limit === undefined ? undefined : { side: limit, limited: true };
}

/** A larger canvas, on which the image lies by a gravity. */
function canvas(box: Box, gravity: Gravity, values: Imgproxy): Step {
  const focus = focusOf(gravity);
  const position = (axis: Axis, total: Expression): Expression => [
    "sub",
    0,
    startOf(gravity, axis, total, CURRENT[axis], values.dpr ?? 1),
  ];
  return {
    op: "extract",
    ...box,
    ...(focus ?? {
      at: {
        from: "corner",
        x: position("x", maximum(box.width, "currentWidth")),
        y: position("y", maximum(box.height, "currentHeight")),
      },
    }),
    outside: "pad",
    shrink: false,
    background: canvasPaint(values),
  };
}

const extend: ImgproxyRule = {
  uses: ["ex", "exar", "w", "h", "z", "dpr", "bg", "bga"],
  steps(values) {
    const { ex, exar, w = 0, h = 0, z = [1, 1], dpr = 1 } = values;
    const steps: Step[] = [];
    if (ex?.on && (w > 0 || h > 0) && !isContained(values)) {
      const box = {
        width: w === 0 ? "currentWidth" : scaled(w, z[0] * dpr),
        height: h === 0 ? "currentHeight" : scaled(h, z[1] * dpr),
      } as const;
      steps.push(canvas(box, ex.gravity, values));
    }
    if (exar?.on && w > 0 && h > 0) {
      const ratio = (w * z[0]) / (h * z[1]);
      const box = {
        width: maximum("currentWidth", ["mul", "currentHeight", ratio]),
        height: maximum("currentHeight", ["div", "currentWidth", ratio]),
      };
      steps.push(canvas(box, exar.gravity, values));
    }
    return steps;
  },
  fromStep(step) {
    if (step.op !== "extract" || step.outside !== "pad" || step.shrink || step.at) return undefined;
    const { width, height, focus, background } = step;
    if (typeof width !== "number" || typeof height !== "number") return undefined;
    return {
      w: width,
      h: height,
      ex: { on: true, gravity: { ...CENTER, at: knownFocus(focus) } },
      ...colourOf(background),
    };
  },
};

const padding: ImgproxyRule = {
  uses: ["pd", "dpr", "bg", "bga"],
  steps(values) {
    const { pd, dpr = 1 } = values;
    if (!pd?.some((edge) => edge > 0)) return [];
    const [top = 0, right = 0, bottom = 0, left = 0] = pd.map((edge) => Math.round(edge * dpr));
    return [
      {
        op: "extract",
        width: ["add", "currentWidth", left + right],
        height: ["add", "currentHeight", top + bottom],
        at: { from: "corner", x: -left, y: -top },
        outside: "pad",
        shrink: true,
        background: canvasPaint(values),
      },
    ];
  },
  fromStep(step) {
    if (step.op !== "extract" || step.outside !== "pad" || step.at?.from !== "corner") return undefined;
    const { width, height, at, background } = step;
    const sum = (length: Expression | undefined) =>
      Array.isArray(length) && typeof length[2] === "number" ? length[2] : Number.NaN;
    const [left, top] = [-Number(at.x), -Number(at.y)];
    const pd = [top, sum(width) - left, sum(height) - top, left] as const;
    return pd.every(Number.isInteger) ? { pd, ...colourOf(background) } : undefined;
  },
};

const background: ImgproxyRule = {
  uses: ["bg", "bga"],
  steps(values) {
    const color = backgroundOf(values);
    const hasCanvas = isContained(values) || values.pd?.some((edge) => edge > 0);
    return color && !(hasCanvas && color.alpha === 1) ? [{ op: "flatten", background: paint(color) }] : [];
  },
  fromStep: (step) =>
    step.op === "flatten" && step.background.kind === "color" ? colourOf(step.background) : undefined,
};

/** A colour over all of the image. */
const colorize: ImgproxyRule = {
  uses: ["col"],
  steps: ({ col }) =>
    col === undefined || col.alpha === 0
      ? []
      : [
          {
            op: "overlay",
            layer: {
              kind: "color",
              color: { ...col, alpha: 1 },
              steps: [{ op: "opacity", value: col.alpha }],
            },
            place: { gravity: "center" },
          },
        ],
  fromStep: () => undefined,
};

function createWatermark(image: string | undefined): ImgproxyRule {
  return {
    uses: ["wm", "wmu", "wms", "wmr", "dpr"],
    steps({ wm, wmu = image, wms = [0, 0], wmr = 0, dpr = 1 }) {
      if (!wm || wm.opacity === 0) return [];
      if (wmu === undefined) throw unsupported("watermarks without the option watermark", "wm");
      const { opacity, gravity, scale } = wm;
      const across: Expression | 0 = scale > 0 ? ["mul", "parentWidth", scale] : wms[0];
      const down: Expression | 0 = scale > 0 ? ["mul", "parentHeight", scale] : wms[1];
      const isSized = across !== 0 || down !== 0;
      const steps: readonly Step[] = [
        ...(isSized
          ? [
              {
                op: "resize",
                ...(across !== 0 && { width: across }),
                ...(down !== 0 && { height: down }),
                fit: "inside",
                enlarge: true,
              } as const,
            ]
          : []),
        { op: "rotate", angle: wmr },
        { op: "opacity", value: opacity },
      ];
      const along = (axis: Axis): Offset => {
        const distance = gravity[axis];
        const isFraction = Math.abs(distance) < 1;
        const [start, end] = SIDES[axis];
        const isEdge = gravity.at.includes(start) || gravity.at.includes(end);
        return {
          by: isFraction ? ["mul", axis === "x" ? "parentWidth" : "parentHeight", distance] : distance * dpr,
          of: isEdge ? "edge" : "center",
          ...(gravity.at.includes(end) && { fromEnd: true }),
        };
      };
      const anchor = gravity.at as NonNullable<
        Extract<StepOf<"overlay">["place"], { anchor?: unknown }>["anchor"]
      >;
      return [
        {
          op: "overlay",
          layer: { kind: "image", path: wmu, steps },
          place: { x: along("x"), y: along("y"), anchor },
        },
      ];
    },
    fromStep: () => undefined,
  };
}

/** The order of imgproxy's pipeline, but that the image is turned first: windows and sizes are those of the turned one. */
export const createOrder = (watermark: string | undefined) =>
  [
    frame,
    "t",
    "rot",
    "fl",
    crop,
    resize,
    "sa",
    "bl",
    "sh",
    extend,
    padding,
    background,
    colorize,
    "gr",
    createWatermark(watermark),
  ] as const;
