import { MediaError } from "../errors.ts";
import type { Scope, Size } from "../expression.ts";
import type { Limits } from "../limits.ts";
import type { FaceBox } from "../render-context.ts";
import type { Step, Transformation } from "../transformation.ts";
import { branchOf } from "./compose.ts";
import { facesAfter } from "./follow.ts";
import { megapixels, scopeAt } from "./geometry.ts";
import type { StepRegistry } from "./registry.ts";

/** Longest side of a JPEG or PNG; those formats count only where they are asked for by name. */
const LONG_SIDE = 65535;

export interface MeasureOptions {
  /** Size before the first step. @default the original's */
  readonly current?: Size;
  /** Frames that go through every step. @default 1 */
  readonly frames?: number;
  /** Further variables, for instance `idn`. */
  readonly scope?: Scope;
  /** Faces before the first step. */
  readonly faces?: readonly FaceBox[];
}

/**
 * Size of the picture after each step, without pixel work. A step whose size only pixels can tell (`trim`) counts as one that
 * changes nothing. Throws `ELIMIT` where a step leaves more than `outputMegapixels`, all frames together, or makes a side
 * longer than `outputSide` (65535 for JPEG and PNG asked for by name), and `EINVAL` where a step fits no picture of that size.
 */
export function measure(
  transformation: Transformation,
  original: Size,
  registry: StepRegistry,
  limits: Limits,
  { frames = 1, scope = {}, ...start }: MeasureOptions = {},
): Size[] {
  const { format } = transformation.output;
  const longest = format === "jpeg" || format === "png" ? LONG_SIDE : limits.outputSide;
  let current = start.current ?? original;
  let { faces } = start;
  const after = (step: Step, current: Size): Size => {
    const stage = { original, current, scope, ...(faces && { faces }) };
    if (step.op === "when") {
      return branchOf(step, scopeAt(stage)).reduce((size, inner) => after(inner, size), current);
    }
    const size = registry.get(step.op)?.size?.(step, stage) ?? current;
    const received = megapixels(size) * frames;
    if (received > limits.outputMegapixels) {
      throw new MediaError(
        "ELIMIT",
        `Expected at most ${limits.outputMegapixels} megapixels after ${step.op} but received ${received.toFixed(1)}`,
      );
    }
    // A picture that was longer before is not the fault of this step.
    const side = Math.max(size.width, size.height);
    if (side > Math.max(longest, current.width, current.height)) {
      throw new MediaError(
        "ELIMIT",
        `Expected at most ${longest} pixels a side after ${step.op} but received ${side}`,
      );
    }
    faces = facesAfter(step, stage);
    return size;
  };
  return transformation.steps.map((step) => {
    current = after(step, current);
    return current;
  });
}
