import { z } from "zod";
import type { Condition, StepOf } from "../transformation.ts";
import type { StepDefinition } from "./registry.ts";
import { expression, innerStep } from "./schema.ts";

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

const overlay: StepDefinition<StepOf<"overlay">> = {
  schema: z.strictObject({
    op: z.literal("overlay"),
    layer: z.strictObject({
      kind: z.enum(["image", "text", "color"]),
      input: z.string(),
      steps: z.array(innerStep),
    }),
  }),
};

const when: StepDefinition<StepOf<"when">> = {
  schema: z.strictObject({
    op: z.literal("when"),
    if: condition,
    // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
    then: z.array(innerStep),
    else: z.array(innerStep),
  }),
};

/** Steps that hold further steps. */
export const composeSteps = { overlay, when };
