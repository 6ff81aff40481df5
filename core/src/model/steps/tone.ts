import { z } from "zod";
import type { StepOf } from "../transformation.ts";
import type { StepDefinition } from "./registry.ts";

declare module "../transformation.ts" {
  interface Steps {
    blur: { readonly sigma: number };
    grayscale: Record<never, never>;
    /** Stretches the tones to the full range. */
    contrast: Record<never, never>;
    sharpen: { readonly amount: number };
    unsharp: {
      readonly radius: number;
      readonly sigma: number;
      readonly amount: number;
      readonly threshold: number;
    };
  }
}

const blur: StepDefinition<StepOf<"blur">> = {
  schema: z.strictObject({ op: z.literal("blur"), sigma: z.number().min(0).max(1000) }),
  canonical: (step) => (step.sigma === 0 ? undefined : step),
  faces: "stay",
};

const grayscale: StepDefinition<StepOf<"grayscale">> = {
  schema: z.strictObject({ op: z.literal("grayscale") }),
  faces: "stay",
};

const contrast: StepDefinition<StepOf<"contrast">> = {
  schema: z.strictObject({ op: z.literal("contrast") }),
  faces: "stay",
};

const sharpen: StepDefinition<StepOf<"sharpen">> = {
  schema: z.strictObject({ op: z.literal("sharpen"), amount: z.number().min(0) }),
  canonical: (step) => (step.amount === 0 ? undefined : step),
  faces: "stay",
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
  faces: "stay",
};

/** Steps that change colours and leave the size alone. */
export const toneSteps = { blur, grayscale, contrast, sharpen, unsharp };
