import { isDeepStrictEqual } from "node:util";
import type { Step, StepOf } from "@mediatap/core";
import { type Rule, unprintable, unsupported, type Values } from "@mediatap/core/language";
import type { Condition, Paint, Rgba } from "@mediatap/core/steps";
import type { Box, Fit, IpxValues } from "./parameters.ts";

type Ipx = Values<IpxValues>;
type IpxRule = Rule<IpxValues>;

const BLACK: Rgba = { r: 0, g: 0, b: 0, alpha: 1 };

const paint = (color: Rgba): Paint => ({ kind: "color", color });

function colourOf(background: Paint | undefined): Pick<Ipx, "background"> {
  if (background === undefined) return {};
  if (background.kind !== "color") throw unprintable(`${background.kind} backgrounds`);
  return { background: background.color };
}

/** The same where black is what IPX takes without a colour. */
function colourOrBlack(background: Paint | undefined): Pick<Ipx, "background"> {
  const { background: color } = colourOf(background);
  return color && !isDeepStrictEqual(color, BLACK) ? { background: color } : {};
}

/** Without `animated` only GIF moves: of anything else IPX reads the first frame. */
const firstFrame: IpxRule = {
  uses: ["animated", "format"],
  steps: ({ animated, format }) =>
    animated || format === undefined || format === "gif" ? [] : [{ op: "frame", page: 1 }],
  fromStep: (step) => (step.op === "frame" && step.page === 1 && step.time === undefined ? {} : undefined),
};

const turn = (angle: number, background: Rgba | undefined): Step => ({
  op: "rotate",
  angle,
  ...(angle % 90 !== 0 && { background: paint(background ?? BLACK) }),
});

/** Sharp rotates before it scales or trims if `rotate` is called first. IPX calls it in the alphabetical order of the modifiers. */
const isTurnedFirst = ({ width, s, trim }: Ipx) =>
  width !== undefined || s !== undefined || trim !== undefined;

const rotate = (first: boolean): IpxRule => ({
  uses: ["rotate", "background"],
  steps(values) {
    const { rotate, background, height, resize } = values;
    if (rotate === undefined) return [];
    if (!isTurnedFirst(values) && (resize || (height !== undefined && rotate % 180 !== 0))) {
      throw unsupported("rotate after resize or height; s or width instead", "rotate", String(rotate));
    }
    return isTurnedFirst(values) === first ? [turn(rotate, background)] : [];
  },
  fromStep: (step) =>
    step.op === "rotate" ? { rotate: step.angle, ...colourOrBlack(step.background) } : undefined,
});

const flatten: IpxRule = {
  uses: ["flatten", "background"],
  steps: ({ flatten, background }) =>
    flatten ? [{ op: "flatten", background: paint(background ?? BLACK) }] : [],
  fromStep: (step) =>
    step.op === "flatten" ? { flatten: true, ...colourOrBlack(step.background) } : undefined,
};

/** Whether the image is cropped around `position`. */
const isCropped = ({ width, s, resize, fit = "cover" }: Ipx) =>
  width === undefined && (s ?? resize) !== undefined && fit === "cover";

/** After the image is scaled and before it is cropped, as in sharp: `top` is the top of the result. */
const flip = (first: boolean): IpxRule => ({
  uses: ["flip", "flop"],
  steps(values) {
    const { flip = false, flop = false } = values;
    if (isCropped(values) !== first || !(flip || flop)) return [];
    return [{ op: "flip", horizontal: flop, vertical: flip }];
  },
  fromStep: (step) =>
    step.op === "flip"
      ? { ...(step.vertical && { flip: true }), ...(step.horizontal && { flop: true }) }
      : undefined,
});

/** How a box is met, but for its size. */
function meeting({
  fit = "cover",
  position,
  background,
}: Ipx): Pick<StepOf<"resize">, "fit" | "focus" | "rounding" | "background"> {
  const isSearched = position === "attention" || position === "entropy";
  const focus = fit === "cover" || (fit === "contain" && !isSearched) ? position : undefined;
  return {
    fit,
    ...(focus && { focus }),
    ...(fit === "cover" && { rounding: "up" as const }),
    ...(fit === "contain" && background && { background: paint(background) }),
  };
}

/**
 * `s` without `enlarge`: IPX makes the box smaller, in its own ratio, until no side is longer than that of the original. For `fit`
 * values that scale the image into the box by themselves, a box that is not enlarged is the same.
 */
