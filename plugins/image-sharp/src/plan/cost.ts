import type { Size } from "@mediatap/core";
import { priceOf } from "../operations/index.ts";
import { coarse } from "../operations/pass.ts";
import { megapixels } from "../pixels/size.ts";
import { DECODE_COST } from "../read/cost.ts";
import type { WriteFormat } from "./format.ts";
import type { ImagePlan } from "./image-plan.ts";
import type { Stage } from "./steps.ts";

// Milliseconds of one core for a megapixel, measured with photographs; ratios hold between machines, figures do not.

const ENCODE_COST: Readonly<Record<WriteFormat, number>> = {
  jpeg: 12,
  png: 60,
  webp: 60,
  avif: 340,
  gif: 280,
};

/** Share of a JPEG's decoding that shrinking on load does not save: the whole file is read. */
const FULL_READ_SHARE = 0.7;

/** To scale a picture in linear light, for a megapixel before. */
const LINEAR_SCALE_COST = 45;

/** To compare a result with the picture. */
const COMPARE_COST = 15;

/** What a lossless WebP costs more. */
const LOSSLESS_WEBP_WEIGHT = 10;

const BASE_COST_MS = 2;

/** Bytes of a decoded pixel. */
export const PIXEL_BYTES = 4;

/** Milliseconds for a megapixel of a step without a price. */
export const DEFAULT_STEP_COST = 4;

/** Milliseconds of the steps, of a picture that the decoder gives in this size. */
export const stepsCost = ({ stepsPlan, registry, original }: ImagePlan, decoded: Size): number =>
  stepsPlan.steps.reduce((sum, { step, before: size, after }) => {
    const before = size === original ? decoded : size;
    const larger = Math.max(megapixels(before), megapixels(after));
    return sum + (priceOf(step, registry)?.(step, before, after) ?? DEFAULT_STEP_COST * larger);
  }, 0);

/** Milliseconds of what is scaled in linear light. */
export const linearCost = (stages: readonly Stage[]): number =>
  stages.reduce((sum, stage) => {
    const scale = stage.kind === "pass" ? stage.pass.scale : undefined;
    return scale?.linear ? sum + LINEAR_SCALE_COST * megapixels(coarse(scale)) : sum;
  }, 0);

/** How much more an encoder works than at the settings measured. */
function effortOf(format: WriteFormat, { output, settings }: ImagePlan): number {
  const { avifEffort, webpEffort, mozjpeg } = settings;
  if (format === "avif") return 2 ** Math.max(0, avifEffort - 1);
  if (format === "webp") return output.lossless ? LOSSLESS_WEBP_WEIGHT : 1 + 0.2 * (webpEffort - 2);
  return format === "jpeg" && mozjpeg ? 4 : 1;
}

/** How much longer than any other a JPEG takes whose gain map is kept. */
const GAIN_MAP_WEIGHT = 10;

/** How much more decoding takes than usual for the format. A frame of an animated PNG is drawn over all those before it. */
function weightOf({ header, page, gainMap }: ImagePlan): number {
  if (gainMap) return GAIN_MAP_WEIGHT;
  return header.format === "apng" && page > 0 ? page + 1 : (header.weight ?? 1);
}

/**
 * Estimated milliseconds of one core. `decoded`: size in which the source is decoded, `steps`: milliseconds of the steps of one frame.
 */
export function costOf(plan: ImagePlan, decoded: Size, steps: number): number {
  const { header, frames, shrink, writes, stepsPlan, settings } = plan;
  const price = DECODE_COST[header.decode ? "tiff" : header.format] ?? 20;
  const decode =
    price * weightOf(plan) * megapixels(decoded) * (FULL_READ_SHARE + (1 - FULL_READ_SHARE) / shrink ** 2);
  const encode = writes.reduce((sum, { format, searched }) => {
    const tries = searched ? settings.autoQuality.tries : 1;
    const compare = tries > 1 ? (DECODE_COST[format] ?? 0) + COMPARE_COST : 0;
    return (
      sum + tries * (ENCODE_COST[format] * effortOf(format, plan) + compare) * megapixels(stepsPlan.size)
    );
  }, 0);
  return Math.ceil(BASE_COST_MS + frames * (decode + steps + encode));
}
