import { MediaError } from "../errors.ts";
import type { Step } from "../transformation.ts";
import { composeSteps } from "./compose.ts";
import { effectSteps } from "./effects.ts";
import { orientSteps } from "./orient.ts";
import { overlaySteps } from "./overlay.ts";
import type { StepDefinition, StepRegistry } from "./registry.ts";
import { sizeSteps } from "./size.ts";
import { surfaceSteps } from "./surface.ts";
import { timeSteps } from "./time.ts";
import { toneSteps } from "./tone.ts";
import { writeSteps } from "./write.ts";

/** By their names, so that the declarations of the package contain what each file adds to `Steps`. */
type BuiltIn = typeof orientSteps &
  typeof timeSteps &
  typeof sizeSteps &
  typeof toneSteps &
  typeof surfaceSteps &
  typeof effectSteps &
  typeof overlaySteps &
  typeof composeSteps &
  typeof writeSteps;

/** The operations that every server knows, with their definitions. */
export const builtInSteps: BuiltIn = {
  ...orientSteps,
  ...timeSteps,
  ...sizeSteps,
  ...toneSteps,
  ...surfaceSteps,
  ...effectSteps,
  ...overlaySteps,
  ...composeSteps,
  ...writeSteps,
};

/** A registry that holds the built-in operations and takes further ones. */
export function createBuiltInRegistry(): StepRegistry {
  const definitions = new Map(
    Object.entries(builtInSteps as unknown as Readonly<Record<string, StepDefinition<Step>>>),
  );
  return {
    define(op, definition) {
      if (definitions.has(op))
        throw new MediaError("ECONFIG", `Expected a new operation but ${op} exists already`);
      definitions.set(op, definition as unknown as StepDefinition<Step>);
    },
    get: (op) => definitions.get(op),
    list: () => [...definitions.keys()],
  };
}