function limited([width, height]: Box, values: Ipx): Step {
  const how = meeting(values);
  const isCut = values.extract !== undefined || values.trim !== undefined;
  if (!isCut && ["cover", "fill", "outside"].includes(how.fit)) {
    return { op: "resize", width, height, enlarge: false, ...how };
  }
  const atLeast = (left: "originalWidth" | "originalHeight", right: number): Condition => ({
    left,
    is: "gte",
    right,
  });
  const isWide: Condition = {
    left: ["mul", "originalWidth", height],
    is: "lte",
    right: ["mul", "originalHeight", width],
  };
  const resize = (size: Pick<StepOf<"resize">, "width" | "height">): Step => ({
    op: "resize",
    ...size,
    enlarge: true,
    ...how,
  });
  const asWide = resize({ width: "originalWidth", height: ["div", ["mul", "originalWidth", height], width] });
  const asHigh = resize({
    width: ["div", ["mul", "originalHeight", width], height],
    height: "originalHeight",
  });
  return {
    op: "when",
    if: { all: [atLeast("originalWidth", width), atLeast("originalHeight", height)] },
    // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
    then: [resize({ width, height })],
    // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
    else: [{ op: "when", if: isWide, then: [asWide], else: [asHigh] }],
  };
}

/** One of `width`, `s`, `resize` and `height`: IPX passes all to sharp, one after the other, and the last one counts. */
const resize: IpxRule = {
  uses: ["width", "height", "s", "resize", "fit", "position", "background", "enlarge", "kernel"],
  steps(values) {
    const { width, height, enlarge = false } = values;
    const box = values.s ?? values.resize;
    if (width !== undefined) {
      if (box && values.fit === "fill")
        throw unsupported("width and s with fit_fill", "width", String(width));
      return [{ op: "resize", width, fit: "inside", enlarge }];
    }
    if (box) {
      const [w, h] = box;
      return [
        enlarge ? { op: "resize", width: w, height: h, enlarge, ...meeting(values) } : limited(box, values),
      ];
    }
    return height === undefined ? [] : [{ op: "resize", height, fit: "inside", enlarge }];
  },
  fromStep(step) {
    if (step.op === "when") {
      const [first] = step.then;
      return first?.op === "resize" && step.then.length === 1
        ? valuesOf({ ...first, enlarge: false })
        : undefined;
    }
    return step.op === "resize" ? valuesOf(step) : undefined;
  },
};

function valuesOf({
  width,
  height,
  fit,
  focus,
  background,
  enlarge,
  zoom,
  dpr,
  ratio,
}: StepOf<"resize">): Ipx {
  if (zoom !== undefined || dpr !== undefined || ratio !== undefined) {
    throw unprintable("resize with zoom, dpr or an aspect ratio");
  }
  if (focus === "faces" || focus === "custom") throw unprintable(`resize around ${focus}`);
  const sides = [width, height].filter((side) => side !== undefined);
  if (!sides.every((side) => typeof side === "number" && Number.isInteger(side))) {
    throw unprintable("resize with calculated sides");
  }
  const how = { ...(enlarge && { enlarge }) } as const;
  if (width === undefined) return { height: height as number, ...how };
  if (height === undefined) return { width: width as number, ...how };
  return {
    s: [width as number, height as number],
    ...how,
    ...(fit !== "cover" && { fit: fit as Fit }),
    ...(focus && { position: focus }),
    ...colourOf(background),
  };
}

const extend: IpxRule = {
  uses: ["extend", "background"],
  steps({ extend, background }) {
    if (!extend || extend.every((side) => side === 0)) return [];
    const [top, right, bottom, left] = extend;
    return [
      {
        op: "extract",
        width: ["add", "currentWidth", left + right],
        height: ["add", "currentHeight", top + bottom],
        at: { from: "corner", x: -left, y: -top },
        outside: "pad",
        shrink: true,
        ...(background && { background: paint(background) }),
      },
    ];
  },
  fromStep(step) {
    if (step.op !== "extract" || step.outside !== "pad" || step.at?.from !== "corner") return undefined;
    const { at, width, height, background } = step;
    const [, , across] = Array.isArray(width) ? width : [];
    const [, , down] = Array.isArray(height) ? height : [];
    if (![at.x, at.y, across, down].every((value) => typeof value === "number")) return undefined;
    const [left, top] = [-(at.x as number), -(at.y as number)];
    const extend = [top, (across as number) - left, (down as number) - top, left] as const;
    return { extend, ...colourOf(background) };
  },
};

/** The order of sharp's pipeline. */
export const ORDER = [
  firstFrame,
  rotate(true),
  "trim",
  "extract",
  flatten,
  "grayscale",
  flip(true),
  resize,
  flip(false),
  rotate(false),
  extend,
  "blur",
  "sharpen",
  "normalize",
] as const;
