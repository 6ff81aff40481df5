import { Unfit } from "./boxes.ts";
import { firstAt, framesAt, type Grid, longestOf, secondsOf, shortSeconds } from "./grid.ts";
import type { Track } from "./track.ts";

/** The frames of a track that a stream consists of, from a key frame on. */
export interface Cut extends Beginning {
  /** Samples; as many as the grid has frames after `lag`, or fewer in its last segment. */
  readonly count: number;
  /** Bits a second, on average … */
  readonly average: number;
  /** … and of its largest segment. */
  readonly peak: number;
}

/** How a stream begins. */
export interface Beginning {
  /** Sample with which it does. */
  readonly base: number;
  /** Frames of the grid that this one fills beside its own, since pictures begin later than sound. */
  readonly lag: number;
  /** The same in ticks of the track. */
  readonly ticks: number;
}

/** Bytes of a segment beside those of its samples. */
const overhead = (samples: number) => 96 + 16 * samples;

/** Samples that follow each other. */
export interface Run {
  readonly from: number;
  readonly samples: number;
}

/** Ticks a second at most; programs write no more. */
const MAX_TIMESCALE = 10_000_000;
/** Seconds from the decoding of a frame to its time, at most. */
const MAX_DELAY_SECONDS = 10;
/** Seconds that the pictures may begin later than the sound, or end before it. */
const MAX_GAP_SECONDS = 0.5;
/** Stretches of a file that one segment is read from. */
const MAX_STRETCHES = 64;
/** Bytes between two samples that are read along. */
const MAX_SKIPPED_BYTES = 64 * 1024;

/**
 * Finds the frames of a grid in a track. Each frame of the grid has to be one of the track, less than half a frame from its time, and
 * each segment has to consist of samples that follow each other in the file's order of decoding, the first of them a key
 * frame. `start`: second of the file at which the stream begins. Throws `Unfit`.
 */
export function cutOf(track: Track, grid: Grid, start: number): Cut {
  const { count, keys, delays, timescale } = track;
  if (timescale > MAX_TIMESCALE) throw new Unfit("its index counts too fine a time");
  const frameAt = framesOf(track, grid, start);
  const beginning = beginningOf(track, grid, start);
  const { base, lag } = beginning;
  for (let at = 0; at < base; at++) if (frameAt(at) >= 0) throw new Unfit("it does not begin at a key frame");
  const afterLast = base + grid.total - lag;
  for (let at = afterLast; at < count; at++) {
    if (frameAt(at) < grid.total) throw new Unfit("its last frames cannot be told from those behind them");
  }
  const last = Math.min(count, afterLast);
  const rates: { bits: number; seconds: number }[] = [];
  const seen = new Uint8Array(longestOf(grid));
  for (let index = 0; index < grid.starts.length; index++) {
    const first = firstAt(grid, index);
    const { from, samples } = runOf(grid, { ...beginning, count: last - base }, index);
    if (samples <= 0) throw new Unfit("its pictures end before its sound");
    if (keys[from] !== 1) throw new Unfit(`it has no key frame at ${shortSeconds(grid, first)} s`);
    seen.fill(0);
    for (let at = from; at < from + samples; at++) {
      const frame = frameAt(at) - (index === 0 ? lag : first);
      const delay = (delays[at] as number) - (delays[base] as number);
      if (Math.abs(delay) > MAX_DELAY_SECONDS * timescale)
        throw new Unfit("its frames are shown long after they are decoded");
      if (!(frame >= 0 && frame < samples) || seen[frame]) {
        throw new Unfit(
          `its frames from ${shortSeconds(grid, first)} s on have no constant rate, or need others`,
        );
      }
      seen[frame] = 1;
    }
    const bytes = bytesIn(track, from, samples) + overhead(samples);
    rates.push({ bits: bytes * 8, seconds: secondsOf(grid, framesAt(grid, index)) });
    if (stretchesOf(track, from, samples).length > MAX_STRETCHES) {
      throw new Unfit("its frames lie all over the file");
    }
  }
  if (secondsOf(grid, afterLast - last) > MAX_GAP_SECONDS)
    throw new Unfit("its pictures end before its sound");
  const bits = rates.reduce((sum, one) => sum + one.bits, 0);
  return {
    ...beginning,
    count: last - base,
    average: Math.ceil(bits / secondsOf(grid, grid.total)),
    peak: peakOf(rates, secondsOf(grid, longestOf(grid))),
  };
}

/** The samples of a segment. */
export function runOf(
  grid: Grid,
  { base, lag, count }: Pick<Cut, "base" | "lag" | "count">,
  index: number,
): Run {
  const first = Math.max(0, firstAt(grid, index) - lag);
  const end = firstAt(grid, index) + framesAt(grid, index) - lag;
  return { from: base + first, samples: Math.min(end, count) - first };
}

/** The frame of the grid that a sample is nearest to. */
export function framesOf(
  { timescale, epoch, decoded, delays }: Track,
  { rate: { n, d } }: Grid,
  start: number,
) {
  const zero = epoch + start * timescale;
  const ticks = (timescale * d) / n;
  return (at: number) => Math.round(((decoded[at] as number) + (delays[at] as number) - zero) / ticks);
}

/** Finds the key frame that a stream begins with. Throws `Unfit` where there is none. */
export function beginningOf(track: Track, grid: Grid, start: number): Beginning {
  const { count, keys, timescale } = track;
  const { n, d } = grid.rate;
  const frameAt = framesOf(track, grid, start);
  const lag = frameAt(0);
  // Only where it is the file's own beginning nothing else can be shown before.
  if (lag > 0 && start === 0 && keys[0] === 1 && secondsOf(grid, lag) <= MAX_GAP_SECONDS) {
    return { base: 0, lag, ticks: Math.round((lag * timescale * d) / n) };
  }
  for (let at = 0; at < count; at++)
    if (keys[at] === 1 && frameAt(at) === 0) return { base: at, lag: 0, ticks: 0 };
  throw new Unfit("it does not begin at a key frame");
}

function bytesIn({ sizes }: Track, from: number, count: number): number {
  let bytes = 0;
  for (let at = from; at < from + count; at++) bytes += sizes[at] as number;
  return bytes;
}

/** The largest of segments; what is shorter than half of one counts with the one before (RFC 8216 §4.3.4.2). */
function peakOf(
  rates: readonly { readonly bits: number; readonly seconds: number }[],
  maxFrames: number,
): number {
  let peak = 0;
  for (const [index, { bits, seconds }] of rates.entries()) {
    const before = seconds < maxFrames / 2 ? rates[index - 1] : undefined;
    peak = Math.max(peak, (bits + (before?.bits ?? 0)) / (seconds + (before?.seconds ?? 0)));
  }
  return Math.ceil(peak);
}

/** Bytes of a file that are read at once. */
export interface Stretch {
  readonly start: number;
  readonly length: number;
  /** How many samples lie in it. */
  readonly samples: number;
}

/** Where samples that follow each other are read from. */
export function stretchesOf({ offsets, sizes }: Track, from: number, count: number): readonly Stretch[] {
  const stretches: { start: number; length: number; samples: number }[] = [];
  for (let at = from; at < from + count; at++) {
    const [offset, size] = [offsets[at] as number, sizes[at] as number];
    const last = stretches.at(-1);
    const gap = last && offset - last.start - last.length;
    if (last && gap !== undefined && gap >= 0 && gap <= MAX_SKIPPED_BYTES) {
      last.length += gap + size;
      last.samples++;
    } else {
      stretches.push({ start: offset, length: size, samples: 1 });
    }
  }
  return stretches;
}
