import { MediaError, type Step, type StepOf } from "@mediatap/core";
import {
  decimal,
  printHexColour,
  type ReadContext,
  type Rule,
  unprintable,
  unsupported,
  type Values,
} from "@mediatap/core/language";
import type { Condition, Expression, Focus, Paint } from "@mediatap/core/steps";
import type { CloudinaryValues } from "./parameters.ts";
import { type Crop, EFFECTS, type Effect, type Side } from "./values.ts";

export type Cloudinary = Values<CloudinaryValues>;
type CloudinaryRule = Rule<CloudinaryValues>;

const CLEAR: Paint = { kind: "color", color: { r: 255, g: 255, b: 255, alpha: 0 } };
const MAX_HINT = 5000;

export const times = (left: Expression, right: Expression): Expression =>
  typeof left === "number" && typeof right === "number"
    ? left * right
    : right === 1
      ? left
      : ["mul", left, right];

/** What the client reports about itself, by either name of the header. */
function hinted(context: ReadContext, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = decimal(context.header(name) ?? "");
    if (value !== undefined && value > 0) return value;
  }
  return undefined;
}

/** A side or an offset as an expression; `total`: the length that fractions refer to. */
export function lengthOf(
  side: Side | undefined,
  total: Expression,
  context: ReadContext,
): Expression | undefined {
  if (side === undefined || typeof side !== "object" || Array.isArray(side))
    return side as Expression | undefined;
  if ("of" in side) return ["mul", total, side.of];
  if (!("hint" in side)) return undefined;
  const width = hinted(context, "sec-ch-width", "width");
  return width === undefined ? side.hint : Math.min(MAX_HINT, Math.ceil(width));
}

const dprOf = ({ dpr }: Cloudinary, context: ReadContext): Expression | undefined =>
  dpr === "auto" ? Math.min(10, hinted(context, "sec-ch-dpr", "dpr") ?? 1) : dpr;

/** The requested sides, and the same with the ratio and the resolution applied. */
interface Box {
  readonly requested: Pick<StepOf<"resize">, "width" | "height" | "ratio" | "dpr">;
  readonly width: Expression | undefined;
  readonly height: Expression | undefined;
}

function boxOf(values: Cloudinary, context: ReadContext): Box {
  const width = lengthOf(values.w, "currentWidth", context);
  const height = lengthOf(values.h, "currentHeight", context);
  const dpr = dprOf(values, context);
  const { ar: ratio } = values;
  const scaled = (side: Expression | undefined) => (side === undefined ? undefined : times(side, dpr ?? 1));
  const across = width ?? (ratio !== undefined && height !== undefined ? times(height, ratio) : undefined);
  const down =
    height ??
    (ratio !== undefined && width !== undefined
      ? typeof width === "number" && typeof ratio === "number"
        ? width / ratio
        : (["div", width, ratio] as const)
      : undefined);
  return {
    requested: {
      ...(width !== undefined && { width }),
      ...(height !== undefined && { height }),
      ...(ratio !== undefined && (width === undefined) !== (height === undefined) && { ratio }),
      ...(dpr !== undefined && (width !== undefined || height !== undefined) && { dpr }),
    },
    width: scaled(across),
    height: scaled(down),
  };
}

/** Steps that are done if both sides compare so with the box. */
function ifSized({ width, height }: Box, is: "lt" | "gt", then: Step, otherwise: readonly Step[] = []): Step {
  const sides: Condition[] = [
    ...(width === undefined ? [] : [{ left: "currentWidth", is, right: width } as const]),
    ...(height === undefined ? [] : [{ left: "currentHeight", is, right: height } as const]),
  ];
  const [first] = sides;
  return {
    op: "when",
    if: sides.length === 1 && first ? first : { all: sides },
    // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
    then: [then],
    else: otherwise,
  };
}

/** As `fill` for images that are larger than the box on both sides; of others, what exceeds the box is cut. */
function limitedFill(values: Cloudinary, box: Box, context: ReadContext): readonly Step[] {
  const focus = focusOf(values, "lfill");
  const { requested } = box;
  if (box.width === undefined || box.height === undefined) {
    return [{ op: "resize", ...requested, fit: "inside", enlarge: false }];
  }
  const cut: Step = {
    op: "extract",
    ...requested,
    ...windowAt(values, box, context),
    outside: "clip",
    shrink: true,
  };
  return [ifSized(box, "gt", { op: "resize", ...requested, fit: "cover", enlarge: true, ...focus }, [cut])];
}

