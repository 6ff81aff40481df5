import { z } from "zod";
import type { Paint, Rgba } from "../colour.ts";
import { invalid } from "../errors.ts";
import { evaluate } from "../expression.ts";
import type { StepOf } from "../transformation.ts";
import type { Box } from "./box.ts";
import { foldFields } from "./canonical.ts";
import { facesIn } from "./follow.ts";
import { scopeAt } from "./geometry.ts";
import type { Stage, StepDefinition } from "./registry.ts";
import { expression, paint, rgba } from "./schema.ts";

declare module "../transformation.ts" {
  interface Steps {
    /** Cuts edges that are like the corner's colour; `tolerance` 1–99. */
    trim: { readonly tolerance: number };
    /** A frame around the picture; the canvas grows by twice its width. */
    border: { readonly width: Length; readonly color: Rgba };
    /** Rounds corners: radii in pixels, clockwise from top left, or an ellipse. */
    round: { readonly radius: "max" | readonly [number, number, number, number] };
    /** 0–1, of the whole picture. */
    opacity: { readonly value: number };
    /** Lays the picture on a background. */
    flatten: { readonly background: Paint };
  }
}

/** Width of a `border` in pixels; 0 or more. Throws `EINVAL` for less. */
export function borderWidth(step: StepOf<"border">, stage: Stage): number {
  const width = Math.round(evaluate(step.width, scopeAt(stage)));
  if (width < 0) throw invalid("border", "a width of 0 or more", width);
  return width;
}

const trim: StepDefinition<StepOf<"trim">> = {
  schema: z.strictObject({ op: z.literal("trim"), tolerance: z.number().min(1).max(99) }),
};

/** The canvas, seen from the picture. */
function bordered(step: StepOf<"border">, stage: Stage): Box {
  const { width, height } = stage.current;
  const edge = borderWidth(step, stage);
  return { left: -edge, top: -edge, width: width + 2 * edge, height: height + 2 * edge };
}

const border: StepDefinition<StepOf<"border">> = {
  schema: z.strictObject({ op: z.literal("border"), width: expression, color: rgba }),
  canonical(step) {
    const folded = foldFields(step, "width");
    return folded.width === 0 ? undefined : folded;
  },
  size(step, stage) {
    const { width, height } = bordered(step, stage);
    return { width, height };
  },
  faces: (step, stage) => facesIn(stage.faces, stage.current, bordered(step, stage)),
};

const radius = z.number().min(0);

const round: StepDefinition<StepOf<"round">> = {
  schema: z.strictObject({
    op: z.literal("round"),
    radius: z.union([z.literal("max"), z.tuple([radius, radius, radius, radius])]),
  }),
  canonical: (step) => (step.radius !== "max" && step.radius.every((r) => r === 0) ? undefined : step),
  faces: "stay",
};

const opacity: StepDefinition<StepOf<"opacity">> = {
  schema: z.strictObject({ op: z.literal("opacity"), value: z.number().min(0).max(1) }),
  canonical: (step) => (step.value === 1 ? undefined : step),
  faces: "stay",
};

const flatten: StepDefinition<StepOf<"flatten">> = {
  schema: z.strictObject({ op: z.literal("flatten"), background: paint }),
  faces: "stay",
};

/** Steps that work on edges, corners and transparency. */
export const surfaceSteps = { trim, border, round, opacity, flatten };
