import { z } from "zod";
import type { StepOf } from "../transformation.ts";
import { megapixels } from "./geometry.ts";
import type { StepDefinition } from "./registry.ts";

const blur: StepDefinition<StepOf<"blur">> = {
  schema: z.strictObject({ op: z.literal("blur"), sigma: z.number().min(0).max(1000) }),
  canonical: (step) => (step.sigma === 0 ? undefined : step),
  // The mask has one dimension, twice; its length grows with sigma.
  cost: (step, before) => megapixels(before) * (4 + step.sigma),
};

const grayscale: StepDefinition<StepOf<"grayscale">> = {
  schema: z.strictObject({ op: z.literal("grayscale") }),
};

const contrast: StepDefinition<StepOf<"contrast">> = {
  schema: z.strictObject({ op: z.literal("contrast") }),
  cost: (_step, before) => megapixels(before) * 50,
};

const sharpen: StepDefinition<StepOf<"sharpen">> = {
  schema: z.strictObject({ op: z.literal("sharpen"), amount: z.number().min(0) }),
  canonical: (step) => (step.amount === 0 ? undefined : step),
  // Small pictures are cut into as many bands as large ones.
  cost: (_step, before) => 15 + megapixels(before) * 70,
};

const unsharp: StepDefinition<StepOf<"unsharp">> = {
  schema: z.strictObject({
    op: z.literal("unsharp"),
    radius: z.number().min(0),
    sigma: z.number().min(0),
    amount: z.number().min(0),
    threshold: z.number().min(0),
  }),
  canonical: (step) => (step.amount === 0 ? undefined : step),
  cost: (step, before) => 15 + megapixels(before) * (70 + 4 * step.sigma),
};

/** Steps that change colours and leave the size alone. */
export const toneSteps = { blur, grayscale, contrast, sharpen, unsharp };
