import { invalid, type Op, type Step, type StepOf } from "@mediatap/core";
import { type Expression, isQuadrilateral, type Point, type Rgba } from "@mediatap/core/steps";
import { colour, printColour } from "./colours.ts";
import { unprintable } from "./errors.ts";
import { expression, isExpression, printExpression } from "./expression.ts";
import {
  decimal,
  flag,
  integer,
  MAX_DIMENSION,
  number,
  oneOf,
  printNumber,
  type Reader,
  signedDecimal,
} from "./numbers.ts";
import { part, partsOf, percent, printPercent } from "./parts.ts";
import * as read from "./values.ts";

type Fields<S> = S extends unknown ? Omit<S, "op"> : never;

/** A parameter that stands for a step by itself. */
interface Operation<K extends Op, V> {
  readonly op: K;
  /** Reads the value of the parameter. */
  readonly read: Reader<V>;
  /** The fields of the step; `undefined` for a value that changes nothing. */
  step(value: V): Fields<StepOf<K>> | undefined;
  /** The value for a step; `""`: the parameter is written bare. */
  print(step: StepOf<K>): string;
  /** What SDKs and other products call it, in lower case: for suggestions. */
  readonly names: readonly string[];
}

const operation = <K extends Op, V>(
  op: K,
  names: readonly string[],
  rest: Omit<Operation<K, V>, "op" | "names">,
): Operation<K, V> => ({ op, names, ...rest });

/** One whose reader gives the fields of the step. */
const fields = <K extends Op>(
  op: K,
  names: readonly string[],
  read: Reader<Fields<StepOf<K>>>,
  print: (step: StepOf<K>) => string,
) => operation(op, names, { read, step: (value) => value, print });

/** One without a value. */
const bare = (op: "grayscale" | "contrast", names: readonly string[]) =>
  operation(op, names, { read: flag, step: (value) => (value ? {} : undefined), print: () => "" });

/** The usual tolerance of `t-true`: the documentation's example lies between 5 and 15. */
const DEFAULT_TRIM_TOLERANCE = 10;

const FLIPS: ReadonlyMap<string, Fields<StepOf<"flip">>> = new Map([
  ["h", { horizontal: true, vertical: false }],
  ["v", { horizontal: false, vertical: true }],
  ["h_v", { horizontal: true, vertical: true }],
  ["v_h", { horizontal: true, vertical: true }],
]);

/** From the top clockwise, 45 degrees apart. */
const DIRECTIONS = ["top", "top_right", "right", "bottom_right", "bottom", "bottom_left", "left", "top_left"];

const direction: Reader<number> = (text, key) => {
  const named = DIRECTIONS.indexOf(text);
  const angle = named < 0 ? decimal(text) : 45 * named;
  if (angle === undefined || angle >= 360) throw invalid(key, "angle below 360 or a direction", text);
  return angle;
};

const stop: Reader<Expression> = (text, key) => {
  if (isExpression(text)) return expression(text, key);
  const value = decimal(text);
  if (!value || value > MAX_DIMENSION) throw invalid(key, "positive number or expression", text);
  return value;
};

const WHITE: Rgba = { r: 255, g: 255, b: 255, alpha: 1 };
const CLEAR: Rgba = { r: 0, g: 0, b: 0, alpha: 0 };
const GRAY: Rgba = { r: 128, g: 128, b: 128, alpha: 1 };

const isPlace = (value: number | undefined): value is number =>
  value !== undefined && Math.abs(value) <= MAX_DIMENSION;

/** New places of the corners, clockwise from the top left one. */
const corners: Reader<readonly [Point, Point, Point, Point]> = (text, key) => {
  const values = text.split("_").map(signedDecimal);
  if (values.length !== 8 || !values.every(isPlace)) throw invalid(key, "x1_y1_x2_y2_x3_y3_x4_y4", text);
  const corner = (index: number): Point => [values[2 * index] as number, values[2 * index + 1] as number];
  const parsed = [corner(0), corner(1), corner(2), corner(3)] as const;
  if (!isQuadrilateral(parsed)) throw invalid(key, "corners of a convex quadrilateral", text);
  return parsed;
};

/** The tolerance of ImageKit's visual editor. */
const DEFAULT_COLOUR_TOLERANCE = 35;

