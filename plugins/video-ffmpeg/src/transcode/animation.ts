import type { RenderContext, Source } from "@mediatap/core";
import { assertBounds } from "../probe/limits.ts";
import type { FileProbe } from "../probe/probe.ts";
import { SNIFF_LENGTH } from "../read/input.ts";
import { type Animation, isMovingWebp, readMovingWebp } from "./webp.ts";

// Animations that ffmpeg cannot read, and the image engine can.

/** What a source says of itself, where it is one. */
export async function animationOf(source: Source, { limits }: RenderContext): Promise<Animation | undefined> {
  if (!isMovingWebp(await source.peek(SNIFF_LENGTH))) return undefined;
  return readMovingWebp(await source.bytes(limits.imageBytes));
}

/** Frames a second that the briefest frame asks for, within these. */
const RATES = { least: 10, most: 50 } as const;

/** The same as of a video. Throws `ELIMIT` where it is more than that may be. */
export function probeOfAnimation(
  { width, height, alpha, delays }: Animation,
  { limits }: RenderContext,
): FileProbe {
  const rate = Math.min(RATES.most, Math.max(RATES.least, 1_000 / Math.min(...delays)));
  const probe: FileProbe = {
    format: "webp",
    duration: delays.reduce((sum, delay) => sum + delay, 0) / 1_000,
    streams: 1,
    square: true,
    interlaced: false,
    video: { codec: "webp", width, height, rotation: 0, rate, pixels: alpha ? "rgba" : "rgb24", alpha },
  };
  assertBounds(probe, limits);
  return probe;
}

/** Milliseconds of one core to decode a megapixel and to hand it over. */
const DECODE = 40;

const pixels = ({ width, height, delays }: Animation) => width * height * delays.length;

/** Estimated milliseconds of one core. */
export const decodingCost = (animation: Animation | undefined): number =>
  animation ? Math.round((pixels(animation) / 1e6) * DECODE) : 0;

/** Estimated bytes: all frames are decoded at once, and read as one. */
export const decodingMemory = (animation: Animation | undefined): number =>
  animation ? pixels(animation) * 8 : 0;
