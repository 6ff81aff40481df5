import type { Job, Remuxable, RemuxCut, RenderContext, Source } from "@mediatap/core";
import type { Engine } from "../engine.ts";
import { isHdr } from "../probe/colour.ts";
import type { FileProbe } from "../probe/probe.ts";
import type { Tools } from "../process/tools.ts";
import { withRanges } from "../read/ranges.ts";
import type { Graph } from "../transcode/model.ts";
import type { Grid, Rate } from "./grid.ts";
import { ladderOf, NAMES, type Offer } from "./ladder.ts";
import type { Rung } from "./rung.ts";

/** The pictures of a stream that can be packaged without encoding. */
export interface Remuxed extends Pick<Remuxable, "width" | "height" | "codec"> {
  readonly cut: RemuxCut;
}

/** A rung that is packaged so. */
export interface Copied {
  readonly cut: RemuxCut;
  readonly offer: Offer;
}

interface Stream {
  readonly engine: Engine;
  readonly job: Job;
  readonly source: Source;
  readonly context: RenderContext;
  readonly probe: FileProbe;
  readonly graph: Graph;
  readonly rate: Rate;
  readonly grid: Grid;
}

interface Result {
  /** As it was, or with the key frames of the file. */
  readonly grid: Grid;
  /** A string: why the pictures are encoded. */
  readonly remuxed: Remuxed | string;
}

/** Times the rate of its box that a file may have on average, and in a segment; more is encoded. */
const MAX_AVERAGE = 1.5;
const MAX_PEAK = 2;
/** Below it, a stream is to be smaller than usual. */
const USUAL_QUALITY = 50;
/** Seconds from a file's own zero to where its first track begins, which is ours. */
const MAX_BEGIN = 1;

/** Finds out whether pictures can be packaged without encoding, and where they are cut. Rejects if the file cannot be read. */
export async function remuxedOf(stream: Stream): Promise<Result> {
  const { engine, source, context, probe, graph, rate, grid } = stream;
  const encoded = (why: string): Result => ({ grid, remuxed: why });
  const unfit = unfitOf(stream, await engine.tools());
  if (unfit !== undefined) return encoded(unfit);
  return withRanges(source, context, async (file) => {
    const found = await context.inspect("remux", file);
    if (!found) return encoded("no plugin packages it without encoding");
    if ("unfit" in found) return encoded(found.unfit);
    const { width, height, codec } = found;
    // What ffmpeg sees has to be what the remuxer reads.
    if (probe.video?.width !== width || probe.video.height !== height) {
      return encoded("its index contradicts its pictures");
    }
    const { total, frames } = grid;
    const options = { start: graph.stretch.start, begins: probe.begins ?? 0, rate, total, frames };
    const cut = await found.cut(file, options, context.signal);
    if (typeof cut === "string") return encoded(cut);
    const remuxed = { width, height, codec, cut };
    if (!cut.starts) return { grid, remuxed };
    // Unequal segments have to be of use for the rung of its size.
    const why = whyEncoded(ladderOf(NAMES, remuxed, rate).at(-1) as Rung, remuxed);
    return why === undefined ? { grid: { ...grid, starts: cut.starts }, remuxed } : encoded(why);
  });
}

/** Why a stream is encoded, as far as it is known without reading more of the file. */
function unfitOf(
  { engine, job, source, probe, graph, rate }: Stream,
  { ffprobe }: Tools,
): string | undefined {
  const { video, begins = 0 } = probe;
  const { etag, lastModified } = source.facts;
  if (!engine.settings.copy) return "copying is turned off";
  const { quality = USUAL_QUALITY } = job.transformation.output.video ?? {};
  if (quality < USUAL_QUALITY) return "less quality is asked for";
  if (video?.codec !== "h264") return "its pictures are not H.264";
  if (!ffprobe) return "without ffprobe not enough is known of it";
  if (video.pixels !== "yuv420p" || isHdr(video)) return "browsers do not play its colours";
  if (probe.interlaced) return "it is interlaced";
  if (!graph.picture?.plain) return "its pictures are changed";
  if (!probe.square || video.rotation !== 0) return "its pixels are not square, or it is to be turned";
  if (Math.abs(video.rate / (rate.n / rate.d) - 1) > 0.01) return "its rate is changed";
  if (Math.abs(begins) > MAX_BEGIN) return "its own time does not begin at 0";
  if (etag === undefined && lastModified === undefined) return "its origin tells no versions apart";
  return undefined;
}

/** Why a rung is encoded. `undefined`: it is packaged without encoding. */
export function whyEncoded(
  { ladder, width, height, boxRate }: Rung,
  remuxed: Remuxed | string,
): string | undefined {
  if (ladder !== "h264") return "it is of another codec";
  if (typeof remuxed === "string") return remuxed;
  const { average, peak } = remuxed.cut;
  if (remuxed.width !== width || remuxed.height !== height) return "it is of another size";
  if (average > MAX_AVERAGE * boxRate || peak > MAX_PEAK * boxRate) {
    return `its file has ${average} bits a second, at most ${peak}`;
  }
  return undefined;
}

/** A rung that is packaged without encoding. */
export function copiedOf(rung: Rung, remuxed: Remuxed | string): Copied | undefined {
  if (typeof remuxed === "string" || whyEncoded(rung, remuxed) !== undefined) return undefined;
  const { cut, codec } = remuxed;
  return { cut, offer: { ...rung, codec, average: cut.average, peak: cut.peak } };
}
