import { type Luma, likeness } from "@mediatap/core/decode";
import sharp, { type Sharp } from "sharp";
import { type Bounds, offLoop, threadWork } from "../effects/pool.ts";
import type { Settings } from "../options.ts";
import { GREY, type Held } from "../pixels/buffer.ts";

/** How alike two pictures are, from 0 to 1. */
export type Scored = (reference: Luma, candidate: Luma) => Promise<number>;

/** Pixels up to which two pictures are compared here and now: a millisecond. */
const SMALL = 100_000;

/** Compares small pictures at once, others in a thread of their own. */
export const scoredWithin =
  (bounds: () => Bounds): Scored =>
  async (reference, candidate) => {
    const { width, height } = reference;
    if (width * height <= SMALL) return likeness(reference, candidate);
    const data = Buffer.concat([reference.data, candidate.data]);
    const work = threadWork<typeof import("../effects/compare.ts")>("compare", undefined);
    const done = await offLoop(work, { data, width, height, channels: 1, frames: 2 }, bounds());
    return done.data.readDoubleLE();
  };

async function lumaOf(image: Sharp): Promise<Luma> {
  const { data, info } = await image
    .flatten({ background: GREY })
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/**
 * Writes a picture at the least quality at which it still looks as it should, found by halving the range; where none that was
 * tried is enough, at the highest of those. The tries are counted, never timed: equal pictures give equal bytes.
 */
export async function leastQuality<T extends { readonly data: Buffer }>(
  { target, min, max, tries }: Settings["autoQuality"],
  picture: Held,
  writeAt: (quality: number) => Promise<T>,
  scored: Scored,
): Promise<T> {
  const reference = await lumaOf(picture.open());
  let [low, high] = [min, max];
  let enough: T | undefined;
  let highest: T | undefined;
  for (let left = tries; left > 0 && low <= high; left--) {
    const quality = Math.ceil((low + high) / 2);
    const one = await writeAt(quality);
    const score = await scored(reference, await lumaOf(sharp(one.data, { limitInputPixels: false })));
    if (score >= target) {
      enough = one;
      high = quality - 1;
    } else {
      highest = one;
      low = quality + 1;
    }
  }
  return (enough ?? highest) as T;
}
