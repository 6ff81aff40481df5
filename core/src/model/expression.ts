import { MediaError } from "./errors.ts";

/**
 * What an expression may name. `current`: the picture after the preceding steps; `parent`: the picture that a layer lies on. Width
 * and height in pixels, ratio: width / height, duration in seconds, density in DPI.
 */
export const VARIABLES = [
  "originalWidth",
  "originalHeight",
  "originalRatio",
  "currentWidth",
  "currentHeight",
  "currentRatio",
  "parentWidth",
  "parentHeight",
  "parentRatio",
  "originalDuration",
  "parentDuration",
  "originalDensity",
] as const;

export type Variable = (typeof VARIABLES)[number];

export type Operator = "add" | "sub" | "mul" | "div" | "mod" | "pow";

/** A number, or a calculation that stays symbolic until the source is known: `["div", "originalWidth", 2]`. */
export type Expression = number | Variable | readonly [Operator, Expression, Expression];

/** Values of the variables known at a point of a chain. */
export type Scope = Partial<Record<Variable, number>>;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The scope at a step, of the original's size and the size before the step. */
export function scopeOf(original: Size, current: Size, more: Scope = {}): Scope {
  return {
    originalWidth: original.width,
    originalHeight: original.height,
    originalRatio: original.width / original.height,
    currentWidth: current.width,
    currentHeight: current.height,
    currentRatio: current.width / current.height,
    ...more,
  };
}

/** The scope of a layer, of the size of the picture that it is laid on. */
export function parentScope({ width, height }: Size): Scope {
  return { parentWidth: width, parentHeight: height, parentRatio: width / height };
}

const APPLY: Record<Operator, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  mod: (a, b) => a % b,
  pow: (a, b) => a ** b,
};

/** The number an expression stands for. Throws `EINVAL` where a variable is unknown here or the result is not finite. */
export function evaluate(expression: Expression, scope: Scope): number {
  const value = compute(expression, scope);
  if (!Number.isFinite(value)) throw new MediaError("EINVAL", "Expected an expression with a finite result");
  return value;
}

function compute(expression: Expression, scope: Scope): number {
  if (typeof expression === "number") return expression;
  if (typeof expression === "string") {
    const value = scope[expression];
    if (value === undefined) {
      const message = `Expected a variable known here but received ${expression}`;
      throw new MediaError("EINVAL", message, { subject: expression });
    }
    return value;
  }
  const [operator, left, right] = expression;
  return APPLY[operator](compute(left, scope), compute(right, scope));
}

/** The smaller one of two values, which operators express: (a + b - |a - b|) / 2. */
export const minimum = (a: Expression, b: Expression): Expression => [
  "div",
  ["sub", ["add", a, b], ["pow", ["pow", ["sub", a, b], 2], 0.5]],
  2,
];

/** The larger one of two values. */
export const maximum = (a: Expression, b: Expression): Expression => ["sub", ["add", a, b], minimum(a, b)];
