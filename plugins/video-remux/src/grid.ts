/** Frames a second, as a fraction. */
export interface Rate {
  readonly n: number;
  readonly d: number;
}

/** Frames of constant rate, cut into segments. */
export interface Grid {
  readonly rate: Rate;
  /** Frames of the stream. */
  readonly total: number;
  /** The first frame of each segment. */
  readonly starts: readonly number[];
}

/** Segments of `frames` frames each, except for the last one. */
export const equalGrid = (rate: Rate, total: number, frames: number): Grid => ({
  rate,
  total,
  starts: Array.from({ length: Math.ceil(total / frames) }, (_, index) => index * frames),
});

/** Seconds of a number of frames. */
export const secondsOf = ({ rate: { n, d } }: Pick<Grid, "rate">, frames: number) => (frames * d) / n;

/** The same for people. */
export const shortSeconds = (grid: Pick<Grid, "rate">, frames: number) =>
  Number(secondsOf(grid, frames).toFixed(3));

/** The first frame of a segment. */
export const firstAt = ({ starts }: Grid, index: number) => starts[index] as number;

/** Frames of one segment. */
export const framesAt = ({ starts, total }: Grid, index: number) =>
  (starts[index + 1] ?? total) - (starts[index] as number);

/** Frames of the longest segment. */
export const longestOf = (grid: Grid) =>
  grid.starts.reduce((maxFrames, _, index) => Math.max(maxFrames, framesAt(grid, index)), 0);
