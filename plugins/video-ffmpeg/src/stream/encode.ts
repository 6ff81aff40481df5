import { hasIndex } from "../read/input.ts";
import { CODECS } from "./codecs.ts";
import type { Grid, Rate } from "./grid.ts";
import { secondsOf } from "./grid.ts";
import type { Rung } from "./rung.ts";

/** Filters that stand last, so that all that is encoded says the same of itself. */
export const tailFilters = ({ width, height }: Rung, matrix: string | undefined): readonly string[] => [
  `scale=${width}:${height}:flags=bicubic${matrix ? `:in_color_matrix=${matrix}` : ""}:out_color_matrix=bt709:out_range=tv`,
  "setsar=1",
];

export const LAST_FILTERS: readonly string[] = [
  "format=yuv420p",
  "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709",
];

/** How pictures of a rung are written. The initialisation of a track is made with the same, so it is the same in all runs. */
export function pictureArgs(rung: Rung, grid: Grid, quality: number): readonly string[] {
  return [
    ...CODECS[rung.ladder].args(rung, grid, quality),
    ...["-flags:v", "+bitexact"],
    ...["-video_track_timescale", String(grid.timescale)],
  ];
}

/**
 * How sound is written: constant quality, since rate control would begin again in each segment, and be heard. 1 is about 110 kbit/s,
 * and never much more than 200; 1.5 took 420 for sharp beats.
 */
export const SOUND_ARGS: readonly string[] = ["-c:a", "aac", "-q:a", "1", "-flags:a", "+bitexact"];

/** One fragment, times as they are, nothing that differs between runs. `from`: seconds at which it begins. */
export function muxArgs(from: number, target: string): readonly string[] {
  return [
    ...["-map_metadata", "-1", "-map_metadata:s", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"],
    ...["-output_ts_offset", from.toFixed(6), "-avoid_negative_ts", "disabled"],
    "-movflags",
    "+empty_moov+default_base_moof+frag_discont+skip_trailer+negative_cts_offsets",
    ...["-frag_duration", "100000000", "-f", "mp4", target],
  ];
}

export const QUIET: readonly string[] = ["-nostdin", "-v", "error"];

/** Makes the initialisation of a picture track out of nothing: it needs no source. */
export function pictureInitArgs(rung: Rung, rate: Rate, grid: Grid, quality: number): readonly string[] {
  const color = `color=s=${rung.width}x${rung.height}:r=${rate.n}/${rate.d}`;
  const filters = [...tailFilters(rung, undefined), ...LAST_FILTERS].join(",");
  return [
    ...QUIET,
    ...["-f", "lavfi", "-i", color, "-frames:v", "1", "-vf", filters],
    ...pictureArgs(rung, grid, quality),
    ...muxArgs(0, "pipe:1"),
  ];
}

/** The same of a sound track. */
export const soundInitArgs = (): readonly string[] => [
  ...QUIET,
  ...["-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", "-t", "0.1"],
  ...SOUND_ARGS,
  ...muxArgs(0, "pipe:1"),
];

/** What bounds a stretch of pictures, in the stream's own time. */
export interface Cut {
  /** Seconds of the source at which the stream begins. */
  readonly start: number;
  /** Frame of the stream with which the segment begins. */
  readonly first: number;
  readonly frames: number;
}

/** Seconds before a cut at which decoding begins; all before the cut is left out by the filters. */
const marginOf = (format: string) => (hasIndex(format) ? 0.1 : 10);

/** Where decoding begins, as seconds of the source: at the key frame before. 0: at the beginning. */
export function pictureSeek({ start, first }: Cut, grid: Grid, format: string): number {
  return seekTo(start + secondsOf(grid, first), format);
}

/** The same of any second. */
export const seekTo = (second: number, format: string) => Math.max(0, second - marginOf(format));

/** Whether a seek may have ended behind the last key frame. */
export const isBlind = (seek: number, format: string) => seek > 0 && !hasIndex(format);

/** The seek before an input. */
export const seekArgs = (at: number): readonly string[] => [
  "-noaccurate_seek",
  ...(at > 0 ? ["-ss", at.toFixed(6)] : []),
  ...["-copyts", "-start_at_zero"],
];

/**
 * Exactly the frames of a segment, at a constant rate that does not depend on where decoding began; beginning at 0. What the
 * source lacks at its ends is filled with its first or last picture.
 */
export function cutFilters({ start, first, frames }: Cut, { n, d }: Rate, grid: Grid): readonly string[] {
  const fps = `fps=${n}/${d}`;
  return [
    ...(start > 0 ? [`setpts=PTS-${start.toFixed(6)}/TB`] : []),
    fps,
    "tpad=stop_mode=clone:stop=-1",
    `${fps}:start_time=${secondsOf(grid, first).toFixed(6)}`,
    `trim=end_frame=${frames}`,
    "setpts=PTS-STARTPTS",
  ];
}
