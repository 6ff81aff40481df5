import type { Job, RenderContext, Source } from "@mediatap/core";
import type { Engine } from "../../engine.ts";
import { isHdr } from "../../probe/colour.ts";
import type { FileProbe } from "../../probe/probe.ts";
import type { Tools } from "../../process/tools.ts";
import { openBytes } from "../../read/bytes.ts";
import type { Graph } from "../../transcode/graph.ts";
import { firstAt, type Grid, type Rate, secondsOf, segmentsOf } from "../grid.ts";
import { ladderOf, NAMES, type Offer, type Rung } from "../ladder.ts";
import { isIdr } from "./avc.ts";
import { Unfit } from "./boxes.ts";
import { followedGrid } from "./follow.ts";
import { type Pieces, piecesOf, runOf } from "./pieces.ts";
import type { Track } from "./track.ts";
import { type Tracks, unfitFor } from "./tracks.ts";

/** A stream whose pictures can be packaged as they are in the file. */
export interface Copying {
  readonly track: Track;
  readonly pieces: Pieces;
}

/** A rung that is. */
export interface Copied extends Copying {
  readonly offer: Offer;
}

/** What is to be judged. */
export interface CopyRequest {
  readonly engine: Engine;
  readonly tracks: Tracks;
  readonly job: Job;
  readonly source: Source;
  readonly context: RenderContext;
  readonly probe: FileProbe;
  readonly graph: Graph;
  readonly rate: Rate;
  readonly grid: Grid;
}

/** Times the rate of its box that a file may have on the whole, and for a segment; more is encoded. */
const MOST_AVERAGE = 1.5;
const MOST_PEAK = 2;
/** Below it, a stream is to be smaller than usual. */
const USUAL_QUALITY = 50;
/** Seconds from a file's own zero to where its first track begins, which is ours. */
const MOST_BEGIN = 1;
/** Bytes of a key frame in which its kind has to be told. */
const HEAD = 4_096;

/** What was found of a track, by the stream. */
const found = new WeakMap<Track, Map<string, Judged>>();
/** Streams of a track. */
const MOST_FOUND = 100;

/** What was found out of a file. */
export interface Judged {
  /** Left as it was, or following the file's own key frames. */
  readonly grid: Grid;
  /** A string: why its pictures cannot be packaged as they are. */
  readonly copying: Copying | string;
}

/** Finds out whether pictures can be packaged as they are, and where they are cut. Rejects where the file cannot be read. */
export async function copyingOf(request: CopyRequest): Promise<Judged> {
  const { engine, tracks, source, context, graph, rate, grid } = request;
  const unfit = (error: unknown): Judged => ({ grid, copying: unfitFor(error) });
  try {
    assertFit(request, await engine.tools());
    const track = await tracks(source, context);
    assertSame(request, track);
    const known = found.get(track) ?? new Map<string, Judged>();
    found.set(track, known);
    const name = JSON.stringify([graph.stretch.start, rate, grid]);
    const before = known.get(name);
    if (before !== undefined) return before;
    const judged = await judge(request, track).catch(unfit);
    if (known.size >= MOST_FOUND) known.clear();
    known.set(name, judged);
    return judged;
  } catch (error) {
    return unfit(error);
  }
}

/** What is known without reading more. */
function assertFit({ engine, job, source, probe, graph, rate }: CopyRequest, { ffprobe }: Tools): void {
  const { video, begins = 0 } = probe;
  const { etag, lastModified } = source.facts;
  if (!engine.settings.copy) throw new Unfit("copying is turned off");
  const { quality = USUAL_QUALITY } = job.transformation.output.video ?? {};
  if (quality < USUAL_QUALITY) throw new Unfit("less quality is asked for");
  if (probe.format !== "mp4") throw new Unfit("it is no MP4");
  if (video?.codec !== "h264") throw new Unfit("its pictures are not H.264");
  if (!ffprobe) throw new Unfit("without ffprobe not enough is known of it");
  if (video.pixels !== "yuv420p" || isHdr(video)) throw new Unfit("browsers do not play its colours");
  if (probe.interlaced) throw new Unfit("it is interlaced");
  if (!graph.picture?.plain) throw new Unfit("its pictures are changed");
  if (!probe.square || video.rotation !== 0)
    throw new Unfit("its pixels are not square, or it is to be turned");
  if (Math.abs(video.rate / (rate.n / rate.d) - 1) > 0.01) throw new Unfit("its rate is changed");
  if (Math.abs(begins) > MOST_BEGIN) throw new Unfit("its own time does not begin at 0");
  if (etag === undefined && lastModified === undefined) throw new Unfit("its origin tells no versions apart");
}

/** What ffmpeg sees has to be what is read here. */
function assertSame({ probe: { video } }: CopyRequest, { width, height }: Track): void {
  if (video?.width !== width || video.height !== height)
    throw new Unfit("its index contradicts its pictures");
}

async function judge(request: CopyRequest, track: Track): Promise<Judged> {
  const { source, context } = request;
  const { grid, pieces } = cut(request, track);
  const bytes = await openBytes(source, context);
  try {
    // Some encoders call frames key frames from which pictures only recover: the second tells.
    for (let index = 0; index < Math.min(2, segmentsOf(grid)); index++) {
      const { from: at } = runOf(grid, pieces, index);
      const length = Math.min(HEAD, track.sizes[at] as number);
      if (!isIdr(await bytes.read(track.offsets[at] as number, length), track.avc)) {
        throw new Unfit(`its key frame at ${secondsOf(grid, firstAt(grid, index))} s needs others`);
      }
    }
    return { grid, copying: { track, pieces } };
  } finally {
    await bytes.close();
  }
}

/** Cuts as planned where the file has key frames there, else where it has some, if that is of use for the rung of its size. */
function cut(
  { graph, probe, rate, grid }: CopyRequest,
  own: Track,
): { readonly grid: Grid; readonly pieces: Pieces } {
  const { start } = graph.stretch;
  const track = { ...own, epoch: own.epoch + (probe.begins ?? 0) * own.timescale };
  try {
    return { grid, pieces: piecesOf(track, grid, rate, start) };
  } catch (error) {
    unfitFor(error);
  }
  const followed = followedGrid(track, grid, rate, start);
  const pieces = piecesOf(track, followed, rate, start);
  const rung = ladderOf(NAMES, track, rate).at(-1) as Rung;
  const why = whyEncoded(rung, { track, pieces });
  if (why !== undefined) throw new Unfit(why);
  return { grid: followed, pieces };
}

/** Why a rung is encoded. `undefined`: it is packaged as it is. */
export function whyEncoded(
  { ladder, width, height, boxRate }: Rung,
  copying: Copying | string,
): string | undefined {
  if (ladder !== "h264") return "it is of another codec";
  if (typeof copying === "string") return copying;
  const { track, pieces } = copying;
  if (track.width !== width || track.height !== height) return "it is of another size";
  if (pieces.average > MOST_AVERAGE * boxRate || pieces.peak > MOST_PEAK * boxRate) {
    return `its file has ${pieces.average} bits a second, at most ${pieces.peak}`;
  }
  return undefined;
}

/** A rung that is packaged as it is. */
export function copiedOf(rung: Rung, copying: Copying | string): Copied | undefined {
  if (typeof copying === "string" || whyEncoded(rung, copying) !== undefined) return undefined;
  const { average, peak } = copying.pieces;
  return { ...copying, offer: { ...rung, codec: copying.track.avc.codec, average, peak } };
}
