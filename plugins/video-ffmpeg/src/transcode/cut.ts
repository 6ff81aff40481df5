import { hasIndex } from "../read/input.ts";
import type { Graph } from "./model.ts";
import { seconds } from "./units.ts";

/** How a piece is taken out of a source. */
export interface Cutting {
  /** Before the input. */
  readonly args: readonly string[];
  /** Filters before all others. */
  readonly picture: readonly string[];
  readonly sound: readonly string[];
}

/** Files whose frames last as long as they like: a piece may begin and end within one. */
const PACED: ReadonlySet<string> = new Set(["gif", "apng"]);

/** Seconds before a piece at which reading begins where key frames are not known: they are seldom further apart. */
const MARGIN = 10;

/** Cuts the piece that a graph is made of; what is decoded before it is left out by ffmpeg itself, or by filters. */
export function cutOf({ stretch: { start, duration }, clipped, picture }: Graph, demuxer: string): Cutting {
  if (!clipped) return { args: [], picture: [], sound: [] };
  const isPaced = picture !== undefined && (PACED.has(demuxer) || picture.paced);
  if (hasIndex(demuxer) && isPaced) {
    // The frame shown at the beginning may be long before it: decoding begins at the key frame before, and ends by the filters.
    const length = `duration=${seconds(duration)}`;
    return {
      args: start > 0 ? ["-noaccurate_seek", ...seek(start)] : [],
      picture: [`fps=${picture.rate}:start_time=0`, `trim=${length}`],
      sound: [`atrim=start=0:${length}`],
    };
  }
  if (hasIndex(demuxer) || (start === 0 && !isPaced)) {
    return { args: [...seek(start), "-t", seconds(duration)], picture: [], sound: [] };
  }
  const from = Math.max(0, start - MARGIN);
  const lead = start - from;
  const cut = (prefix: string) => [
    `${prefix}trim=start=${seconds(lead)}:duration=${seconds(duration)}`,
    `${prefix}setpts=PTS-${seconds(lead)}/TB`,
  ];
  return {
    args: [...seek(from), "-t", seconds(lead + duration)],
    picture: [...(isPaced ? [`fps=${picture.rate}`] : []), ...cut("")],
    sound: cut("a"),
  };
}

const seek = (at: number): string[] => (at > 0 ? ["-ss", seconds(at)] : []);

/** Filters in front of a label, under a new one. */
export const before = (label: string, filters: readonly string[], name: string) =>
  filters.length === 0
    ? { from: label, chains: [] }
    : { from: name, chains: [`[${label}]${filters.join(",")}[${name}]`] };
