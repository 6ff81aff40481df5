import { composeSteps } from "./compose.ts";
import { effectSteps } from "./effects.ts";
import { orientSteps } from "./orient.ts";
import { createStepRegistry, type StepDefinition, type StepRegistry } from "./registry.ts";
import { sizeSteps } from "./size.ts";
import { surfaceSteps } from "./surface.ts";
import { timeSteps } from "./time.ts";
import { toneSteps } from "./tone.ts";
import { writeSteps } from "./write.ts";

/** The operations that every server knows, with their definitions. */
export const builtInSteps = {
  ...orientSteps,
  ...timeSteps,
  ...sizeSteps,
  ...toneSteps,
  ...surfaceSteps,
  ...effectSteps,
  ...composeSteps,
  ...writeSteps,
};

/** A registry that holds the built-in operations and takes further ones. */
export function createBuiltInRegistry(): StepRegistry {
  return createStepRegistry(builtInSteps as unknown as Readonly<Record<string, StepDefinition<never>>>);
}
