import { FACES_PRICE, isMediaError, type RenderContext, type Size, type Step } from "@mediatap/core";
import { type Layer, parentScope } from "@mediatap/core/steps";
import { megapixels } from "../pixels/size.ts";
import { DEFAULT_STEP_COST, PIXEL_BYTES, stepsCost } from "../plan/cost.ts";
import { decodedSize } from "../plan/decoder.ts";
import { type ImagePlan, planImage, planPixels } from "../plan/image-plan.ts";
import { decodeCost } from "../read/cost.ts";
import { boxesBefore } from "../read/focus.ts";
import type { LayerFiles } from "./open.ts";
import { blockSize, layerJob } from "./render.ts";
import { estimateText } from "./text.ts";

/** Estimated CPU and memory. */
export interface Estimate {
  /** Estimated milliseconds of one core. */
  readonly cost: number;
  /** Estimated bytes. */
  readonly memory: number;
}

/** Input of the estimates. */
export interface Pricing extends Pick<ImagePlan, "registry" | "settings"> {
  readonly files: LayerFiles;
  readonly renderContext: RenderContext;
}

const NO_COST: Estimate = { cost: 0, memory: 0 };

const sum = (estimates: readonly Estimate[]): Estimate =>
  estimates.reduce((all, one) => ({ cost: all.cost + one.cost, memory: all.memory + one.memory }), NO_COST);

/** Estimates the layer of an overlay step on a picture of this size, including the layers on the layer. */
export function estimateLayer(step: Step, base: Size, pricing: Pricing): Estimate {
  if (step.op !== "overlay") return NO_COST;
  try {
    return estimateOf(step.layer, base, pricing);
  } catch (error) {
    // It is refused when it is rendered, by the sizes known then.
    if (isMediaError(error)) return NO_COST;
    throw error;
  }
}

function estimateOf(layer: Layer, base: Size, pricing: Pricing): Estimate {
  const { files, renderContext, registry, settings } = pricing;
  const common = { renderContext, registry, settings, scope: parentScope(base) };
  switch (layer.kind) {
    case "image": {
      const { header } = files.image(layer.path);
      const job = layerJob(layer.steps);
      return estimatePlan(
        planImage({ ...common, job, header, ...boxesBefore(layer.steps, renderContext) }),
        pricing,
      );
    }
    case "color": {
      const size = blockSize(layer, common.scope);
      return estimatePlan(planPixels({ ...common, size, steps: layer.steps }), pricing);
    }
    case "text": {
      // Layers on a text are priced as if they were on the picture: the size of the text is not known yet.
      const inner = layer.steps.map((step) => estimateLayer(step, base, pricing));
      return sum([estimateText(layer, base, renderContext.limits), ...inner]);
    }
    default:
      return NO_COST;
  }
}

/** A layer is rendered completely before it is composed: its pixels exist twice while they are passed on. */
function estimatePlan(plan: ImagePlan, pricing: Pricing): Estimate {
  const { header, original, stepsPlan } = plan;
  const withFaces = plan.searches.includes("faces");
  const decoded = decodedSize(header, stepsPlan.stages, original);
  const decode = header.format === "raw" ? 0 : decodeCost(header, decoded) * (withFaces ? 2 : 1);
  const largest = Math.max(
    megapixels(stepsPlan.size),
    ...stepsPlan.steps.map(({ after }) => megapixels(after)),
  );
  const own = {
    cost:
      decode +
      (withFaces ? FACES_PRICE.cost : 0) +
      stepsCost(plan, decoded) +
      DEFAULT_STEP_COST * megapixels(stepsPlan.size),
    memory: 2 * PIXEL_BYTES * largest * 1e6,
  };
  return sum([own, ...stepsPlan.steps.map(({ step, before }) => estimateLayer(step, before, pricing))]);
}
