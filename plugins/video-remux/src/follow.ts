import { Unfit } from "./boxes.ts";
import { beginningOf, framesOf } from "./cut.ts";
import { type Grid, shortSeconds } from "./grid.ts";
import type { Track } from "./track.ts";

/** Shortest and longest segment, as ratios of the usual length: a viewer who starts playback waits for an encoded one. */
const MIN_SEGMENT_RATIO = 0.5;
const MAX_SEGMENT_RATIO = 1.5;

/**
 * A grid whose segments begin at key frames of a track, each as near to `frames` as possible; so only the track decides them.
 * Throws `Unfit` if key frames are too far apart.
 */
export function followedGrid(track: Track, grid: Grid, frames: number, start: number): Grid {
  const { total } = grid;
  const cuts = cutsOf(track, grid, start);
  const maxFrames = MAX_SEGMENT_RATIO * frames;
  const starts = [0];
  for (let next = 0; ; ) {
    const from = starts.at(-1) as number;
    let best: number | undefined;
    for (; next < cuts.length && (cuts[next] as number) <= from + maxFrames; next++) {
      const cut = cuts[next] as number;
      const isNearer = best === undefined || Math.abs(cut - from - frames) < Math.abs(best - from - frames);
      if (cut >= from + MIN_SEGMENT_RATIO * frames && isNearer) best = cut;
      if (best !== undefined && !isNearer) break;
    }
    // What is left is short enough to be the last.
    if (total - from <= maxFrames) break;
    if (best === undefined) {
      throw new Unfit(
        `it has no key frame within ${shortSeconds(grid, maxFrames)} s from ${shortSeconds(grid, from)} s on`,
      );
    }
    starts.push(best);
  }
  return { ...grid, starts };
}

/** Key frames of the track before which all frames are decoded that are shown before. */
function cutsOf(track: Track, grid: Grid, start: number): readonly number[] {
  const frameAt = framesOf(track, grid, start);
  const { base, lag } = beginningOf(track, grid, start);
  const cuts: number[] = [];
  const end = Math.min(track.count, base + grid.total - lag);
  for (let at = base; at < end; at++)
    if (track.keys[at] === 1 && frameAt(at) === at - base + lag) cuts.push(frameAt(at));
  return cuts;
}
