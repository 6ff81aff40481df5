import { type Luma, likeness } from "@mediatap/core/decode";
import type { Sharp } from "sharp";
import { type Bounds, offLoop, threadWork } from "../effects/pool.ts";
import type { Settings } from "../options.ts";
import { GREY, type PixelBuffer } from "../pixels/buffer.ts";
import { openImage } from "../pixels/image.ts";

/** How alike two pictures are, from 0 to 1. */
export type Compare = (reference: Luma, candidate: Luma) => Promise<number>;

/** Pixels up to which two pictures are compared on the main thread: it takes a millisecond. */
const MAX_SYNC_PIXELS = 100_000;

/** Compares small pictures on the main thread, others in a worker thread. */
export const comparator =
  (bounds: () => Bounds): Compare =>
  async (reference, candidate) => {
    const { width, height } = reference;
    if (width * height <= MAX_SYNC_PIXELS) return likeness(reference, candidate);
    const data = Buffer.concat([reference.data, candidate.data]);
    const work = threadWork<typeof import("../effects/compare.ts")>("compare", undefined);
    const result = await offLoop(work, { data, width, height, channels: 1, frames: 2 }, bounds());
    return result.data.readDoubleLE();
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
export async function leastQuality<T extends { readonly data: Uint8Array }>(
  { target, min, max, tries }: Settings["autoQuality"],
  picture: PixelBuffer,
  writeAt: (quality: number) => Promise<T>,
  compare: Compare,
): Promise<T> {
  const reference = await lumaOf(picture.open());
  let [low, high] = [min, max];
  let sufficient: T | undefined;
  let highest: T | undefined;
  for (let triesLeft = tries; triesLeft > 0 && low <= high; triesLeft--) {
    const quality = Math.ceil((low + high) / 2);
    const candidate = await writeAt(quality);
    const score = await compare(
      reference,
      await lumaOf(openImage(candidate.data, { limitInputPixels: false })),
    );
    if (score >= target) {
      sufficient = candidate;
      high = quality - 1;
    } else {
      highest = candidate;
      low = quality + 1;
    }
  }
  return (sufficient ?? highest) as T;
}
