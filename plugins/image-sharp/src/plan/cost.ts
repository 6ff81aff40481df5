import type { Header, Size } from "@mediatap/core";
import type { StepRegistry } from "@mediatap/core/steps";
import { priceOf } from "../operations/index.ts";
import { coarse } from "../operations/pass.ts";
import { megapixels } from "../pixels/size.ts";
import type { Draft } from "./draft.ts";
import type { WriteFormat } from "./format.ts";
import type { Part, Taken } from "./steps.ts";

// Milliseconds of one core for a megapixel, measured with photographs; ratios hold between machines, figures do not.

export const DECODE: Readonly<Record<string, number> & { svg: number }> = {
  jpeg: 4,
  png: 12,
  apng: 24,
  webp: 14,
  avif: 30,
  gif: 7,
  svg: 20,
  tiff: 5,
};

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

interface Priced {
  readonly plan: { readonly taken: readonly Taken[] };
  readonly registry: StepRegistry;
  readonly original: Size;
}

/** Milliseconds of the steps, of a picture that the decoder gives in this size. */
export const stepsCost = ({ plan, registry, original }: Priced, decoded: Size): number =>
  plan.taken.reduce((sum, { step, before: size, after }) => {
    const before = size === original ? decoded : size;
    const larger = Math.max(megapixels(before), megapixels(after));
    return sum + (priceOf(step, registry)?.(step, before, after) ?? PLAIN * larger);
  }, 0);

/** How much of the scaling the decoder of a JPEG takes over (sharp's rule): 1, 2, 4 or 8. */
export function shrinkOnLoad(format: string, from: Size, to: Size | undefined, fast: boolean): number {
  if (format !== "jpeg" || !to) return 1;
  const shrink = Math.min(from.width / to.width, from.height / to.height);
  const factor = [8, 4, 2].find((step) => shrink >= step * (fast ? 1 : 2)) ?? 1;
  return factor > 1 && Math.trunc(shrink) === factor ? factor / 2 : factor;
}

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

/** Milliseconds of the plugin that decodes a file for this engine, if one does. */
export const decoderCost = ({ decode }: Header, size: Size): number =>
  decode ? decode.cost + decode.megapixelCost * megapixels(size) : 0;

/** Milliseconds to decode a picture whole. */
export const decodeCost = (header: Header, size: Size): number =>
  header.decode
    ? decoderCost(header, size)
    : (DECODE[header.format] ?? 20) * (header.weight ?? 1) * megapixels(size);

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
