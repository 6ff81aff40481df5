import type { Step } from "@mediatap/core";
import type { StepRegistry } from "@mediatap/core/steps";
import { effects } from "./effects.ts";
import { geometry } from "./geometry.ts";
import { type Context, type Drawer, type Drawn, tone } from "./operation.ts";
import { surfaces } from "./surface.ts";
import { tones } from "./tone.ts";

/** The operations of this engine by their names. */
const OPERATIONS = {
  // It has had its say on the output.
  write: ((_step, context) => tone([], context)) as Drawer<"write">,
  // The decoder has been told which frame to read.
  frame: ((_step, context) => tone([], context)) as Drawer<"frame">,
  ...geometry,
  ...tones,
  ...surfaces,
  ...effects,
};

function staysOpaque(step: Step, registry: StepRegistry): boolean {
  const { opaque = false } = registry.get(step.op) ?? {};
  return typeof opaque === "function" ? opaque(step) : opaque;
}

/** What a step comes to at a point of the chain. Throws `EUNSUPPORTED` for what this engine cannot do. */
export function draw(step: Step, context: Context): Drawn {
  const drawer = (OPERATIONS as Partial<Record<string, (step: Step, context: Context) => Drawn>>)[step.op];
  if (drawer) return drawer(step, context);
  const alpha = context.alpha || !staysOpaque(step, context.registry);
  return { work: [{ kind: "foreign", step }], unsure: true, alpha };
}