/** Every operation but those of size, crop, background and layers, in the language's fixed order within one step. */
export const OPERATIONS = {
  t: operation("trim", ["trim"], {
    read: read.tolerance(DEFAULT_TRIM_TOLERANCE),
    step: (tolerance) => (tolerance ? { tolerance } : undefined),
    print: ({ tolerance }) => printNumber(tolerance),
  }),
  rt: operation("rotate", ["rotate", "rotation"], {
    read: read.angle,
    step: (angle) => (angle ? { angle } : undefined),
    print: ({ angle, background }) => {
      if (background) throw unprintable("rotation with a background");
      return printNumber(angle);
    },
  }),
  fl: fields("flip", ["flip"], oneOf(FLIPS), ({ horizontal, vertical }) =>
    horizontal ? (vertical ? "h_v" : "h") : "v",
  ),
  // `<to>[_<tolerance>[_<from>]]`
  cr: fields(
    "recolor",
    ["colorreplace"],
    (text, key) => {
      const [to = "", tolerance, from, ...more] = text.split("_");
      if (more.length > 0) throw invalid(key, "<colour>_<tolerance>_<colour>", text);
      return {
        to: colour(to, key),
        tolerance: part(tolerance, "tolerance", key, number(0, 100), DEFAULT_COLOUR_TOLERANCE),
        ...(from !== undefined && { from: colour(from, key) }),
      };
    },
    ({ to, tolerance, from }) =>
      [printColour(to), printNumber(tolerance), ...(from ? [printColour(from)] : [])].join("_"),
  ),
  "e-grayscale": bare("grayscale", ["grayscale", "greyscale"]),
  "e-contrast": bare("contrast", ["contrast", "contraststretch"]),
  "e-sharpen": operation("sharpen", ["sharpen"], {
    read: read.sharpness,
    step: (amount) => ({ amount }),
    print: ({ amount }) => printNumber(amount),
  }),
  "e-usm": fields("unsharp", ["unsharpmask"], read.unsharp, ({ radius, sigma, amount, threshold }) =>
    [radius, sigma, amount, threshold].map(printNumber).join("-"),
  ),
  "e-colorize": fields(
    "colorize",
    ["colorize"],
    (text, key) => {
      const parts = partsOf(text, key, ["co", "in"]);
      return {
        color: part(parts.co, "co", key, colour, GRAY),
        intensity: part(parts.in, "in", key, percent(0), 1),
      };
    },
    ({ color, intensity }) => `co-${printColour(color)}_in-${printPercent(intensity)}`,
  ),
  bl: operation("blur", ["blur"], {
    read: integer(1, 100),
    // Blur radius → sigma, by the formula in the documentation of sharp.
    step: (radius) => ({ sigma: 1 + radius / 2 }),
    print: ({ sigma }) => String(Math.round((sigma - 1) * 2)),
  }),
  "e-gradient": fields(
    "gradient",
    ["gradient"],
    (text, key) => {
      const parts = partsOf(text, key, ["ld", "from", "to", "sp"]);
      return {
        angle: part(parts.ld, "ld", key, direction, 180),
        from: part(parts.from, "from", key, colour, WHITE),
        to: part(parts.to, "to", key, colour, CLEAR),
        stop: part<Expression>(parts.sp, "sp", key, stop, 1),
      };
    },
    ({ angle, from, to, stop }) =>
      `ld-${printNumber(angle)}_from-${printColour(from)}_to-${printColour(to)}_sp-${printExpression(stop)}`,
  ),
  "e-distort": fields(
    "distort",
    ["distort"],
    (text, key) => {
      const parts = partsOf(text, key, ["p", "a"]);
      if ((parts.p === undefined) === (parts.a === undefined)) {
        throw invalid(key, "p-<4 corners> or a-<degrees>", text);
      }
      if (parts.p !== undefined) return { mode: "perspective", corners: corners(parts.p, `p of ${key}`) };
      const angle = part(parts.a, "a", key, number(-360, 360), 0);
      if (angle === 0) throw invalid(`a of ${key}`, "number of degrees other than 0", text);
      return { mode: "arc", angle };
    },
    (step) =>
      step.mode === "arc"
        ? `a-${printNumber(step.angle)}`
        : `p-${step.corners.flat().map(printNumber).join("_")}`,
  ),
  // `bl` is a blur radius: twice sigma, as in CSS (Backgrounds 3 §6.1).
  "e-shadow": fields(
    "shadow",
    ["shadow"],
    (text, key) => {
      const parts = partsOf(text, key, ["bl", "st", "x", "y"]);
      return {
        sigma: part(parts.bl, "bl", key, number(0, 15), 10) / 2,
        strength: part(parts.st, "st", key, percent(0), 0.3),
        x: part(parts.x, "x", key, percent(-100), 0.02),
        y: part(parts.y, "y", key, percent(-100), 0.02),
      };
    },
    ({ sigma, strength, x, y }) => {
      const [st, across, down] = [strength, x, y].map(printPercent);
      return `bl-${printNumber(sigma * 2)}_st-${st}_x-${across}_y-${down}`;
    },
  ),
  r: operation("round", ["radius"], {
    read: read.radius,
    step: (radius) => (radius !== "max" && radius.every((corner) => corner === 0) ? undefined : { radius }),
    print: ({ radius }) => (radius === "max" ? radius : radius.map(printNumber).join("_")),
  }),
  b: operation("border", ["border"], {
    read: read.border,
    step: (border) => (border.width === 0 ? undefined : border),
    print: ({ width, color }) => `${printExpression(width)}_${printColour(color)}`,
  }),
  o: operation("opacity", ["opacity"], {
    read: integer(0, 100),
    step: (percent) => (percent < 100 ? { value: percent / 100 } : undefined),
    print: ({ value }) => String(Math.round(value * 100)),
  }),
};

export type OperationKey = keyof typeof OPERATIONS;

/** What the values of these parameters mean. */
type OperationValues = { readonly [K in OperationKey]?: ReturnType<(typeof OPERATIONS)[K]["read"]> };

const KEYS = Object.keys(OPERATIONS) as OperationKey[];

/** Adds the step of one parameter, if it is there and changes something. */
export function stepFor(key: OperationKey, values: OperationValues, steps: Step[]): void {
  const value = values[key];
  if (value === undefined) return;
  const { op, step } = OPERATIONS[key] as unknown as Operation<Op, unknown>;
  const fields = step(value);
  if (fields) steps.push({ op, ...fields } as Step);
}

/** Adds the steps of all parameters but `t`, in their order. */
export function stepsFor(values: OperationValues, steps: Step[]): void {
  for (const key of KEYS) if (key !== "t") stepFor(key, values, steps);
}

const BY_OP = new Map<string, readonly [key: string, print: (step: never) => string]>(
  Object.entries(OPERATIONS).map(([key, { op, print }]) => [op, [key, print]]),
);

/** The parameter for a step. `undefined`: none stands for it. */
export function printOperation(step: Step): string | undefined {
  const [key, print] = BY_OP.get(step.op) ?? [];
  if (key === undefined || !print) return undefined;
  const value = print(step as never);
  return value === "" ? key : `${key}-${value}`;
}
