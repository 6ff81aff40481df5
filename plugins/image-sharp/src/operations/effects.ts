import { arcGeometry, gradientLine, perspectiveBox } from "@mediatap/core/steps";
import { gradientSvg } from "../effects/gradient.ts";
import { offLoop, type ThreadWork, threadWork } from "../effects/pool.ts";
import { castShadows } from "../effects/shadow.ts";
import { megapixels } from "../pixels/size.ts";
import type { Effect, Operation, Prices } from "./operation.ts";

const inThread = (words: string, work: ThreadWork): Effect => ({
  kind: "effect",
  words,
  run: (pixels, bounds) => offLoop(work, pixels, bounds),
});

const gradient: Operation<"gradient"> = (step, context) => {
  const { current, alpha } = context;
  const input = Buffer.from(gradientSvg(current, gradientLine(step, context), [step.from, step.to]));
  // Tiled from the corner, so that each frame of an animation gets it.
  const over = { input, tile: true, left: 0, top: 0, opaque: !alpha, words: `gradient by ${step.angle}` };
  return { work: [{ slot: "over", value: over }], alpha };
};

const shadow: Operation<"shadow"> = (step, { alpha }) => {
  if (!alpha) return { work: [], alpha, note: "no shadow: nothing in the picture is clear" };
  const effect: Effect = {
    kind: "effect",
    words: `shadow (sigma ${step.sigma})`,
    run: (pixels, { signal }) => castShadows(pixels, step, signal),
  };
  return { work: [effect], alpha };
};

const distort: Operation<"distort"> = (step, { current }) => {
  const work = threadWork<typeof import("../effects/distort.ts")>(
    "distort",
    step.mode === "arc"
      ? { kind: "arc", arc: arcGeometry(step.angle, current), sinks: step.angle < 0 }
      : { kind: "perspective", corners: step.corners, canvas: perspectiveBox(step.corners, current) },
  );
  const words = step.mode === "arc" ? `bend by ${step.angle}` : "move corners";
  return { work: [inThread(words, work)], alpha: true };
};

const colorize: Operation<"colorize"> = ({ color, intensity }, { alpha }) => {
  const work = threadWork<typeof import("../effects/colorize.ts")>("colorize", { color, intensity });
  return { work: [inThread("tint", work)], alpha };
};

const recolor: Operation<"recolor"> = ({ op: _op, ...step }, { alpha }) => {
  const work = threadWork<typeof import("../effects/recolor.ts")>("recolor", step);
  return { work: [inThread("replace a colour", work)], alpha: alpha || step.to.alpha < 1 };
};

/** Operations that paint over, under and with the picture, or bend it. */
export const effects = { gradient, shadow, distort, colorize, recolor };

export const effectPrices: Prices = {
  gradient: (_step, before) => megapixels(before) * 40,
  distort: (_step, before, after) => 5 + (megapixels(before) + megapixels(after)) * 80,
  shadow: (step, before) => megapixels(before) * (60 + 2 * step.sigma),
  colorize: (_step, before) => 5 + megapixels(before) * 20,
  recolor: (_step, before) => 5 + megapixels(before) * 150,
};
