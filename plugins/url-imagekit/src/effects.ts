import {
  type Expression,
  invalid,
  isQuadrilateral,
  type Point,
  type Rgba,
  type StepOf,
} from "@mediatap/core";
import { colour, printColour } from "./colours.ts";
import { expression, isExpression, printExpression } from "./expression.ts";
import { decimal, MAX_DIMENSION, number, printNumber, type Reader, signedDecimal } from "./numbers.ts";

// Effects whose value is a list of parts with names of their own: `bl-15_x-N5`. Readers give the fields of the step.

type FieldsOf<K extends "gradient" | "distort" | "shadow" | "colorize" | "recolor"> = Fields<StepOf<K>>;
type Fields<S> = S extends unknown ? Omit<S, "op"> : never;

/**
 * The parts of a value, by name. Values hold `_` themselves (`ld-top_right_from-red`), so a part begins only where a known
 * name and a hyphen follow. Bare, or `true` as old SDKs write it, names no part.
 */
function partsOf<N extends string>(
  text: string,
  key: string,
  names: readonly N[],
): { readonly [K in N]?: string } {
  if (text === "" || text === "true") return {};
  const parts = new Map<string, string>();
  let open: string | undefined;
  for (const token of text.split("_")) {
    const dash = token.indexOf("-");
    const name = names.find((known) => known === token.slice(0, Math.max(0, dash)));
    if (name !== undefined) {
      open = name;
      parts.set(name, token.slice(dash + 1));
    } else if (open !== undefined) {
      parts.set(open, `${parts.get(open)}_${token}`);
    } else {
      throw invalid(key, `parts of ${names.map((known) => `${known}-`).join(", ")}`, text);
    }
  }
  return Object.fromEntries(parts) as { [K in N]?: string };
}

/** Reads one part, or takes what stands for it. */
function part<T>(text: string | undefined, name: string, key: string, read: Reader<T>, usual: T): T {
  return text === undefined ? usual : read(text, `${name} of ${key}`);
}

const percent = (min: number): Reader<number> => {
  const read = number(min, 100);
  return (text, key) => read(text, key) / 100;
};

const printPercent = (value: number) => printNumber(Number((value * 100).toPrecision(12)));

/** `bl` is a blur radius: twice sigma, as in CSS (Backgrounds 3 §6.1). */
export const shadow: Reader<FieldsOf<"shadow">> = (text, key) => {
  const parts = partsOf(text, key, ["bl", "st", "x", "y"]);
  return {
    sigma: part(parts.bl, "bl", key, number(0, 15), 10) / 2,
    strength: part(parts.st, "st", key, percent(0), 0.3),
    x: part(parts.x, "x", key, percent(-100), 0.02),
    y: part(parts.y, "y", key, percent(-100), 0.02),
  };
};

export function printShadow({ sigma, strength, x, y }: FieldsOf<"shadow">): string {
  const [st, across, down] = [strength, x, y].map(printPercent);
  return `e-shadow-bl-${printNumber(sigma * 2)}_st-${st}_x-${across}_y-${down}`;
}

const DIRECTIONS: ReadonlyMap<string, number> = new Map([
  ["top", 0],
  ["top_right", 45],
  ["right", 90],
  ["bottom_right", 135],
  ["bottom", 180],
  ["bottom_left", 225],
  ["left", 270],
  ["top_left", 315],
]);

const direction: Reader<number> = (text, key) => {
  const angle = DIRECTIONS.get(text) ?? decimal(text);
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

export const gradient: Reader<FieldsOf<"gradient">> = (text, key) => {
  const parts = partsOf(text, key, ["ld", "from", "to", "sp"]);
  return {
    angle: part(parts.ld, "ld", key, direction, 180),
    from: part(parts.from, "from", key, colour, WHITE),
    to: part(parts.to, "to", key, colour, CLEAR),
    stop: part<Expression>(parts.sp, "sp", key, stop, 1),
  };
};

export function printGradient({ angle, from, to, stop }: FieldsOf<"gradient">): string {
  const colours = `from-${printColour(from)}_to-${printColour(to)}`;
  return `e-gradient-ld-${printNumber(angle)}_${colours}_sp-${printExpression(stop)}`;
}

export const distort: Reader<FieldsOf<"distort">> = (text, key) => {
  const parts = partsOf(text, key, ["p", "a"]);
  if ((parts.p === undefined) === (parts.a === undefined)) {
    throw invalid(key, "p-<4 corners> or a-<degrees>", text);
  }
  if (parts.p !== undefined) return { mode: "perspective", corners: corners(parts.p, `p of ${key}`) };
  const angle = part(parts.a, "a", key, number(-360, 360), 0);
  if (angle === 0) throw invalid(`a of ${key}`, "number of degrees other than 0", text);
  return { mode: "arc", angle };
};

const isPlace = (value: number | undefined): value is number =>
  value !== undefined && Math.abs(value) <= MAX_DIMENSION;

/** New places of the corners, clockwise from the top left one. */
const corners: Reader<readonly [Point, Point, Point, Point]> = (text, key) => {
  const values = text.split("_").map(signedDecimal);
  if (values.length !== 8 || !values.every(isPlace)) throw invalid(key, "x1_y1_x2_y2_x3_y3_x4_y4", text);
  const corner = (index: number): Point => [values[2 * index] as number, values[2 * index + 1] as number];
  const found = [corner(0), corner(1), corner(2), corner(3)] as const;
  if (!isQuadrilateral(found)) throw invalid(key, "corners of a convex quadrilateral", text);
  return found;
};

export function printDistort(request: FieldsOf<"distort">): string {
  if (request.mode === "arc") return `e-distort-a-${printNumber(request.angle)}`;
  return `e-distort-p-${request.corners.flat().map(printNumber).join("_")}`;
}

export const colorize: Reader<FieldsOf<"colorize">> = (text, key) => {
  const parts = partsOf(text, key, ["co", "in"]);
  return {
    color: part(parts.co, "co", key, colour, GRAY),
    intensity: part(parts.in, "in", key, percent(0), 1),
  };
};

export const printColorize = ({ color, intensity }: FieldsOf<"colorize">): string =>
  `e-colorize-co-${printColour(color)}_in-${printPercent(intensity)}`;

/** The tolerance of ImageKit's visual editor. */
const TOLERANCE = 35;

/** `<to>[_<tolerance>[_<from>]]` */
export const recolor: Reader<FieldsOf<"recolor">> = (text, key) => {
  const [to = "", tolerance, from, ...more] = text.split("_");
  if (more.length > 0) throw invalid(key, "<colour>_<tolerance>_<colour>", text);
  return {
    to: colour(to, key),
    tolerance: part(tolerance, "tolerance", key, number(0, 100), TOLERANCE),
    ...(from !== undefined && { from: colour(from, key) }),
  };
};

export const printRecolor = ({ to, tolerance, from }: FieldsOf<"recolor">): string =>
  ["cr-", printColour(to), `_${printNumber(tolerance)}`, from && `_${printColour(from)}`].join("");