/** What a crop of this mode looks at. */
function focusOf({ g, x, y }: Cloudinary, mode: Crop): { focus?: Focus } {
  if (g === "xy_center" || ((x !== undefined || y !== undefined) && mode !== "pad")) {
    throw unsupported(`offsets of c_${mode}`, g === "xy_center" ? "g" : "x", g === "xy_center" ? g : "");
  }
  return g === undefined ? {} : { focus: g };
}

const isOfFaces = ({ g }: Cloudinary) => g === "faces";

/** The largest window of a ratio, at the image's own scale. */
const windowOf = (ratio: Expression, focus: { focus?: Focus }): Step => ({
  op: "resize",
  width: ["add", "currentWidth", times("currentHeight", ratio)],
  ratio,
  fit: "cover",
  enlarge: false,
  ...focus,
});

/** The box that holds all faces. */
const faces = ({ z }: Cloudinary, ratio: Expression | undefined): Step => ({
  op: "extract",
  focus: "faces",
  ...(ratio !== undefined && { ratio }),
  ...(z !== undefined && { zoom: z }),
  outside: "clip",
  shrink: true,
});

/** Where a `crop` begins: by its gravity and an offset from it. */
function windowAt(
  values: Cloudinary,
  box: Box,
  context: ReadContext,
): Pick<StepOf<"extract">, "at" | "focus" | "zoom"> {
  const { g, z } = values;
  const x = lengthOf(values.x, "currentWidth", context);
  const y = lengthOf(values.y, "currentHeight", context);
  if (g === "xy_center") return { at: { from: "center", x: x ?? 0, y: y ?? 0 } };
  if (x === undefined && y === undefined) {
    return { ...(g !== undefined && { focus: g }), ...(z !== undefined && g === "faces" && { zoom: z }) };
  }
  if (g === undefined || g === "top-left") return { at: { from: "corner", x: x ?? 0, y: y ?? 0 } };
  if (["faces", "custom", "attention", "entropy"].includes(g))
    throw unsupported("offsets from what is found", "g", g);
  const words = g.split("-");
  return {
    at: {
      from: "corner",
      x: begin(x ?? 0, "currentWidth", box.width, words, "left", "right"),
      y: begin(y ?? 0, "currentHeight", box.height, words, "top", "bottom"),
    },
  };
}

function begin(
  offset: Expression,
  total: Expression,
  side: Expression | undefined,
  words: readonly string[],
  start: string,
  end: string,
): Expression {
  if (words.includes(start)) return offset;
  const free: Expression = side === undefined ? 0 : ["sub", total, side];
  if (words.includes(end)) return ["sub", free, offset];
  return ["add", ["div", free, 2], offset];
}

function sizing(values: Cloudinary, context: ReadContext): readonly Step[] {
  const { c: mode = "scale", ar, b: background = CLEAR } = values;
  const box = boxOf(values, context);
  const { requested } = box;
  const isSized = requested.width !== undefined || requested.height !== undefined;
  const hasFaces = (mode === "crop" || mode === "thumb") && isOfFaces(values);
  if (!isSized) {
    if (hasFaces) return [faces(values, ar)];
    const isWindow = ["crop", "fill", "lfill", "thumb", "auto"].includes(mode);
    if (ar !== undefined && isWindow) return [windowOf(ar, focusOf(values, mode))];
    // Responsive widths of clients that report none.
    if (values.w !== undefined || (values.c === undefined && ar === undefined)) return [];
    throw new MediaError("EINVAL", `Expected w or h beside ${values.c === undefined ? "ar" : `c_${mode}`}`);
  }
  const resize = (
    fit: StepOf<"resize">["fit"],
    enlarge = true,
    more: Partial<StepOf<"resize">> = {},
  ): Step => ({
    op: "resize",
    ...requested,
    fit,
    enlarge,
    ...more,
  });
  switch (mode) {
    case "scale":
      return [resize("fill")];
    case "fit":
      return [resize("inside")];
    case "limit":
      return [resize("inside", false)];
    case "mfit":
      return [ifSized(box, "lt", resize("inside"))];
    case "pad":
    case "lpad":
      return [resize("contain", mode === "pad", { ...focusOf(values, "pad"), background })];
    case "mpad":
      return [ifSized(box, "lt", resize("contain", true, { ...focusOf(values, "pad"), background }))];
    case "lfill":
      return limitedFill(values, box, context);
    case "crop":
      return [
        { op: "extract", ...requested, ...windowAt(values, box, context), outside: "clip", shrink: true },
      ];
    case "thumb":
      if (!hasFaces) return [resize("cover", true, focusOf(values, mode))];
      return [
        faces(
          values,
          box.width !== undefined && box.height !== undefined ? ratioOf(box.width, box.height) : undefined,
        ),
        resize("cover"),
      ];
    case "fill":
    case "auto":
      return [resize("cover", true, focusOf(values, mode))];
  }
}

