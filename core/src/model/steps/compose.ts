import { z } from "zod";
import { evaluate, type Scope } from "../expression.ts";
import type { Condition, Step, StepOf } from "../transformation.ts";
import type { StepDefinition } from "./registry.ts";
import { expression, innerStep } from "./schema.ts";

declare module "../transformation.ts" {
  interface Steps {
    /** Chooses steps by the picture's size. */
    when: { readonly if: Condition; readonly then: readonly Step[]; readonly else: readonly Step[] };
  }
}

const condition: z.ZodType<Condition> = z.lazy(() =>
  z.union([
    z.strictObject({ all: z.array(condition).min(1) }),
    z.strictObject({ any: z.array(condition).min(1) }),
    z.strictObject({
      left: expression,
      is: z.enum(["eq", "ne", "gt", "gte", "lt", "lte"]),
      right: expression,
    }),
  ]),
);

const COMPARE = {
  eq: (a: number, b: number) => a === b,
  ne: (a: number, b: number) => a !== b,
  gt: (a: number, b: number) => a > b,
  gte: (a: number, b: number) => a >= b,
  lt: (a: number, b: number) => a < b,
  lte: (a: number, b: number) => a <= b,
} as const;

function isTrue(condition: Condition, scope: Scope): boolean {
  if ("all" in condition) return condition.all.every((part) => isTrue(part, scope));
  if ("any" in condition) return condition.any.some((part) => isTrue(part, scope));
  return COMPARE[condition.is](evaluate(condition.left, scope), evaluate(condition.right, scope));
}

/** The steps that a `when` stands for at a point of a chain. Throws `EINVAL` for a condition on what is not known here. */
export const branchOf = (step: StepOf<"when">, scope: Scope): readonly Step[] =>
  isTrue(step.if, scope) ? step.then : step.else;

const when: StepDefinition<StepOf<"when">> = {
  schema: z.strictObject({
    op: z.literal("when"),
    if: condition,
    // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
    then: z.array(innerStep),
    else: z.array(innerStep),
  }),
};

/** Steps that choose further steps. */
export const composeSteps = { when };
