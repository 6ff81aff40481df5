import type { Grid, Rate } from "./grid.ts";
import { secondsOf } from "./grid.ts";
import type { Rung } from "./ladder.ts";

/** Threads of one encoder: pinned, since other numbers give other bytes. */
const THREADS = 4;

/** Filters that stand last, so that all that is encoded says the same of itself. */
export const tailFilters = ({ width, height }: Rung, matrix: string | undefined): readonly string[] => [
  `scale=${width}:${height}:flags=bicubic${matrix ? `:in_color_matrix=${matrix}` : ""}:out_color_matrix=bt709:out_range=tv`,
  "setsar=1",
];

export const LAST_FILTERS: readonly string[] = [
  "format=yuv420p",
  "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709",
];

/** Of 1–100: 50 is 23, and each 3 points make one. */
const crfOf = (quality: number) => Math.round(23 - (quality - 50) / 3);

/** How pictures of a rung are written. The initialisation of a track is made with the same, so it is the same in all runs. */
export function pictureArgs(rung: Rung, grid: Grid, quality: number): readonly string[] {
  const { maxrate, level } = rung;
  return [
    ...["-c:v", "libx264", "-preset", "veryfast", "-crf", String(crfOf(quality))],
    ...["-profile:v", "high", "-level:v", (level / 10).toFixed(1)],
    ...["-maxrate:v", String(maxrate), "-bufsize:v", String(maxrate)],
    ...[
      "-g:v",
      String(grid.frames),
      "-keyint_min:v",
      String(grid.frames),
      "-sc_threshold:v",
      "0",
      "-bf:v",
      "2",
    ],
    ...["-threads:v", String(THREADS), "-flags:v", "+bitexact"],
    ...["-video_track_timescale", String(grid.timescale)],
  ];
}

/** How sound is written: constant quality, since rate control would begin anew in each segment, and be heard. */
export const SOUND_ARGS: readonly string[] = ["-c:a", "aac", "-q:a", "1.5", "-flags:a", "+bitexact"];

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

/** Key frames may lie a little behind what is sought; all before the cut is left out by the filters. */
const PICTURE_MARGIN = 0.1;

/** Seek before the input: decoding begins at the key frame before. */
export function pictureSeek({ start, first }: Cut, grid: Grid): readonly string[] {
  const at = start + secondsOf(grid, first) - PICTURE_MARGIN;
  return ["-noaccurate_seek", ...(at > 0 ? ["-ss", at.toFixed(6)] : []), "-copyts", "-start_at_zero"];
}

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
