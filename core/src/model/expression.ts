import { MediaError } from "./errors.ts";

/**
 * What an expression may name. `i`: the original; `c`: the picture after the preceding steps; `b`: a layer's
 * parent. `w`, `h`: pixels; `ar`: width / height; `du`: seconds; `idn`: density in DPI.
 */
export const VARIABLES = [
  "iw",
  "ih",
  "iar",
  "cw",
  "ch",
  "car",
  "bw",
  "bh",
  "bar",
  "idu",
  "bdu",
  "idn",
] as const;

export type Variable = (typeof VARIABLES)[number];

export type Operator = "add" | "sub" | "mul" | "div" | "mod" | "pow";

/** A number, or a calculation that stays symbolic until the source is known: `["div", "iw", 2]`. */
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
    iw: original.width,
    ih: original.height,
    iar: original.width / original.height,
    cw: current.width,
    ch: current.height,
    car: current.width / current.height,
    ...more,
  };
}

/** The scope of a layer, of the size of the picture that it is laid on. */
export function parentScope({ width, height }: Size): Scope {
  return { bw: width, bh: height, bar: width / height };
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
    if (value === undefined)
      throw new MediaError("EINVAL", `Expected a variable known here but received ${expression}`);
    return value;
  }
  const [operator, left, right] = expression;
  return APPLY[operator](compute(left, scope), compute(right, scope));
}
