import type { Header, Size } from "@mediatap/core";
import type { StepRegistry } from "@mediatap/core/steps";
import { priceOf } from "../operations/index.ts";
import type { Settings } from "../options.ts";
import { megapixels } from "../pixels/size.ts";
import type { WriteFormat } from "./format.ts";
import type { Taken } from "./steps.ts";

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

export interface Work {
  readonly format: string;
  /** How much more decoding takes than usual for the format. */
  readonly weight: number;
  readonly source: Size;
  /** Factor by which the decoder shrinks. */
  readonly shrink: number;
  readonly frames: number;
  /** Milliseconds of the steps. */
  readonly steps: number;
  readonly result: Size;
  /** How it is written, each try counted. */
  readonly outputs: readonly { readonly format: WriteFormat; readonly tries: number }[];
  readonly lossless: boolean;
  readonly settings: Settings;
}

/** How much more an encoder works than at the settings measured. */
function effortOf(
  output: WriteFormat,
  { lossless, settings: { avifEffort, webpEffort, mozjpeg } }: Work,
): number {
  if (output === "avif") return 2 ** Math.max(0, avifEffort - 1);
  if (output === "webp") return lossless ? LOSSLESS_WEBP : 1 + 0.2 * (webpEffort - 2);
  return output === "jpeg" && mozjpeg ? 4 : 1;
}

/** Milliseconds of the plugin that decodes a file for this engine, if one does. */
export const decoderCost = ({ decode }: Header, size: Size): number =>
  decode ? decode.cost + decode.megapixelCost * megapixels(size) : 0;

/** Milliseconds to decode a picture whole. */
export const decodeCost = (header: Header, size: Size): number =>
  header.decode
    ? decoderCost(header, size)
    : (DECODE[header.format] ?? 20) * (header.weight ?? 1) * megapixels(size);

/** Estimated milliseconds of one core. */
export function costOf(work: Work): number {
  const { format, weight, source, shrink, frames, steps, result, outputs } = work;
  const decode = (DECODE[format] ?? 20) * weight * megapixels(source) * (READ + (1 - READ) / shrink ** 2);
  const encode = outputs.reduce((sum, { format: output, tries }) => {
    const compare = tries > 1 ? (DECODE[output] ?? 0) + COMPARE : 0;
    return sum + tries * (ENCODE[output] * effortOf(output, work) + compare) * megapixels(result);
  }, 0);
  return Math.ceil(FIXED + frames * (decode + steps + encode));
}
