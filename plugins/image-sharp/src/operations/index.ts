import type { Step, StepRegistry } from "@mediatap/core";
import { EFFECTS } from "./effects.ts";
import { border, extract, flip, resize, rotate, trim } from "./geometry.ts";
import { type Context, type Drawer, type Drawn, tone } from "./operation.ts";
import { flatten, opacity, overlay, round } from "./surface.ts";
import { blur, contrast, grayscale, sharpen, unsharp } from "./tone.ts";

const DRAWERS = {
  // It has had its say on the output.
  write: ((_step, context) => tone([], context)) as Drawer<"write">,
  // The decoder has been told which frame to read.
  frame: ((_step, context) => tone([], context)) as Drawer<"frame">,
  resize,
  extract,
  rotate,
  flip,
  blur,
  grayscale,
  contrast,
  sharpen,
  unsharp,
  trim,
  border,
  round,
  opacity,
  flatten,
  ...EFFECTS,
  overlay,
};

function staysOpaque(step: Step, registry: StepRegistry): boolean {
  const { opaque = false } = registry.get(step.op) ?? {};
  return typeof opaque === "function" ? opaque(step) : opaque;
}

/** What a step comes to at a point of the chain. Throws `EUNSUPPORTED` for what this engine cannot do. */
export function draw(step: Step, context: Context): Drawn {
  const drawer = (DRAWERS as Partial<Record<string, (step: Step, context: Context) => Drawn>>)[step.op];
  if (drawer) return drawer(step, context);
  const alpha = context.alpha || !staysOpaque(step, context.registry);
  return { work: [{ kind: "foreign", step }], size: context.current, unsure: true, alpha };
}
