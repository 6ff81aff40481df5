import type { Size } from "@mediatap/core";
import type { WriteFormat } from "./format.ts";
import type { Settings } from "./options.ts";

// Milliseconds of one core for a megapixel, measured with photographs; ratios hold between machines, figures do not.

const DECODE: Readonly<Record<string, number>> = {
  jpeg: 9,
  png: 25,
  webp: 20,
  avif: 35,
  gif: 15,
  svg: 60,
  tiff: 10,
};

const ENCODE: Readonly<Record<WriteFormat, number>> = {
  jpeg: 15,
  png: 90,
  webp: 110,
  avif: 300,
  gif: 250,
};

const FIXED = 2;

export const megapixels = ({ width, height }: Size) => (width * height) / 1e6;

/** How much of the scaling the decoder of a JPEG takes over (sharp's rule): 1, 2, 4 or 8. */
export function shrinkOnLoad(format: string, from: Size, to: Size | undefined, fast: boolean): number {
  if (format !== "jpeg" || !to) return 1;
  const shrink = Math.min(from.width / to.width, from.height / to.height);
  const factor = [8, 4, 2].find((step) => shrink >= step * (fast ? 1 : 2)) ?? 1;
  return factor > 1 && Math.trunc(shrink) === factor ? factor / 2 : factor;
}

export interface Work {
  readonly format: string;
  readonly source: Size;
  /** Factor by which the decoder shrinks. */
  readonly shrink: number;
  readonly frames: number;
  /** Milliseconds of the steps, by their definitions. */
  readonly steps: number;
  readonly result: Size;
  readonly output: WriteFormat;
  readonly settings: Settings;
}

/** How much more an encoder works than at the settings measured. */
function effortOf(output: WriteFormat, { avifEffort, webpEffort, mozjpeg }: Settings): number {
  if (output === "avif") return 2 ** Math.max(0, avifEffort - 1);
  if (output === "webp") return 1 + 0.2 * (webpEffort - 2);
  return output === "jpeg" && mozjpeg ? 3 : 1;
}

/** Estimated milliseconds of one core. */
export function costOf({ format, source, shrink, frames, steps, result, output, settings }: Work): number {
  // A JPEG is read whole; only the later stages of its decoder grow cheaper.
  const decode = ((DECODE[format] ?? 20) * megapixels(source) * (1 + 1 / shrink ** 2)) / 2;
  const encode = ENCODE[output] * effortOf(output, settings) * megapixels(result);
  return Math.ceil(FIXED + frames * (decode + steps + encode));
}
