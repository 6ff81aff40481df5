import { arcGeometry, distortedSize, gradientLine, perspectiveBox, type StepOf } from "@mediatap/core";
import { gradientSvg } from "../effects/gradient.ts";
import { type Bounds, offLoop } from "../effects/pool.ts";
import { castShadow } from "../effects/shadow.ts";
import type { Task } from "../effects/task.ts";
import { framesOf, join, type Pixels, pixelsOf } from "../pixels/buffer.ts";
import type { Drawer, Drawn } from "./operation.ts";

/** Work on pixels between two pipelines. */
export interface Effect {
  readonly kind: "effect";
  readonly words: string;
  readonly does: Task | { readonly kind: "shadow"; readonly step: StepOf<"shadow"> };
}

const effect = (words: string, does: Effect["does"]): Effect => ({ kind: "effect", words, does });

const gradient: Drawer<"gradient"> = (step, context) => {
  const { current, alpha } = context;
  const input = Buffer.from(gradientSvg(current, gradientLine(step, context), [step.from, step.to]));
  // Tiled from the corner, so that each frame of an animation gets it.
  const over = { input, tile: true, left: 0, top: 0, opaque: !alpha, words: `gradient by ${step.angle}` };
  return { work: [{ slot: "over", value: over }], size: current, alpha };
};

const shadow: Drawer<"shadow"> = (step, { current, alpha }) => {
  if (!alpha) return { work: [], size: current, alpha, note: "no shadow: nothing in the picture is clear" };
  return {
    work: [effect(`shadow (sigma ${step.sigma})`, { kind: "shadow", step })],
    size: current,
    alpha,
  };
};

const distort: Drawer<"distort"> = (step, { current }) => {
  const does: Task =
    step.mode === "arc"
      ? { kind: "arc", arc: arcGeometry(step.angle, current), sinks: step.angle < 0 }
      : { kind: "perspective", corners: step.corners, canvas: perspectiveBox(step.corners, current) };
  const words = step.mode === "arc" ? `bend by ${step.angle}` : "move corners";
  return { work: [effect(words, does)], size: distortedSize(step, current), alpha: true };
};

const colorize: Drawer<"colorize"> = ({ color, intensity }, { current, alpha }): Drawn => ({
  work: [effect("tint", { kind: "colorize", color, intensity })],
  size: current,
  alpha,
});

const recolor: Drawer<"recolor"> = ({ op: _op, ...step }, { current, alpha }): Drawn => ({
  work: [effect("replace a colour", { kind: "recolor", ...step })],
  size: current,
  alpha: alpha || step.to.alpha < 1,
});

export const EFFECTS = { gradient, shadow, distort, colorize, recolor };

/** Carries out an effect on all frames. */
export async function perform({ does }: Effect, pixels: Pixels, bounds: Bounds): Promise<Pixels> {
  if (does.kind !== "shadow") return offLoop(does, pixels, bounds);
  // A picture that turned out to have no alpha casts none.
  if (pixels.channels === 1 || pixels.channels === 3) return pixels;
  const done: Pixels[] = [];
  for (const frame of framesOf(pixels)) {
    bounds.signal.throwIfAborted();
    done.push(await pixelsOf(await castShadow(frame, does.step)));
  }
  return join(done);
}
