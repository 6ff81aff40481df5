import { z } from "zod";
import type { StepOf } from "../transformation.ts";
import { foldFields } from "./canonical.ts";
import { megapixels, rotatedSize } from "./geometry.ts";
import type { StepDefinition } from "./registry.ts";
import { expression, paint } from "./schema.ts";

const frame: StepDefinition<StepOf<"frame">> = {
  schema: z.strictObject({
    op: z.literal("frame"),
    page: z.number().int().min(1),
    time: expression.exactOptional(),
  }),
  canonical: (step) => (step.time === undefined ? step : foldFields(step, "time")),
  cost: () => 0,
};

const rotate: StepDefinition<StepOf<"rotate">> = {
  schema: z.strictObject({ op: z.literal("rotate"), angle: z.number(), background: paint.exactOptional() }),
  canonical(step) {
    const angle = ((step.angle % 360) + 360) % 360;
    if (angle === 0) return undefined;
    return angle % 90 === 0 ? { op: "rotate", angle } : { ...step, angle };
  },
  size: (step, { current }) => rotatedSize(current, step.angle),
  cost: (step, _before, after) => megapixels(after) * (step.angle % 90 === 0 ? 4 : 16),
};

const flip: StepDefinition<StepOf<"flip">> = {
  schema: z.strictObject({ op: z.literal("flip"), horizontal: z.boolean(), vertical: z.boolean() }),
  canonical: (step) => (step.horizontal || step.vertical ? step : undefined),
};

/** Steps that choose a frame and turn it. */
export const orientSteps = { frame, rotate, flip };
