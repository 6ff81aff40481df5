import type { Size } from "@mediatap/core";
import type { Box } from "@mediatap/core/steps";
import type { OverlayOptions, Sharp, TrimOptions } from "sharp";
import type { Pass, Scale } from "../operations/pass.ts";

/** A pass whose layers are rendered and whose edges are known. */
export type ReadyPass = Omit<Pass, "over" | "trim"> & {
  readonly trim?: TrimOptions;
  readonly over?: OverlayOptions[];
  readonly opaque?: boolean;
};

/** Options of the decoder. */
export interface Decoding {
  readonly fastShrinkOnLoad: boolean;
  /** Factor by which a JPEG's decoder shrinks. @default 1 */
  readonly shrink?: number;
}

/**
 * A JPEG's decoder that shrinks drops up to 7 pixels of a side. `fill` stretches what is left to the exact size; `inside` has one scale for
 * both axes. Returns the one that moves the picture less, of those that give the exact size.
 */
function fitOf({ from, ...to }: Scale, shrink: number): "fill" | "inside" {
  if (shrink === 1) return "fill";
  const shrunk = { width: Math.floor(from.width / shrink), height: Math.floor(from.height / shrink) };
  if (!isExact(shrunk, to)) return "fill";
  const [across, down] = [shrunk.width / to.width, shrunk.height / to.height];
  const shift = (x: number, y: number) =>
    Math.max(Math.abs(from.width / shrink / x - to.width), Math.abs(from.height / shrink / y - to.height));
  const scale = Math.max(across, down);
  return shift(scale, scale) < shift(across, down) ? "inside" : "fill";
}

/** Whether a picture that is scaled to fit inside a size gets exactly this size, by a margin for other ways of rounding. */
function isExact({ width, height }: Size, to: Size): boolean {
  const scale = Math.max(width / to.width, height / to.height);
  return Math.max(Math.abs(width / scale - to.width), Math.abs(height / scale - to.height)) < 0.49;
}

/**
 * Each channel becomes the luma of ITU-R BT.709. sharp's `grayscale` leaves one channel, in which no colour can be added later,
 * and loses transparency in raw pixels.
 */
const LUMA: [number, number, number] = [0.2126, 0.7152, 0.0722];
const GREY: [typeof LUMA, typeof LUMA, typeof LUMA] = [LUMA, LUMA, LUMA];

/** Sets the options of sharp for a pass, in an order that sharp does not mistake for another request. */
export function apply(image: Sharp, pass: ReadyPass, { fastShrinkOnLoad, shrink = 1 }: Decoding): Sharp {
  if (pass.trim) image.trim(pass.trim);
  if (pass.before) image.extract(plain(pass.before));
  if (pass.flatten) image.flatten({ background: pass.flatten });
  if (pass.scale) {
    image.resize({ ...size(pass.scale), fit: fitOf(pass.scale, shrink), fastShrinkOnLoad });
  }
  if (pass.smart) {
    const { strategy, scaled } = pass.smart;
    image.resize({
      ...size(pass.smart),
      fit: "cover",
      position: strategy,
      withoutReduction: !scaled,
      fastShrinkOnLoad,
    });
  }
  if (pass.after) image.extract(plain(pass.after));
  if (pass.flip) image.flip();
  if (pass.flop) image.flop();
  if (pass.turn) image.rotate(pass.turn);
  if (pass.rotate) image.rotate(pass.rotate.angle, { background: pass.rotate.background });
  if (pass.extend) image.extend({ ...pass.extend, extendWith: "background" });
  if (pass.blur !== undefined) image.blur(pass.blur);
  if (pass.grayscale) image.recomb(GREY);
  if (pass.sharpen) image.sharpen(pass.sharpen);
  if (pass.over) image.composite(pass.over);
  if (pass.opaque) image.removeAlpha();
  if (pass.normalise) image.normalise();
  return image;
}

const size = ({ width, height }: Size): Size => ({ width, height });
const plain = ({ left, top, width, height }: Box): Box => ({ left, top, width, height });
