import {
  FACES_PRICE,
  MediaError,
  type Plan,
  type RenderContext,
  type Size,
  type Source,
  type StepOf,
} from "@mediatap/core";
import { estimateLayer } from "./layers/cost.ts";
import type { LayerFiles } from "./layers/open.ts";
import type { Settings } from "./options.ts";
import { costOf, linearCost, stepsCost } from "./plan/cost.ts";
import { decodedSize } from "./plan/decoder.ts";
import type { ImagePlan } from "./plan/image-plan.ts";
import { memoryOf } from "./plan/memory.ts";
import { describe } from "./plan/steps.ts";
import { decodeCost, decoderCost } from "./read/cost.ts";
import { run } from "./run/run.ts";

export const NAME = "image-sharp";

/** Estimated milliseconds from which a plan is queued as heavy. */
const HEAVY_COST_MS = 400;

/** The plan with its price. Throws `ELIMIT` for one that is too high. */
export function pricedPlan(
  plan: ImagePlan,
  source: Source,
  files: LayerFiles,
  renderContext: RenderContext,
): Plan {
  const { header, original, frames, shrink, writes, stepsPlan, settings } = plan;
  const { limits } = renderContext;
  const searched = writes.some((write) => write.searched);
  const decoded = decodedSize(header, stepsPlan.stages, original);
  const still = header.moves ? ["only the first frame of the animation can be read"] : [];
  const notes = [...still, ...stepsPlan.notes, ...files.notes];
  const page = header.pages?.[plan.page] ?? header;
  const pricing = { files, renderContext, registry: plan.registry, settings };
  const layers = stepsPlan.steps.flatMap(({ step, before }) => {
    if (step.op !== "overlay") return [];
    // A layer that reshapes the picture is rendered for each frame.
    return [{ times: reshapes(step) ? frames : 1, ...estimateLayer(step, before, pricing) }];
  });
  const frameCost =
    stepsCost(plan, shrunk(decoded, shrink)) +
    decoderCost(header, decoded) +
    linearCost(stepsPlan.stages) +
    (plan.searches.includes("faces") ? decodeCost(header, decoded) + FACES_PRICE.cost : 0) +
    sumOf(layers.map(({ cost, times }) => cost * times)) / frames;
  const cost = costOf(plan, decoded, frameCost);
  // Work under way cannot be stopped, so work that would take too long is not started.
  if (cost > limits.imageWork) {
    throw new MediaError(
      "ELIMIT",
      `Expected at most ${limits.imageWork} ms of work but it would take about ${cost}`,
    );
  }
  return {
    engine: NAME,
    lane: cost > HEAVY_COST_MS ? "heavy" : "light",
    cost,
    memory: memoryOf(plan, decoded, source) + sumOf(layers.map(({ memory }) => memory)),
    side:
      stepsPlan.known.remaining.length > 0
        ? Number.POSITIVE_INFINITY
        : Math.max(stepsPlan.size.width, stepsPlan.size.height),
    explain: () => ({
      source: `${header.format} ${page.width}x${page.height}${header.frames > 1 ? `, ${header.frames} frames` : ""}`,
      passes: describe(stepsPlan.stages),
      ...(shrink > 1 && { shrinkOnLoad: shrink }),
      // From there on sizes are estimated.
      ...(stepsPlan.known.remaining.length > 0 && { estimatedAfter: stepsPlan.known.sizeUnknownAfter }),
      size: `${stepsPlan.size.width}x${stepsPlan.size.height}`,
      steps: stepsPlan.steps.map(({ step, after }) => `${step.op} ${after.width}x${after.height}`),
      format: writes.length > 1 ? writes.map((write) => write.format) : writes[0].format,
      why: plan.why,
      ...(searched && { quality: qualityText(settings.autoQuality) }),
      ...(plan.output.fidelity && { fidelity: plan.output.fidelity }),
      ...(plan.keeps && { keeps: plan.keeps }),
      ...(header.gainMap && { gainMap: plan.gainMap ? "kept" : "lost" }),
      ...(plan.searches.length > 0 && { pending: plan.searches }),
      ...(notes.length > 0 && { notes }),
    }),
    run: (renderContext: RenderContext) => run(plan, source, files, renderContext),
  };
}

const qualityText = ({ target, min, max, tries }: Settings["autoQuality"]): string =>
  `the least from ${min} to ${max} for a likeness of ${target}, in ${tries} tries`;

/** What the decoder gives to the first step. */
const shrunk = ({ width, height }: Size, factor: number): Size => ({
  width: width / factor,
  height: height / factor,
});

const reshapes = ({ blend }: StepOf<"overlay">) => blend?.mode === "displace" || blend?.mode === "cutter";

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
