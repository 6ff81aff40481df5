import { type Expression, evaluate } from "../expression.ts";
import type { Showing } from "../transformation.ts";

/** The expression with its constant parts calculated. A part without a finite result stays as it is. */
export function fold(expression: Expression): Expression {
  if (typeof expression === "number") return Object.is(expression, -0) ? 0 : expression;
  if (typeof expression === "string") return expression;
  const [operator, a, b] = expression;
  const folded = [operator, fold(a), fold(b)] as const;
  if (typeof folded[1] !== "number" || typeof folded[2] !== "number") return folded;
  try {
    return evaluate(folded, {});
  } catch {
    return folded;
  }
}

/** `fold` for each of the named fields that is there. */
export function foldFields<S extends object>(step: S, ...names: readonly (keyof S)[]): S {
  const changed: Partial<S> = {};
  for (const name of names) {
    const value = step[name];
    if (value !== undefined) changed[name] = fold(value as Expression) as S[keyof S];
  }
  return { ...step, ...changed };
}

/** A stretch of time without what does not count: a start of 0, and a duration beside an end. */
export function foldTime(time: Showing): Showing {
  const { start, end, duration } = foldFields(time, "start", "end", "duration");
  return {
    ...(start !== undefined && start !== 0 && { start }),
    ...(end !== undefined ? { end } : duration !== undefined && { duration }),
  };
}

/** `step` without the named fields. */
export function without<S extends object>(step: S, ...names: readonly (keyof S)[]): S {
  const copy = { ...step };
  for (const name of names) delete copy[name];
  return copy;
}
