import type { Size } from "@mediatap/core";
import { priceOf } from "../operations/index.ts";
import { coarse } from "../operations/pass.ts";
import { megapixels } from "../pixels/size.ts";
import { DECODE } from "../read/cost.ts";
import type { Draft } from "./image-plan.ts";
import type { WriteFormat } from "./format.ts";
import type { Part } from "./steps.ts";

// Milliseconds of one core for a megapixel, measured with photographs; ratios hold between machines, figures do not.

const ENCODE: Readonly<Record<WriteFormat, number>> = {
  jpeg: 12,
  png: 60,
  webp: 60,
  avif: 340,
  gif: 280,
};

/** Part of a JPEG's decoding that stays as it is where the decoder shrinks: all of the file is read. */
const READ = 0.7;

/** To scale a picture in linear light, for a megapixel before. */
const LINEAR = 45;

/** To compare a result with the picture. */
const COMPARE = 15;

/** What a lossless WebP costs more. */
const LOSSLESS_WEBP = 10;

const FIXED = 2;

/** Bytes of a decoded pixel. */
export const PIXEL = 4;

/** Milliseconds for a megapixel of a step without a price. */
export const PLAIN = 4;

/** Milliseconds of the steps, of a picture that the decoder gives in this size. */
export const stepsCost = ({ plan, registry, original }: Draft, decoded: Size): number =>
  plan.taken.reduce((sum, { step, before: size, after }) => {
    const before = size === original ? decoded : size;
    const larger = Math.max(megapixels(before), megapixels(after));
    return sum + (priceOf(step, registry)?.(step, before, after) ?? PLAIN * larger);
  }, 0);

/** Milliseconds of what is scaled in linear light. */
export const linearCost = (parts: readonly Part[]): number =>
  parts.reduce((sum, part) => {
    const scale = part.kind === "pass" ? part.pass.scale : undefined;
    return scale?.linear ? sum + LINEAR * megapixels(coarse(scale)) : sum;
  }, 0);

/** How much more an encoder works than at the settings measured. */
function effortOf(format: WriteFormat, { output, settings }: Draft): number {
  const { avifEffort, webpEffort, mozjpeg } = settings;
  if (format === "avif") return 2 ** Math.max(0, avifEffort - 1);
  if (format === "webp") return output.lossless ? LOSSLESS_WEBP : 1 + 0.2 * (webpEffort - 2);
  return format === "jpeg" && mozjpeg ? 4 : 1;
}

/** How much longer than any other a JPEG takes whose gain map is kept. */
const GAIN_MAP_WEIGHT = 10;

/** How much more decoding takes than usual for the format. A frame of an animated PNG is drawn over all those before it. */
function weightOf({ header, page, gainMap }: Draft): number {
  if (gainMap) return GAIN_MAP_WEIGHT;
  return header.format === "apng" && page > 0 ? page + 1 : (header.weight ?? 1);
}

/**
 * Estimated milliseconds of one core. `decoded`: size in which the source is drawn or read, `steps`: milliseconds of the steps of one frame.
 */
export function costOf(draft: Draft, decoded: Size, steps: number): number {
  const { header, frames, shrink, writes, plan, settings } = draft;
  const price = DECODE[header.decode ? "tiff" : header.format] ?? 20;
  const decode = price * weightOf(draft) * megapixels(decoded) * (READ + (1 - READ) / shrink ** 2);
  const encode = writes.reduce((sum, { format, searched }) => {
    const tries = searched ? settings.autoQuality.tries : 1;
    const compare = tries > 1 ? (DECODE[format] ?? 0) + COMPARE : 0;
    return sum + tries * (ENCODE[format] * effortOf(format, draft) + compare) * megapixels(plan.size);
  }, 0);
  return Math.ceil(FIXED + frames * (decode + steps + encode));
}
