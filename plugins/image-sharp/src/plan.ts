import {
  FACES_PRICE,
  MediaError,
  type Plan,
  type RenderContext,
  type Size,
  type Source,
  type StepOf,
} from "@mediatap/core";
import { layerWork } from "./layers/cost.ts";
import type { LayerFiles } from "./layers/open.ts";
import type { Settings } from "./options.ts";
import { costOf, linearCost, stepsCost } from "./plan/cost.ts";
import { decodedSize } from "./plan/decoder.ts";
import type { Draft } from "./plan/image-plan.ts";
import { memoryOf } from "./plan/memory.ts";
import { describe } from "./plan/steps.ts";
import { decodeCost, decoderCost } from "./read/cost.ts";
import { run } from "./run/run.ts";

export const NAME = "image-sharp";

/** Estimated milliseconds from which on a picture waits with the slow ones. */
const HEAVY = 400;

/** The draft with its price. Throws `ELIMIT` for one that is too high. */
export function planOf(draft: Draft, source: Source, files: LayerFiles, renderContext: RenderContext): Plan {
  const { header, original, frames, shrink, writes, plan, settings } = draft;
  const { limits } = renderContext;
  const searched = writes.some((write) => write.searched);
  const decoded = decodedSize(header, plan.parts, original);
  const still = header.moves ? ["only the first frame of the animation can be read"] : [];
  const notes = [...still, ...plan.notes, ...files.notes];
  const page = header.pages?.[draft.page] ?? header;
  const pricing = { files, renderContext, registry: draft.registry, settings };
  const layers = plan.taken.flatMap(({ step, before }) => {
    if (step.op !== "overlay") return [];
    // One that decides over the pixels below is drawn for each frame.
    return [{ times: reshapes(step) ? frames : 1, ...layerWork(step, before, pricing) }];
  });
  const steps =
    stepsCost(draft, shrunk(decoded, shrink)) +
    decoderCost(header, decoded) +
    linearCost(plan.parts) +
    (draft.searches.includes("faces") ? decodeCost(header, decoded) + FACES_PRICE.cost : 0) +
    sumOf(layers.map(({ cost, times }) => cost * times)) / frames;
  const cost = costOf(draft, decoded, steps);
  // Work under way cannot be stopped, so what would take too long is not begun.
  if (cost > limits.imageWork) {
    throw new MediaError(
      "ELIMIT",
      `Expected at most ${limits.imageWork} ms of work but it would take about ${cost}`,
    );
  }
  return {
    engine: NAME,
    lane: cost > HEAVY ? "heavy" : "light",
    cost,
    memory: memoryOf(draft, decoded, source) + sumOf(layers.map(({ memory }) => memory)),
    side: plan.known.rest.length > 0 ? Number.POSITIVE_INFINITY : Math.max(plan.size.width, plan.size.height),
    explain: () => ({
      source: `${header.format} ${page.width}x${page.height}${header.frames > 1 ? `, ${header.frames} frames` : ""}`,
      passes: describe(plan.parts),
      ...(shrink > 1 && { shrinkOnLoad: shrink }),
      // From there on sizes are guessed.
      ...(plan.known.rest.length > 0 && { estimatedAfter: plan.known.until }),
      size: `${plan.size.width}x${plan.size.height}`,
      steps: plan.taken.map(({ step, after }) => `${step.op} ${after.width}x${after.height}`),
      format: writes.length > 1 ? writes.map((write) => write.format) : writes[0].format,
      why: draft.why,
      ...(searched && { quality: wordsFor(settings.autoQuality) }),
      ...(draft.output.fidelity && { fidelity: draft.output.fidelity }),
      ...(draft.keeps && { keeps: draft.keeps }),
      ...(header.gainMap && { gainMap: draft.gainMap ? "kept" : "lost" }),
      ...(draft.searches.length > 0 && { pending: draft.searches }),
      ...(notes.length > 0 && { notes }),
    }),
    run: (renderContext: RenderContext) => run(draft, source, files, renderContext),
  };
}

const wordsFor = ({ target, min, max, tries }: Settings["autoQuality"]): string =>
  `the least from ${min} to ${max} for a likeness of ${target}, in ${tries} tries`;

/** What the decoder gives to the first step. */
const shrunk = ({ width, height }: Size, factor: number): Size => ({
  width: width / factor,
  height: height / factor,
});

const reshapes = ({ blend }: StepOf<"overlay">) => blend?.mode === "displace" || blend?.mode === "cutter";

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
