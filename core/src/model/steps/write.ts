import { z } from "zod";
import type { StepOf } from "../transformation.ts";
import type { StepDefinition } from "./registry.ts";

declare module "../transformation.ts" {
  interface Steps {
    /** Changes how the result is written: for branches of `when`. It outdoes the output, and what comes later outdoes it. */
    write: {
      readonly output: Pick<Output, "quality" | "lossless" | "progressive" | "colorProfile" | "metadata"> & {
        readonly format?: "source" | ImageFormat;
      };
    };
  }
}

const write: StepDefinition<StepOf<"write">> = {
  schema: z.strictObject({
    op: z.literal("write"),
    output: z.strictObject({
      format: z.enum(["source", "jpeg", "png", "webp", "avif", "gif", "svg"]).exactOptional(),
      quality: z.union([z.int().min(1).max(100), z.literal("auto")]).exactOptional(),
      lossless: z.boolean().exactOptional(),
      progressive: z.boolean().exactOptional(),
      colorProfile: z.enum(["srgb", "keep"]).exactOptional(),
      metadata: z.enum(["strip", "keep"]).exactOptional(),
    }),
  }),
  canonical: (step) => (Object.keys(step.output).length === 0 ? undefined : step),
};

/** Steps that change nothing of the picture but how it is written. */
export const writeSteps = { write };
