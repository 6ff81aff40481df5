import { z } from "zod";
import type { Paint } from "../colour.ts";
import type { Expression } from "../expression.ts";
import type { StepOf } from "../transformation.ts";
import { foldFields } from "./canonical.ts";
import { turned } from "./follow.ts";
import { rotatedSize } from "./geometry.ts";
import type { StepDefinition } from "./registry.ts";
import { expression, paint } from "./schema.ts";

declare module "../transformation.ts" {
  interface Steps {
    /** One frame, page or layer of the source, counted from 1; or, of a video, what it shows at `time` (then `page` is 1). */
    frame: {
      readonly page: number;
      /** Seconds from the beginning. */
      readonly time?: Expression;
    };
    /** Clockwise, in degrees; the canvas grows. Corners are clear, or `background`. */
    rotate: { readonly angle: number; readonly background?: Paint };
    flip: { readonly horizontal: boolean; readonly vertical: boolean };
  }
}

const frame: StepDefinition<StepOf<"frame">> = {
  schema: z.strictObject({
    op: z.literal("frame"),
    page: z.number().int().min(1),
    time: expression.exactOptional(),
  }),
  canonical: (step) => (step.time === undefined ? step : foldFields(step, "time")),
  faces: "stay",
};

const rotate: StepDefinition<StepOf<"rotate">> = {
  schema: z.strictObject({ op: z.literal("rotate"), angle: z.number(), background: paint.exactOptional() }),
  canonical(step) {
    const angle = ((step.angle % 360) + 360) % 360;
    if (angle === 0) return undefined;
    return angle % 90 === 0 ? { op: "rotate", angle } : { ...step, angle };
  },
  size: (step, { current }) => rotatedSize(current, step.angle),
  faces: (step, { faces, current }) => faces.map((face) => turned(face, current, step.angle)),
};

const flip: StepDefinition<StepOf<"flip">> = {
  schema: z.strictObject({ op: z.literal("flip"), horizontal: z.boolean(), vertical: z.boolean() }),
  canonical: (step) => (step.horizontal || step.vertical ? step : undefined),
  faces: (step, { faces }) =>
    faces.map((face) => ({
      ...face,
      ...(step.horizontal && { left: 1 - face.left - face.width }),
      ...(step.vertical && { top: 1 - face.top - face.height }),
    })),
};

/** Steps that choose a frame and turn it. */
export const orientSteps = { frame, rotate, flip };