const ratioOf = (width: Expression, height: Expression): Expression =>
  typeof width === "number" && typeof height === "number" ? width / height : ["div", width, height];

/** A length as the value of a parameter. */
function sideFrom(length: Expression | undefined, total: Expression): Side | undefined {
  if (!Array.isArray(length)) return length as Side | undefined;
  const [operator, of, factor] = length as readonly [string, Expression, Expression];
  return operator === "mul" && of === total && typeof factor === "number"
    ? { of: factor }
    : (length as Expression);
}

function boxFrom({ width, height, ratio, dpr }: StepOf<"resize"> | StepOf<"extract">): Cloudinary {
  const w = sideFrom(width, "currentWidth");
  const h = sideFrom(height, "currentHeight");
  return {
    ...(w !== undefined && { w }),
    ...(h !== undefined && { h }),
    ...(ratio !== undefined && { ar: ratio }),
    ...(dpr !== undefined && { dpr }),
  };
}

function resizeFrom(step: StepOf<"resize">): Cloudinary {
  const { width, height, ratio, fit, enlarge, focus, zoom, background } = step;
  if (zoom !== undefined) throw unprintable("resize with zoom");
  if (fit === "outside") throw unprintable("resize that covers a box");
  const isWindow = Array.isArray(width) && width[0] === "add" && fit === "cover" && !enlarge;
  if (isWindow && ratio !== undefined) return { c: "fill", ar: ratio, ...(focus && { g: focus }) };
  const single = width === undefined || height === undefined;
  const MODES = {
    inside: enlarge ? (single && ratio === undefined ? "scale" : "fit") : "limit",
    fill: "scale",
    contain: enlarge ? "pad" : "lpad",
    cover: enlarge ? "fill" : "lfill",
  } as const;
  return {
    c: MODES[fit],
    ...boxFrom(step),
    ...(focus && { g: focus }),
    ...(background && { b: background }),
  };
}

const size: CloudinaryRule = {
  uses: ["w", "h", "c", "ar", "g", "x", "y", "z", "dpr", "b"],
  steps: sizing,
  fromStep(step) {
    if (step.op === "resize") return resizeFrom(step);
    if (step.op === "when") {
      const [only] = step.then;
      if (only?.op !== "resize" || step.then.length !== 1) return undefined;
      const values = resizeFrom(only);
      const modes: Readonly<Record<string, Crop>> = {
        fit: "mfit",
        scale: "mfit",
        pad: "mpad",
        fill: "lfill",
      };
      return { ...values, c: modes[values.c ?? ""] ?? "scale" };
    }
    if (step.op !== "extract") return undefined;
    const { at, focus, zoom } = step;
    return {
      c: "crop",
      ...boxFrom(step),
      ...(at && { g: at.from === "center" ? "xy_center" : "top-left", x: at.x, y: at.y }),
      ...(focus && { g: focus }),
      ...(zoom !== undefined && { z: zoom }),
    };
  },
};

const isPadded = ({ c }: Cloudinary) => c === "pad" || c === "lpad" || c === "mpad";

const isOblique = ({ a = [] }: Cloudinary) => a.some((part) => typeof part === "number" && part % 90 !== 0);

/** A background without edges to fill lies behind the image. */
const flatten: CloudinaryRule = {
  uses: ["b", "c", "a"],
  steps: (values) =>
    values.b && !isPadded(values) && !isOblique(values) ? [{ op: "flatten", background: values.b }] : [],
  fromStep: (step) => (step.op === "flatten" ? { b: step.background } : undefined),
};

const rotate: CloudinaryRule = {
  uses: ["a", "b", "c"],
  steps(values) {
    const { a = [], b } = values;
    return a.map((part): Step => {
      if (typeof part !== "number")
        return { op: "flip", horizontal: part === "hflip", vertical: part === "vflip" };
      const isFilled = b && !isPadded(values) && part % 90 !== 0;
      return { op: "rotate", angle: part, ...(isFilled && { background: b }) };
    });
  },
  fromStep(step) {
    if (step.op === "rotate") return { a: [step.angle], ...(step.background && { b: step.background }) };
    if (step.op !== "flip") return undefined;
    if (step.horizontal && step.vertical) return { a: [180] };
    return { a: [step.horizontal ? "hflip" : "vflip"] };
  },
};

