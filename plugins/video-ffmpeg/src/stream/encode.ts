import { decoderArgs, toSdr } from "../probe/colour.ts";
import type { FileProbe } from "../probe/probe.ts";
import { QUIET_ARGS } from "../process/command.ts";
import type { Tools } from "../process/tools.ts";
import { hasIndex } from "../read/demuxer.ts";
import { stereo } from "../transcode/audio.ts";
import type { Extras } from "../transcode/extras.ts";
import { exactSeconds } from "../transcode/units.ts";
import { CODECS, type Rung } from "./codecs.ts";
import {
  AAC_FRAME,
  firstAt,
  framesAt,
  framesIn,
  type Grid,
  type Rate,
  SAMPLE_RATE,
  secondsOf,
} from "./grid.ts";
import type { VideoLayout } from "./layout.ts";

// Arguments of the runs that make segments. All runs of a track write the same initialisation, byte for byte.

/** The size of a rung, and its colours. */
const scaleFilters = ({ width, height }: Rung, matrix: string | undefined): readonly string[] => [
  `scale=${width}:${height}:flags=bicubic${matrix ? `:in_color_matrix=${matrix}` : ""}:out_color_matrix=bt709:out_range=tv`,
  "setsar=1",
];

const FINAL_FILTERS: readonly string[] = [
  "format=yuv420p",
  "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709",
];

const videoArgs = (rung: Rung, grid: Grid, quality: number): readonly string[] => [
  ...CODECS[rung.ladder].args(rung, grid, quality),
  ...["-flags:v", "+bitexact", "-video_track_timescale", String(grid.timescale)],
];

/**
 * Constant quality, since rate control would begin again in each segment, and be heard. 1 is about 110 kbit/s,
 * and never much more than 200; 1.5 took 420 for sharp beats.
 */
const AUDIO_ARGS: readonly string[] = ["-c:a", "aac", "-q:a", "1", "-flags:a", "+bitexact"];

