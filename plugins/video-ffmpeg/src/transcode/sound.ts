import type { Probe } from "@mediatap/core";
import type { Graph, Piece, VideoLayer, Wires } from "./model.ts";
import { seconds } from "./units.ts";
import { wire } from "./wiring.ts";

/** Samples a second of all sound that is made. */
const RATE = 48_000;

/** The sound of a video while steps are laid out. */
export interface Track {
  readonly pieces: Piece[];
  /** How loud it is, 0 where there is nothing to hear. */
  gain: number;
  isMixed: boolean;
}

interface SoundEnds {
  /** Label of the track; left out: there is none. */
  readonly from?: string;
  readonly to: string;
  /** Filters before all others. */
  readonly first?: readonly string[];
  /** … and behind them. */
  readonly last: readonly string[];
  readonly extra: Wires["extra"];
  /** Begins all labels of its own. */
  readonly prefix: string;
}

/** Lays out the sound of a graph; what lies before its beginning is silence. */
function wireTrack(graph: Graph, audio: Probe["audio"], ends: SoundEnds): string {
  const { from, to, first = [], last, extra, prefix } = ends;
  const lasts = `atrim=duration=${seconds(graph.stretch.duration)}`;
  const silence = `${prefix}silence`;
  const form = [`aresample=${RATE}:async=1:first_pts=0`];
  // What is mixed in may begin when the sound below has ended.
  if (graph.isMixed) form.push(...stereo(audio?.channels ?? 2), "apad", lasts);
  const pieces = [...(from === undefined ? [] : [...first, ...form]), ...graph.sound, ...last];
  const track = wire(
    pieces.map((piece) => ({ piece, factor: 1 })),
    { from: from ?? silence, to, prefix, extra, offset: () => 0 },
  );
  return from === undefined ? `anullsrc=r=${RATE}:cl=stereo,${lasts}[${silence}];${track}` : track;
}

/** The sound of a whole video; `from`: the label of its track. */
export function wireSound(
  graph: Graph,
  { audio }: Probe,
  { from, to, first, extra }: Omit<SoundEnds, "prefix" | "last">,
): string {
  const last = [`aformat=sample_rates=${RATE}:channel_layouts=stereo|mono`];
  return wireTrack(graph, audio, {
    ...(audio && from && { from }),
    to,
    ...(first && { first }),
    last,
    extra,
    prefix: "s",
  });
}

/**
 * Mixes the sound of a layer in, as loud as it is; `start`: the second of what is below at which it begins, known once all is laid
 * out.
 */
export function mixed(video: VideoLayer, start: () => number): Piece {
  const { file, graph } = video;
  const { audio } = file.probe;
  return ({ from, to, label, extra }) => {
    const own = label();
    const at = start();
    const cut = [
      `atrim=start=${seconds(Math.max(0, -at))}:end=${seconds(video.seconds)}`,
      "asetpts=PTS-STARTPTS",
    ];
    const late = at > 0 ? [`adelay=${Math.round(at * RATE)}S:all=1`] : [];
    const last = [...(graph.isMixed ? [] : stereo(audio?.channels ?? 2)), ...cut, ...late];
    return [
      wireTrack(graph, audio, {
        ...(audio && { from: extra(video, "sound") }),
        to: own,
        last,
        extra,
        prefix: `${own}x`,
      }),
      `[${from}][${own}]amix=inputs=2:duration=first:dropout_transition=0:normalize=0[${to}]`,
    ];
  };
}

/** ffmpeg changes tempo by 0.5 and more at a time. */
export function tempo(factor: number): string[] {
  return factor < 0.5 ? ["atempo=0.5", ...tempo(factor / 0.5)] : [`atempo=${factor}`];
}

/** ffmpeg's own mixing takes 3 dB from a single channel. */
const stereo = (channels: number): string[] =>
  channels === 1 ? ["pan=stereo|c0=c0|c1=c0"] : ["aformat=channel_layouts=stereo"];
