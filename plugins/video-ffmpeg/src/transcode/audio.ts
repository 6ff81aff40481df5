import type { Probe } from "@mediatap/core";
import type { Filter, Graph, Links, VideoLayer } from "./model.ts";
import { seconds } from "./units.ts";
import { wire } from "./wiring.ts";

/** Samples a second of all audio that is encoded. */
const SAMPLE_RATE = 48_000;

interface AudioEnds {
  /** Label of the track; left out: there is none. */
  readonly from?: string;
  readonly to: string;
  /** Filters before all others. */
  readonly first?: readonly string[];
  /** … and after them. */
  readonly last: readonly string[];
  readonly extra: Links["extra"];
  /** Begins all its own labels. */
  readonly prefix: string;
}

/** Adds the audio of a graph; before its beginning it is silent. */
function wireTrack(graph: Graph, audio: Probe["audio"], ends: AudioEnds): string {
  const { from, to, first = [], last, extra, prefix } = ends;
  const duration = `atrim=duration=${seconds(graph.stretch.duration)}`;
  const silence = `${prefix}silence`;
  const form = [`aresample=${SAMPLE_RATE}:async=1:first_pts=0`];
  // What is mixed in may begin after the audio below has ended.
  if (graph.isMixed) form.push(...stereo(audio?.channels), "apad", duration);
  const filters: Filter[] = [...(from === undefined ? [] : [...first, ...form]), ...graph.audio, ...last];
  const track = wire(
    filters.map((filter) => ({ filter, factor: 1 })),
    { from: from ?? silence, to, prefix, extra, offset: () => 0 },
  );
  return from === undefined ? `anullsrc=r=${SAMPLE_RATE}:cl=stereo,${duration}[${silence}];${track}` : track;
}

/** The audio of a whole video; `from`: the label of its track. */
export function wireAudio(
  graph: Graph,
  { audio }: Probe,
  { from, ...ends }: Required<Omit<AudioEnds, "prefix" | "last">>,
): string {
  const last = [`aformat=sample_rates=${SAMPLE_RATE}:channel_layouts=stereo|mono`];
  return wireTrack(graph, audio, { ...(audio && { from }), ...ends, last, prefix: "s" });
}

/** Mixes the audio of a layer in; `start`: the second of what is below at which it begins, known when all steps are added. */
export function mixed(layer: VideoLayer, start: () => number): Filter {
  const { file, graph } = layer;
  const { audio } = file.probe;
  return ({ from, to, label, extra }) => {
    const own = label();
    const at = start();
    const last = [
      ...(graph.isMixed ? [] : stereo(audio?.channels)),
      `atrim=start=${seconds(Math.max(0, -at))}:end=${seconds(layer.seconds)}`,
      "asetpts=PTS-STARTPTS",
      ...(at > 0 ? [`adelay=${Math.round(at * SAMPLE_RATE)}S:all=1`] : []),
    ];
    const ends = { ...(audio && { from: extra(layer, "audio") }), to: own, last, extra, prefix: `${own}x` };
    return [
      wireTrack(graph, audio, ends),
      `[${from}][${own}]amix=inputs=2:duration=first:dropout_transition=0:normalize=0[${to}]`,
    ];
  };
}

/** ffmpeg changes tempo by 0.5 and more at a time. */
export function tempo(factor: number): string[] {
  return factor < 0.5 ? ["atempo=0.5", ...tempo(factor / 0.5)] : [`atempo=${factor}`];
}

/** ffmpeg's own downmix takes 3 dB from a single channel. */
export const stereo = (channels = 2): string[] =>
  channels === 1 ? ["pan=stereo|c0=c0|c1=c0"] : ["aformat=channel_layouts=stereo"];
