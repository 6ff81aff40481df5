import { MediaError, type Remuxable, type RemuxCut, type RemuxOptions, type Source } from "@mediatap/core";
import { isIdr, isWhole } from "./avc.ts";
import { Unfit, unfitFor } from "./boxes.ts";
import { type Cut, cutOf, type Run, runOf, stretchesOf } from "./cut.ts";
import { followedGrid } from "./follow.ts";
import { equalGrid, firstAt, type Grid, shortSeconds } from "./grid.ts";
import { type Reader, readerOf } from "./reader.ts";
import type { Track } from "./track.ts";
import { initOf, segmentHeader } from "./write.ts";

/** Bytes of a key frame that must contain its unit type. */
const HEAD_BYTES = 4_096;

/** Streams of one file whose cuts are kept. */
const MAX_CUTS = 100;
const cuts = new WeakMap<Track, Map<string, RemuxCut | string>>();

/** The pictures of a track, to be packaged without encoding. */
export function remuxable(track: Track): Remuxable {
  const { width, height, avc } = track;
  return {
    width,
    height,
    codec: avc.codec,
    async cut(source, options, signal) {
      const known = cuts.get(track) ?? new Map<string, RemuxCut | string>();
      cuts.set(track, known);
      const { start, begins, rate, total, frames } = options;
      const name = JSON.stringify([start, begins, rate.n, rate.d, total, frames]);
      const cut = known.get(name) ?? (await remux(track, source, options, signal).catch(unfitFor));
      if (known.size >= MAX_CUTS) known.clear();
      known.set(name, cut);
      return cut;
    },
  };
}

async function remux(
  track: Track,
  source: Source,
  options: RemuxOptions,
  signal: AbortSignal,
): Promise<RemuxCut> {
  const { grid, cut, followed } = fit(track, options);
  await assertKeys(readerOf(source, signal), track, grid, cut);
  return {
    average: cut.average,
    peak: cut.peak,
    ...(followed && { starts: grid.starts }),
    init: () => initOf(track),
    segment(index) {
      const run = runOf(grid, cut, index);
      const { from, samples } = run;
      const bytes = track.sizes.subarray(from, from + samples).reduce((sum, size) => sum + size, 0);
      return {
        frames: samples,
        bytes,
        read: stretchesOf(track, from, samples).reduce((sum, { length }) => sum + length, 0),
        async write(source, signal) {
          const samples = await samplesFrom(readerOf(source, signal), track, run);
          return Buffer.concat([segmentHeader(track, cut, run, index + 1), ...samples]);
        },
      };
    },
  };
}

/** Cuts every `frames` if the track has key frames there, else where it has some. Throws `Unfit`. */
function fit(own: Track, { start, begins, rate, total, frames }: RemuxOptions) {
  const track = { ...own, epoch: own.epoch + begins * own.timescale };
  const equal = equalGrid(rate, total, frames);
  try {
    return { grid: equal, cut: cutOf(track, equal, start), followed: false };
  } catch (error) {
    unfitFor(error);
  }
  const grid = followedGrid(track, equal, frames, start);
  return { grid, cut: cutOf(track, grid, start), followed: true };
}

/** Some encoders mark frames as key frames from which pictures only recover: the second segment shows it. Throws `Unfit`. */
async function assertKeys({ read }: Reader, track: Track, grid: Grid, cut: Cut): Promise<void> {
  for (let index = 0; index < Math.min(2, grid.starts.length); index++) {
    const { from: at } = runOf(grid, cut, index);
    const length = Math.min(HEAD_BYTES, track.sizes[at] as number);
    if (!isIdr(await read(track.offsets[at] as number, length), track.avc)) {
      throw new Unfit(`its key frame at ${shortSeconds(grid, firstAt(grid, index))} s needs others`);
    }
  }
}

/** The bytes of samples that follow each other. Throws `UNIDENTIFIED` if they are not what the file's index promises. */
async function samplesFrom(
  { read }: Reader,
  track: Track,
  { from, samples }: Run,
): Promise<readonly Buffer[]> {
  const media: Buffer[] = [];
  for (const { start, length, samples: count } of stretchesOf(track, from, samples)) {
    const stretch = await read(start, length);
    for (let row = 0; row < count; row++) {
      const at = from + media.length;
      const offset = (track.offsets[at] as number) - start;
      const sample = stretch.subarray(offset, offset + (track.sizes[at] as number));
      if (!isWhole(sample, track.avc)) {
        throw new MediaError("UNIDENTIFIED", "The video's index does not match its frames", { status: 400 });
      }
      media.push(sample);
    }
  }
  return media;
}
