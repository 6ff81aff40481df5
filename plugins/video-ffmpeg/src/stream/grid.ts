import type { Probe } from "@mediatap/core";

/** Frames a second, as a fraction. */
export interface Rate {
  readonly n: number;
  readonly d: number;
}

/** Frames of constant rate, cut into segments. */
export interface Grid {
  /** Ticks a second that its times are counted in. */
  readonly timescale: number;
  /** Ticks of one frame. */
  readonly frame: number;
  /** Frames of a segment of the usual length … */
  readonly frames: number;
  /** … and of the whole. */
  readonly total: number;
  /** The first frame of each segment. */
  readonly starts: readonly number[];
  /** Each segment has only its first frame, which stands for all of it. */
  readonly iframesOnly?: true;
}

/** Samples a second of the audio of all streams, and samples of a frame of AAC. */
export const SAMPLE_RATE = 48_000;
export const AAC_FRAME = 1_024;

/** Above this, every second frame is left out. */
const MAX_RATE = 60.5;
const COMMON_RATES: readonly Rate[] = [
  ...[24, 25, 30, 48, 50, 60].map((n) => ({ n, d: 1 })),
  ...[24, 30, 48, 60].map((n) => ({ n: n * 1_000, d: 1_001 })),
];

/**
 * The constant rate of a stream: that of the source, where its frames are densest, within `maxRate`. It is a common one that is near,
 * or a multiple of half a frame a second; rates above 60 are halved.
 */
export function rateOf(video: NonNullable<Probe["video"]>, peak = video.rate, maxRate = peak): Rate {
  let rate = Math.max(1, Math.min(peak, maxRate));
  while (rate > MAX_RATE) rate /= 2;
  const exact = [
    { n: Math.round(rate), d: 1 },
    { n: Math.round(rate * 1.001) * 1_000, d: 1_001 },
  ].find((one) => isNear(one, rate, 2e-4));
  if (exact) return exact;
  const common = COMMON_RATES.toSorted((a, b) => Math.abs(a.n / a.d - rate) - Math.abs(b.n / b.d - rate))[0];
  if (common && isNear(common, rate, 0.02)) return common;
  const halves = Math.round(rate * 2);
  return halves % 2 === 0 ? { n: halves / 2, d: 1 } : { n: halves, d: 2 };
}

const isNear = ({ n, d }: Rate, rate: number, tolerance: number) => Math.abs(n / d / rate - 1) < tolerance;

/** Segments of `frames` frames each, except for the last one. */
const equalSegments = (frames: number, total: number) => ({
  frames,
  total,
  starts: Array.from({ length: Math.ceil(total / frames) }, (_, index) => index * frames),
});

/** The grid of the video of a stream that lasts `duration` seconds. */
export function videoGrid({ n, d }: Rate, duration: number, segmentSeconds: number): Grid {
  const fine = Math.ceil(10_000 / n);
  const frames = Math.max(1, Math.round((segmentSeconds * n) / d));
  const total = Math.max(1, Math.round((duration * n) / d));
  return { timescale: n * fine, frame: d * fine, ...equalSegments(frames, total) };
}

/** The grid of I-frames alone, for trick play: two in the time of a segment. */
export const iframeGrid = (video: Grid): Grid => ({
  ...video,
  ...equalSegments(Math.max(1, Math.round(video.frames / 2)), video.total),
  iframesOnly: true,
});

/** The grid of its audio: segments have their own lengths, since frames of AAC do not fit into those of video. */
export function audioGrid(duration: number, segmentSeconds: number): Grid {
  const frames = Math.max(1, Math.round((segmentSeconds * SAMPLE_RATE) / AAC_FRAME));
  const total = Math.max(1, Math.ceil((duration * SAMPLE_RATE) / AAC_FRAME));
  return { timescale: SAMPLE_RATE, frame: AAC_FRAME, ...equalSegments(frames, total) };
}

export const segmentsOf = ({ starts }: Grid) => starts.length;

/** Frame with which a segment begins. */
export const firstAt = ({ starts }: Grid, index: number) => starts[index] as number;

/** Seconds of a number of frames. */
export const secondsOf = ({ timescale, frame }: Grid, frames: number) => (frames * frame) / timescale;

/** Frames that one segment lasts. */
export const framesAt = ({ starts, total }: Grid, index: number) =>
  (starts[index + 1] ?? total) - (starts[index] as number);

/** Frames that one segment contains. */
export const framesIn = (grid: Grid, index: number) => (grid.iframesOnly ? 1 : framesAt(grid, index));

/** Frames of the longest segment. */
export const longestOf = (grid: Grid) =>
  grid.starts.reduce((longest, _, index) => Math.max(longest, framesAt(grid, index)), 0);

/** Frames of the shortest one that is not the last. */
export const shortestOf = (grid: Grid) =>
  grid.starts.slice(1).reduce((shortest, _, index) => Math.min(shortest, framesAt(grid, index)), grid.frames);