const edges: CloudinaryRule = {
  uses: ["bo", "r"],
  steps({ bo, r }) {
    const isRound = r !== undefined && (r === "max" || r.some((corner) => corner > 0));
    if (bo && bo.width > 0 && isRound) throw unsupported("a border around rounded corners", "bo");
    return [
      ...(bo ? [{ op: "border", width: bo.width, color: bo.color } as const] : []),
      ...(isRound ? [{ op: "round", radius: r } as const] : []),
    ];
  },
  fromStep(step) {
    if (step.op === "round") return { r: step.radius };
    if (step.op !== "border") return undefined;
    const { width, color } = step;
    if (typeof width !== "number") throw unprintable("borders of a calculated width");
    return { bo: { width, color } };
  },
};

/** Effects of time come first, those of the edges before the size, all others after it. */
const EARLY = new Set(["accelerate", "volume", "trim"]);

const effects = (early: boolean): CloudinaryRule => ({
  uses: ["e", "co"],
  steps({ e, co }) {
    if (!e || EARLY.has(e.name) !== early) return [];
    const step = EFFECTS[e.name]?.(e.args, `e_${e.name}`, co);
    return step ? [step] : [];
  },
  fromStep: (step) => effectFrom(step, early),
});

const named = (name: string, ...args: readonly (string | number)[]): { e: Effect } => ({
  e: { name, args: args.map(String) },
});

function effectFrom(step: Step, early: boolean): Cloudinary | undefined {
  if (early) {
    if (step.op === "trim") return named("trim", step.tolerance);
    if (step.op === "speed") return named("accelerate", Math.round((step.factor - 1) * 100));
    return step.op === "volume" ? named("volume", Math.round((step.gain - 1) * 100)) : undefined;
  }
  switch (step.op) {
    case "grayscale":
      return named("grayscale");
    case "contrast":
      return named("auto_contrast");
    case "blur":
      return named("blur", Number((step.sigma * 20).toFixed(6)));
    case "sharpen":
      return named("sharpen", step.amount * 2);
    case "recolor": {
      const { to, tolerance, from } = step;
      return named("replace_color", printHexColour(to), tolerance, ...(from ? [printHexColour(from)] : []));
    }
    case "distort":
      return step.mode === "arc"
        ? named("distort", "arc", step.angle)
        : named("distort", ...step.corners.flat());
    case "overlay": {
      const { layer } = step;
      if (layer.kind !== "color") return undefined;
      const { alpha, ...color } = layer.color;
      return { ...named("colorize", Number((alpha * 100).toFixed(6))), co: { ...color, alpha: 1 } };
    }
  }
  return undefined;
}

/** What is taken of the source, before all else. Of a video it is a stretch; `pictureOf` makes a moment of it. */
const source: CloudinaryRule = {
  uses: ["pg", "so", "eo", "du"],
  steps({ pg, so, eo, du }, { media }) {
    if (pg !== undefined) return [{ op: "frame", page: pg }];
    if (so === undefined && eo === undefined && du === undefined) return [];
    if (media !== "video")
      throw unsupported(
        "stretches of what is no video",
        so !== undefined ? "so" : eo !== undefined ? "eo" : "du",
      );
    return [
      {
        op: "clip",
        ...(so !== undefined && { start: so }),
        ...(eo !== undefined && { end: eo }),
        ...(du !== undefined && { duration: du }),
      },
    ];
  },
  fromStep(step) {
    if (step.op === "frame") return step.time === undefined ? { pg: step.page } : undefined;
    if (step.op !== "clip") return undefined;
    const { start, end, duration } = step;
    return {
      ...(start !== undefined && { so: start }),
      ...(end !== undefined && { eo: end }),
      ...(duration !== undefined && { du: duration }),
    };
  },
};

const opacity: CloudinaryRule = {
  uses: ["o"],
  steps: ({ o }) => (o === undefined ? [] : [{ op: "opacity", value: o / 100 }]),
  fromStep: (step) => (step.op === "opacity" ? { o: step.value * 100 } : undefined),
};

/** What `read.ts` carries out: how videos are written, and what spans several components. */
const elsewhere: CloudinaryRule = {
  uses: ["f", "q", "vc", "ac", "l", "if", "t"],
  steps: () => [],
  fromStep: () => undefined,
};

/** The order of the steps of one component. */
export const ORDER = [
  source,
  effects(true),
  size,
  effects(false),
  flatten,
  edges,
  opacity,
  rotate,
  elsewhere,
] as const;
