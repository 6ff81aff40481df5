import { decoderArgs } from "../probe/colour.ts";
import type { FileProbe } from "../probe/probe.ts";
import { QUIET_ARGS } from "../process/command.ts";
import type { Tools } from "../process/tools.ts";
import { fileArgs } from "../read/input.ts";
import { wireAudio } from "./audio.ts";
import { cutOf, wireCut } from "./cut.ts";
import { codecArgs, type Recipe } from "./encode.ts";
import type { Extras } from "./extras.ts";
import type { Graph } from "./model.ts";
import { seconds } from "./units.ts";

/** Fragments of a second, so that players can begin immediately; `delay_moov`: the head contains where audio and video begin. */
const FRAGMENTS = ["-movflags", "+frag_keyframe+delay_moov+default_base_moof", "-frag_duration", "1000000"];

/** The form in which the result is sent while it is encoded. */
const progressiveArgs = (format: Recipe["format"]): string[] =>
  format === "mp4" ? [...FRAGMENTS, "-f", "mp4"] : ["-cluster_time_limit", "1000", "-f", "webm"];

interface RunOptions {
  readonly recipe: Recipe;
  readonly graph: Graph;
  readonly probe: FileProbe;
  readonly tools: Tools;
  readonly demuxer: string;
  readonly input: readonly string[];
  readonly extras: Extras;
}

/** Arguments of the run that makes a whole video, and writes it to its standard output. */
export function runArgs({ recipe, graph, probe, tools, demuxer, input, extras }: RunOptions): string[] {
  const { video, audio, format } = recipe;
  const cut = cutOf(graph, demuxer);
  const extra = extras.label;
  const chains = [
    ...(video?.encoder ? [wireCut(graph, cut, { to: "video", extra })] : []),
    ...(audio?.encoder
      ? [wireAudio(graph, probe, { from: "0:a:0", to: "audio", first: cut.audio, extra })]
      : []),
  ];
  return [
    ...QUIET_ARGS,
    ...cut.args,
    ...(probe.video && video?.encoder ? decoderArgs(probe.video, tools) : []),
    ...input,
    ...extras.args,
    ...(chains.length > 0 ? ["-filter_complex", chains.join(";")] : []),
    ...(video ? ["-map", video.encoder ? "[video]" : "0:V:0"] : []),
    ...(audio ? ["-map", audio.encoder ? "[audio]" : "0:a:0"] : []),
    ...codecArgs(recipe, graph),
    ...progressiveArgs(format),
    "pipe:1",
  ];
}

/**
 * Arguments that rewrite the output to its final form, with an index at its beginning; nothing is encoded. `end`: second up to
 * which the last frame is shown; left out: it lasts as long as the others.
 */
export function finishArgs(format: Recipe["format"], from: string, to: string, end?: number): string[] {
  const form =
    format === "mp4" ? ["-movflags", "+faststart", "-f", "mp4"] : ["-cues_to_front", "1", "-f", "webm"];
  return [
    ...QUIET_ARGS,
    ...fileArgs(from, format === "mp4" ? "mov" : "matroska"),
    ...["-map", "0", "-c", "copy", "-fflags", "+bitexact", ...form],
    ...(end === undefined ? [] : ["-bsf:v", lastFrameUntil(end)]),
    `file:${to}`,
  ];
}

/** Fragments do not contain how long their last frame is shown; the length of a track is the sum of the durations. */
const lastFrameUntil = (end: number) =>
  `setts=pts=PTS:dts=DTS:duration='if(eq(NEXT_DTS,NOPTS),max(1,${seconds(end)}/TB-DTS+STARTDTS),DURATION)'`;
