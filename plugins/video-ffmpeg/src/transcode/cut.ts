import { hasIndex } from "../read/demuxer.ts";
import type { Graph } from "./model.ts";
import { seconds } from "./units.ts";

/** How a clip is cut from a source. */
interface Cut {
  /** Before the input. */
  readonly args: readonly string[];
  /** Filters before all others. */
  readonly video: readonly string[];
  readonly audio: readonly string[];
}

/** Formats whose frames have any duration: a clip may begin and end within one. */
const VARIABLE_DURATION_FORMATS: ReadonlySet<string> = new Set(["gif", "apng"]);

/** Seconds before a clip at which reading starts if key frames are not known: they are seldom further apart. */
const LEAD_SECONDS = 10;

/** Cuts the clip of a graph; what is decoded before it is dropped by ffmpeg itself, or by filters. */
export function cutOf({ stretch: { start, duration }, clipped, picture }: Graph, demuxer: string): Cut {
  if (!clipped) return { args: [], video: [], audio: [] };
  const isPaced = picture !== undefined && (VARIABLE_DURATION_FORMATS.has(demuxer) || picture.paced);
  if (hasIndex(demuxer) && isPaced) {
    // The frame shown at the beginning may be long before it: decoding begins at the key frame before, and the filters cut.
    const length = `duration=${seconds(duration)}`;
    return {
      args: start > 0 ? ["-noaccurate_seek", ...seek(start)] : [],
      video: [`fps=${picture.rate}:start_time=0`, `trim=${length}`],
      audio: [`atrim=start=0:${length}`],
    };
  }
  if (hasIndex(demuxer) || (start === 0 && !isPaced)) {
    return { args: [...seek(start), "-t", seconds(duration)], video: [], audio: [] };
  }
  const from = Math.max(0, start - LEAD_SECONDS);
  const lead = start - from;
  const cut = (prefix: string) => [
    `${prefix}trim=start=${seconds(lead)}:duration=${seconds(duration)}`,
    `${prefix}setpts=PTS-${seconds(lead)}/TB`,
  ];
  return {
    args: [...seek(from), "-t", seconds(lead + duration)],
    video: [...(isPaced ? [`fps=${picture.rate}`] : []), ...cut("")],
    audio: cut("a"),
  };
}

const seek = (at: number): string[] => (at > 0 ? ["-ss", seconds(at)] : []);

/** The filter graph of the frames of a source, cut first, up to the label `to`. */
export function wireCut(
  { picture }: Graph,
  { video }: Cut,
  ends: Pick<Parameters<NonNullable<Graph["picture"]>["wire"]>[0], "to" | "extra" | "more">,
): string {
  const cut = video.length > 0 ? [`[0:V:0]${video.join(",")}[cut]`] : [];
  return [...cut, picture?.wire({ from: cut.length > 0 ? "cut" : "0:V:0", ...ends })].join(";");
}
