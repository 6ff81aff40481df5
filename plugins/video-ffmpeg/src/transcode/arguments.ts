import type { Probe } from "@mediatap/core";
import { decoderArgs } from "../probe/colour.ts";
import type { Tools } from "../process/tools.ts";
import { before, cutOf } from "./cut.ts";
import { codecArgs, type Recipe } from "./encode.ts";
import type { Extras } from "./extras.ts";
import type { Graph } from "./model.ts";
import { wireSound } from "./sound.ts";
import { seconds } from "./units.ts";

/** What ffmpeg says of itself: errors alone. */
export const QUIET = ["-nostdin", "-hide_banner", "-v", "error", "-y"];

/** Fragments of a second, so that players can begin at once; `delay_moov`: the head knows where sound and picture begin. */
const FRAGMENTS = ["-movflags", "+frag_keyframe+delay_moov+default_base_moof", "-frag_duration", "1000000"];

/** Form in which the result is sent while it is encoded. */
const growingFormat = (format: Recipe["format"]): string[] =>
  format === "mp4" ? [...FRAGMENTS, "-f", "mp4"] : ["-cluster_time_limit", "1000", "-f", "webm"];

export interface RunParts {
  readonly recipe: Recipe;
  readonly graph: Graph;
  readonly probe: Probe;
  readonly tools: Tools;
  readonly demuxer: string;
  readonly input: readonly string[];
  readonly extras: Extras;
}

/** Arguments of the run that makes a whole video, and writes it to its standard output. */
export function runArgs({ recipe, graph, probe, tools, demuxer, input, extras }: RunParts): string[] {
  const { picture, sound, format } = recipe;
  const cut = cutOf(graph, demuxer);
  const chains: string[] = [];
  const maps: string[] = [];
  if (picture?.how === "encode" && graph.picture) {
    const { from, chains: first } = before("0:V:0", cut.picture, "cut");
    chains.push(...first, graph.picture.wire({ from, to: "picture", extra: extras.label }));
    maps.push("-map", "[picture]");
  } else if (picture) maps.push("-map", "0:V:0");
  if (sound?.how === "encode") {
    chains.push(
      wireSound(graph, probe, { from: "0:a:0", to: "sound", first: cut.sound, extra: extras.label }),
    );
    maps.push("-map", "[sound]");
  } else if (sound) maps.push("-map", "0:a:0");
  return [
    ...QUIET,
    ...cut.args,
    ...(probe.video && picture?.how === "encode" ? decoderArgs(probe.video, tools) : []),
    ...input,
    ...extras.args,
    ...(chains.length > 0 ? ["-filter_complex", chains.join(";")] : []),
    ...maps,
    ...codecArgs(recipe, graph, tools),
    ...growingFormat(format),
    "pipe:1",
  ];
}

/**
 * Arguments that bring what has grown to its final form, with an index at its beginning; nothing is encoded. `lasts`: seconds up to
 * which the last picture is shown; left out: it lasts as long as the others.
 */
export function finishArgs(format: Recipe["format"], from: string, to: string, lasts?: number): string[] {
  const demuxer = format === "mp4" ? "mov" : "matroska";
  const form =
    format === "mp4" ? ["-movflags", "+faststart", "-f", "mp4"] : ["-cues_to_front", "1", "-f", "webm"];
  return [
    ...QUIET,
    ...["-protocol_whitelist", "file", "-f", demuxer, "-i", `file:${from}`],
    ...["-map", "0", "-c", "copy", "-fflags", "+bitexact", ...form],
    ...(lasts === undefined ? [] : ["-bsf:v", lastingUntil(lasts)]),
    `file:${to}`,
  ];
}

/** Fragments do not say how long their last picture is shown; a track's length is the sum of what its pictures last. */
const lastingUntil = (end: number) =>
  `setts=pts=PTS:dts=DTS:duration='if(eq(NEXT_DTS,NOPTS),max(1,${seconds(end)}/TB-DTS+STARTDTS),DURATION)'`;
