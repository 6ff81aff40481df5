import { MediaError } from "../errors.ts";
import type { Size } from "../expression.ts";
import type { Limits } from "../limits.ts";
import type { Output, Step, Transformation } from "../transformation.ts";
import { branchOf } from "./compose.ts";
import { facesAfter } from "./follow.ts";
import { megapixels, scopeAt } from "./geometry.ts";
import type { Stage, StepRegistry } from "./registry.ts";

/** Longest side of a JPEG or PNG; those formats count only where they are asked for by name. */
const MAX_SIDE_PIXELS = 65535;

/** What bounds the sizes of a picture on its way. */
export interface SizeBounds {
  readonly limits: Limits;
  /** Frames that go through every step. */
  readonly frames: number;
  /** Of the result. */
  readonly format: Output["format"] | undefined;
}

/** Size of the picture after a step, by the step's definition. One whose size only pixels tell (`trim`) counts as unchanged. */
export const sizeAfter = (step: Step, stage: Stage, registry: StepRegistry): Size =>
  registry.get(step.op)?.size?.(step, stage) ?? stage.current;

/**
 * Throws `ELIMIT` if a step leaves more than `outputMegapixels`, all frames together, or makes a side longer than `outputSide`
 * (65535 for JPEG and PNG that are requested by name).
 */
export function assertSizeAfter(
  { op }: Step,
  before: Size,
  after: Size,
  { limits, frames, format }: SizeBounds,
) {
  const received = megapixels(after) * frames;
  if (received > limits.outputMegapixels) {
    throw new MediaError(
      "ELIMIT",
      `Expected at most ${limits.outputMegapixels} megapixels after ${op} but received ${received.toFixed(1)}`,
    );
  }
  // A picture that was longer before is not the fault of this step.
  const maxSide = format === "jpeg" || format === "png" ? MAX_SIDE_PIXELS : limits.outputSide;
  const side = Math.max(after.width, after.height);
  if (side > Math.max(maxSide, before.width, before.height)) {
    throw new MediaError(
      "ELIMIT",
      `Expected at most ${maxSide} pixels a side after ${op} but received ${side}`,
    );
  }
}

interface MeasureOptions extends Pick<Stage, "scope" | "faces"> {
  /** Size before the first step. @default the original's */
  readonly current?: Size;
  /** Frames that go through every step. @default 1 */
  readonly frames?: number;
}

/** Size of the picture after each step, without pixel work. Throws as `sizeAfter` and `assertSizeAfter` do. */
export function measure(
  transformation: Transformation,
  original: Size,
  registry: StepRegistry,
  limits: Limits,
  { frames = 1, scope = {}, ...start }: MeasureOptions = {},
): Size[] {
  const bounds = { limits, frames, format: transformation.output.format };
  let current = start.current ?? original;
  let { faces } = start;
  const after = (step: Step, current: Size): Size => {
    const stage = { original, current, scope, ...(faces && { faces }) };
    if (step.op === "when") {
      return branchOf(step, scopeAt(stage)).reduce((size, inner) => after(inner, size), current);
    }
    const size = sizeAfter(step, stage, registry);
    assertSizeAfter(step, current, size, bounds);
    faces = facesAfter(step, stage, registry);
    return size;
  };
  return transformation.steps.map((step) => {
    current = after(step, current);
    return current;
  });
}
