import type { RenderContext, Source } from "@mediatap/core";
import { assertWithinLimits, type FileProbe } from "../probe/probe.ts";
import { SNIFF_LENGTH } from "../read/demuxer.ts";

// Animated WebP: ffmpeg cannot read it, and the image engine can.

/** An animation, by its container. */
export interface Animation {
  readonly width: number;
  readonly height: number;
  readonly alpha: boolean;
  /** Milliseconds for which each frame is shown. */
  readonly delays: readonly number[];
}

/** Flags of `VP8X` (RFC 9649 §2.7). */
const ANIMATION_FLAG = 0x02;
const ALPHA_FLAG = 0x10;

/** Milliseconds up to which browsers ignore a delay, and what they use instead. */
const MAX_IGNORED_DELAY_MS = 10;
const DEFAULT_DELAY_MS = 100;

const fourCc = (file: Buffer, at: number) => file.toString("latin1", at, at + 4);

/** The animation that a source is. `undefined`: it is none, or has no frames. */
export async function animationOf(source: Source, { limits }: RenderContext): Promise<Animation | undefined> {
  if (!isAnimatedWebp(Buffer.from(await source.peek(SNIFF_LENGTH)))) return undefined;
  const { buffer, byteOffset, byteLength } = await source.bytes(limits.imageBytes);
  return readAnimatedWebp(Buffer.from(buffer, byteOffset, byteLength));
}

const isAnimatedWebp = (head: Buffer): boolean =>
  /^RIFF.{4}WEBPVP8X/s.test(head.toString("latin1", 0, 16)) && ((head[20] ?? 0) & ANIMATION_FLAG) !== 0;

function readAnimatedWebp(file: Buffer): Animation | undefined {
  const delays: number[] = [];
  for (let at = 12; at + 8 <= file.length; ) {
    const size = file.readUInt32LE(at + 4);
    if (fourCc(file, at) === "ANMF" && size >= 16 && at + 24 <= file.length) {
      const delay = file.readUIntLE(at + 8 + 12, 3);
      delays.push(delay <= MAX_IGNORED_DELAY_MS ? DEFAULT_DELAY_MS : delay);
    }
    at += 8 + size + (size % 2);
  }
  if (delays.length === 0) return undefined;
  return {
    width: file.readUIntLE(24, 3) + 1,
    height: file.readUIntLE(27, 3) + 1,
    alpha: ((file[20] ?? 0) & ALPHA_FLAG) !== 0,
    delays,
  };
}

/** Bounds of the frame rate that the shortest delay gives. */
const MIN_RATE = 10;
const MAX_RATE = 50;

/** The same as of a video. Throws `ELIMIT` beyond the limits. */
export function probeOfAnimation(
  { width, height, alpha, delays }: Animation,
  { limits }: RenderContext,
): FileProbe {
  const rate = Math.min(MAX_RATE, Math.max(MIN_RATE, 1_000 / Math.min(...delays)));
  const probe: FileProbe = {
    format: "webp",
    duration: delays.reduce((sum, delay) => sum + delay, 0) / 1_000,
    streams: 1,
    square: true,
    video: { codec: "webp", width, height, rotation: 0, rate, pixels: alpha ? "rgba" : "rgb24", alpha },
  };
  assertWithinLimits(probe, limits);
  return probe;
}

/** Milliseconds of one core to decode a megapixel and to transfer it. */
const MEGAPIXEL_COST = 40;

/** What the image engine adds to the plan: all frames are decoded at once, and read as one. */
export function decodingOf(animation: Animation | undefined) {
  const { width, height, delays } = animation ?? { width: 0, height: 0, delays: [] };
  const pixels = width * height * delays.length;
  return { cost: Math.round((pixels / 1e6) * MEGAPIXEL_COST), memory: pixels * 8 };
}
