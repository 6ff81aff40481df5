import type { Header, Limits, Size } from "@mediatap/core";
import { coarse } from "../operations/pass.ts";
import { megapixels } from "../pixels/size.ts";
import { isVector } from "../read/decoded.ts";
import { DEFAULT_DENSITY } from "../read/libvips.ts";
import type { Stage } from "./steps.ts";

// How much of the scaling the decoder takes over.

/** Size to which a decoder can scale at once: nothing comes before it but colours and turns. */
export function firstScale(stages: readonly Stage[]): Size | undefined {
  const [first] = stages;
  if (first?.kind !== "pass" || first.pass.before || first.pass.trim !== undefined) return undefined;
  const { scale, smart } = first.pass;
  return scale ? coarse(scale) : smart?.scaled ? smart : undefined;
}

/** How much of the scaling the decoder of a JPEG takes over (sharp's rule): 1, 2, 4 or 8. */
export function shrinkOnLoad(format: string, from: Size, to: Size | undefined, fast: boolean): number {
  if (format !== "jpeg" || !to) return 1;
  const shrink = Math.min(from.width / to.width, from.height / to.height);
  const factor = [8, 4, 2].find((step) => shrink >= step * (fast ? 1 : 2)) ?? 1;
  return factor > 1 && Math.trunc(shrink) === factor ? factor / 2 : factor;
}

/** Size in which a source comes from its decoder, before `shrinkOnLoad`: its own, or that in which a drawing is drawn. */
export const decodedSize = (header: Header, stages: readonly Stage[], original: Size): Size =>
  isVector(header) ? vectorSize(stages, original) : original;

/** Size at which all of a drawing is drawn, so that the first pipeline need not scale it. */
function vectorSize(stages: readonly Stage[], original: Size): Size {
  const [first] = stages;
  const scaled = firstScale(stages);
  if (!scaled || first?.kind !== "pass" || !first.pass.smart) return scaled ?? original;
  const factor = Math.max(scaled.width / original.width, scaled.height / original.height);
  return { width: Math.ceil(original.width * factor), height: Math.ceil(original.height * factor) };
}

/** sharp counts the pixels of an SVG before it scales it: a large one is opened small. Never below 1 dpi. */
export function densityFactor(decoded: Size, original: Size, limits: Limits): number {
  if (megapixels(original) <= limits.megapixels) return 1;
  return Math.max(1 / DEFAULT_DENSITY, decoded.width / original.width);
}
