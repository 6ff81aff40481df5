import { type Grid, type Rate, secondsOf } from "../grid.ts";
import { Unfit } from "./boxes.ts";
import { beginningOf, framesOf } from "./pieces.ts";
import type { Track } from "./track.ts";

/** How short and how long a segment may be, for one of the usual length: who begins to look waits for an encoded one. */
const SHORTEST = 0.5;
const LONGEST = 1.5;

/**
 * A grid whose segments begin at key frames of a track, each as near to the usual length as can be; so only the track decides
 * them. Throws `Unfit` where key frames are too far apart.
 */
export function followedGrid(track: Track, grid: Grid, rate: Rate, start: number): Grid {
  const { frames, total } = grid;
  const cuts = cutsOf(track, grid, rate, start);
  const longest = LONGEST * frames;
  const starts = [0];
  for (let next = 0; ; ) {
    const from = starts.at(-1) as number;
    let best: number | undefined;
    for (; next < cuts.length && (cuts[next] as number) <= from + longest; next++) {
      const cut = cuts[next] as number;
      const isNearer = best === undefined || Math.abs(cut - from - frames) < Math.abs(best - from - frames);
      if (cut >= from + SHORTEST * frames && isNearer) best = cut;
      if (best !== undefined && !isNearer) break;
    }
    // What is left is short enough to be the last.
    if (total - from <= longest) break;
    if (best === undefined) {
      throw new Unfit(
        `it has no key frame within ${seconds(grid, longest)} s from ${seconds(grid, from)} s on`,
      );
    }
    starts.push(best);
  }
  return { ...grid, starts };
}

/** Frames before which all are decoded that are shown before. */
function cutsOf(track: Track, grid: Grid, rate: Rate, start: number): readonly number[] {
  const frameAt = framesOf(track, rate, start);
  const { base, lag } = beginningOf(track, grid, rate, start);
  const cuts: number[] = [];
  const end = Math.min(track.count, base + grid.total - lag);
  for (let at = base; at < end; at++)
    if (track.keys[at] === 1 && frameAt(at) === at - base + lag) cuts.push(frameAt(at));
  return cuts;
}

const seconds = (grid: Grid, frames: number) => Number(secondsOf(grid, frames).toFixed(3));
