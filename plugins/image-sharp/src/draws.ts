import type { Step } from "@mediatap/core";
import { type Context, type Drawer, type Drawn, tone } from "./drawer.ts";
import { border, extract, flip, resize, rotate, trim } from "./draws-geometry.ts";
import { flatten, opacity, overlay, round } from "./draws-surface.ts";
import { blur, contrast, grayscale, sharpen, unsharp } from "./draws-tone.ts";
import { EFFECTS } from "./effects.ts";

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

/** What a step comes to at a point of the chain. Throws `EUNSUPPORTED` for what this engine cannot do. */
export function draw(step: Step, context: Context): Drawn {
  const drawer = (DRAWERS as Partial<Record<string, (step: Step, context: Context) => Drawn>>)[step.op];
  if (drawer) return drawer(step, context);
  return { work: [{ kind: "foreign", step }], size: context.current, unsure: true, alpha: true };
}
