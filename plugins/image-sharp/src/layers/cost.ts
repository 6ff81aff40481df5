import { FACES_PRICE, isMediaError, type RenderContext, type Size, type Step } from "@mediatap/core";
import { type Layer, parentScope } from "@mediatap/core/steps";
import { megapixels } from "../pixels/size.ts";
import { PIXEL, PLAIN, stepsCost } from "../plan/cost.ts";
import { decodedSize } from "../plan/decoder.ts";
import { type Draft, draftOf, draftOfPixels } from "../plan/image-plan.ts";
import { decodeCost } from "../read/cost.ts";
import { boxesBefore } from "../read/focus.ts";
import { blockSize, wantedSize } from "./render.ts";
import type { LayerFiles } from "./open.ts";
import { textWork } from "./text.ts";

/** What making something takes. */
export interface Work {
  /** Estimated milliseconds of one core. */
  readonly cost: number;
  /** Estimated bytes. */
  readonly memory: number;
}

/** What layers are priced with. */
export interface Pricing extends Pick<Draft, "registry" | "settings"> {
  readonly files: LayerFiles;
  readonly renderContext: RenderContext;
}

const NONE: Work = { cost: 0, memory: 0 };

const sum = (works: readonly Work[]): Work =>
  works.reduce((all, one) => ({ cost: all.cost + one.cost, memory: all.memory + one.memory }), NONE);

/** What the layer takes that a step lays on a picture of this size, with all that is laid on the layer. */
export function layerWork(step: Step, base: Size, pricing: Pricing): Work {
  if (step.op !== "overlay") return NONE;
  try {
    return workOf(step.layer, base, pricing);
  } catch (error) {
    // It is refused when it is drawn, by the sizes that there are then.
    if (isMediaError(error)) return NONE;
    throw error;
  }
}

function workOf(layer: Layer, base: Size, pricing: Pricing): Work {
  const { files, renderContext, registry, settings } = pricing;
  const parts = { renderContext, registry, settings, scope: parentScope(base) };
  switch (layer.kind) {
    case "image": {
      const { header } = files.image(layer.path);
      const job = wantedSize(layer.steps);
      return drawn(draftOf({ ...parts, job, header, ...boxesBefore(layer.steps, renderContext) }), pricing);
    }
    case "color": {
      const size = blockSize(layer, parts.scope);
      return drawn(draftOfPixels({ ...parts, size, steps: layer.steps }), pricing);
    }
    case "text": {
      // What is laid on a text is priced as if it were laid on the picture: the text's size is not known yet.
      const inner = layer.steps.map((step) => layerWork(step, base, pricing));
      return sum([textWork(layer, base, renderContext.limits), ...inner]);
    }
    default:
      return NONE;
  }
}

/** A layer is drawn whole before it is laid on anything: twice while its pixels are passed on. */
function drawn(draft: Draft, pricing: Pricing): Work {
  const { header, original, plan } = draft;
  const withFaces = draft.searches.includes("faces");
  const decoded = decodedSize(header, plan.parts, original);
  const decode = header.format === "raw" ? 0 : decodeCost(header, decoded) * (withFaces ? 2 : 1);
  const largest = Math.max(megapixels(plan.size), ...plan.taken.map(({ after }) => megapixels(after)));
  const own = {
    cost:
      decode + (withFaces ? FACES_PRICE.cost : 0) + stepsCost(draft, decoded) + PLAIN * megapixels(plan.size),
    memory: 2 * PIXEL * largest * 1e6,
  };
  return sum([own, ...plan.taken.map(({ step, before }) => layerWork(step, before, pricing))]);
}