/** One fragment, times as they are, nothing that differs between runs. `from`: seconds at which it begins. */
const muxArgs = (from: number, target: string): readonly string[] => [
  ...["-map_metadata", "-1", "-map_metadata:s", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"],
  ...["-output_ts_offset", exactSeconds(from), "-avoid_negative_ts", "disabled"],
  "-movflags",
  "+empty_moov+default_base_moof+frag_discont+skip_trailer+negative_cts_offsets",
  ...["-frag_duration", "100000000", "-f", "mp4", target],
];

/** Makes the initialisation of a video track without the source. */
export function videoInitArgs(rung: Rung, rate: Rate, grid: Grid, quality: number): readonly string[] {
  const color = `color=s=${rung.width}x${rung.height}:r=${rate.n}/${rate.d}`;
  const filters = [...scaleFilters(rung, undefined), ...FINAL_FILTERS].join(",");
  return [
    ...[...QUIET_ARGS, "-f", "lavfi", "-i", color, "-frames:v", "1", "-vf", filters],
    ...videoArgs(rung, grid, quality),
    ...muxArgs(0, "pipe:1"),
  ];
}

/** The same of the audio track. */
export const audioInitArgs = (): readonly string[] => [
  ...[...QUIET_ARGS, "-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", "-t", "0.1"],
  ...AUDIO_ARGS,
  ...muxArgs(0, "pipe:1"),
];

/** The frames of a run, in the time of the stream. */
export interface Cut {
  /** Second of the source at which the stream begins. */
  readonly start: number;
  /** Second of the stream at which the frames begin. */
  readonly from: number;
  readonly frames: number;
}

/** Second of the source at which decoding begins, at the key frame before; the filters drop the frames before the cut. */
export const seekOf = ({ start, from }: Cut, format: string) =>
  Math.max(0, start + from - (hasIndex(format) ? 0.1 : 10));

/** Whether a seek may have ended after the last key frame. */
export const isBlindSeek = (seek: number, format: string) => seek > 0 && !hasIndex(format);

/** The seek before an input. */
export const seekArgs = (at: number): readonly string[] => [
  "-noaccurate_seek",
  ...(at > 0 ? ["-ss", exactSeconds(at)] : []),
  ...["-copyts", "-start_at_zero"],
];

/**
 * Exactly the frames of a cut, at a constant rate that does not depend on where decoding began; beginning at 0. If the
 * source lacks frames at its ends, its first or last one fills the gap. `round`: which frame is shown at a time.
 */
export const cutFilters = (
  { start, from, frames }: Cut,
  rate: string,
  round?: "up" | "near",
): readonly string[] => [
  ...(start > 0 ? [`setpts=PTS-${exactSeconds(start)}/TB`] : []),
  `fps=${rate}${round ? `:round=${round}` : ""}`,
  "tpad=stop_mode=clone:stop=-1",
  `fps=${rate}:start_time=${exactSeconds(from)}`,
  `trim=end_frame=${frames}`,
  "setpts=PTS-STARTPTS",
];

/** Rungs of one segment. */
export interface VideoSegment {
  readonly video: VideoLayout;
  readonly rungs: readonly Rung[];
  readonly index: number;
  readonly quality: number;
}

/** The frames of a segment. */
export const cutOfSegment = (start: number, { video: { grid }, index }: VideoSegment): Cut => ({
  start,
  from: secondsOf(grid, firstAt(grid, index)),
  frames: framesIn(grid, index),
});

/** Encodes the rungs of a segment; the first one goes to standard output, the others to further pipes. `input`: seek and source. */
export function videoSegmentArgs(
  segment: VideoSegment,
  cut: Cut,
  probe: FileProbe,
  input: readonly string[],
  extras: Extras,
  tools: Tools,
): readonly string[] {
  const { video, rungs, quality, index } = segment;
  const { grid } = video;
  return [
    ...[...QUIET_ARGS, "-threads", "2"],
    ...(probe.video ? decoderArgs(probe.video, tools) : []),
    ...input,
    ...extras.args,
    ...["-filter_complex", filtersOf(segment, cut, probe, extras, tools)],
    ...rungs.flatMap((rung, at) => [
      ...["-map", `[v${at}]`],
      ...videoArgs(rung, grid, quality),
      ...(grid.iframesOnly ? ["-bsf:v", `setts=duration=${framesAt(grid, index)}`] : []),
      ...muxArgs(cut.from, `pipe:${at === 0 ? 1 : at + 2}`),
    ]),
  ];
}

/** Cuts the frames of a segment out, applies the steps, and scales to each rung. */
function filtersOf(
  { video: { rate, graph, matrix }, rungs }: VideoSegment,
  cut: Cut,
  probe: FileProbe,
  extras: Extras,
  tools: Tools,
): string {
  // Frames that no step changes need no common form; transparent ones do.
  const isPlain = graph.picture?.plain && !probe.video?.alpha;
  const frames = cutFilters(cut, `${rate.n}/${rate.d}`);
  const split = `split=${rungs.length}${rungs.map((_, at) => `[s${at}]`).join("")}`;
  const wired = graph.picture?.wire({ from: "cut", to: "drawn", extra: extras.label, offset: cut.from });
  const chain = isPlain
    ? [`[0:V:0]${[...frames, split].join(",")}`]
    : [`[0:V:0]${frames.join(",")}[cut]`, wired, `[drawn]${split}`];
  const sdr = isPlain && probe.video ? toSdr(probe.video, tools) : [];
  const scaled = rungs.map((rung, at) => {
    const filters = [...scaleFilters(rung, isPlain ? matrix : undefined), ...sdr, ...FINAL_FILTERS];
    return `[s${at}]${filters.join(",")}[v${at}]`;
  });
  return [...chain, ...scaled].join(";");
}

/**
 * Frames that are encoded before a segment of audio and dropped, so that each that is kept follows on its true predecessor. With 4 the first
 * two frames of every second segment differed from one continuous encode, with 5 none.
 */
const PRIMING_FRAMES = 8;
/** Seconds that decoders need to be themselves. */
const DECODER_MARGIN_SECONDS = 0.3;

/** A segment of audio. */
export interface AudioSegment {
  /** Second of the source at which the stream begins. */
  readonly start: number;
  readonly index: number;
  readonly grid: Grid;
  readonly filters: readonly string[];
  /** Of the source. */
  readonly channels: number;
}

/** Encodes one segment of audio without a click at its borders: it equals one continuous encode. `input`: what opens the source. */
export function audioSegmentArgs(segment: AudioSegment, input: readonly string[]): readonly string[] {
  const { start, index, grid, channels } = segment;
  const first = firstAt(grid, index);
  const primingFrames = first === 0 ? 1 : PRIMING_FRAMES;
  const kept = framesAt(grid, index);
  const from = first === 0 ? 0 : (first + 1 - primingFrames) * AAC_FRAME;
  const to = (first + kept + 2) * AAC_FRAME;
  const seek = start + from / SAMPLE_RATE - DECODER_MARGIN_SECONDS;
  const shift = Math.round(start * SAMPLE_RATE);
  const filters = [
    `aresample=${SAMPLE_RATE}${channels === 1 ? "" : ":ochl=stereo"}`,
    ...(channels === 1 ? stereo(1) : []),
    `asettb=1/${SAMPLE_RATE}`,
    ...segment.filters,
    `atrim=start_pts=${shift + from}:end_pts=${shift + to}`,
    `asetpts=PTS-${shift + from}`,
    // Fills gaps of the source with silence.
    "aresample=async=1:first_pts=0",
    "apad",
    `atrim=end_sample=${to - from}`,
    "asetpts=N",
  ];
  return [
    ...QUIET_ARGS,
    ...(seek > 0 ? ["-ss", exactSeconds(seek)] : []),
    ...["-copyts", "-start_at_zero"],
    ...input,
    ...["-map", "0:a:0", "-af", filters.join(",")],
    ...AUDIO_ARGS,
    ...["-bsf:a", `noise=drop=lt(n\\,${primingFrames})+gte(n\\,${primingFrames + kept})`],
    ...muxArgs(from / SAMPLE_RATE, "pipe:1"),
  ];
}
