import type { Job, Plan, Remuxable, RemuxCut, RenderContext, Source } from "@mediatap/core";
import { type Engine, renditionOf } from "../engine.ts";
import { isHdr } from "../probe/colour.ts";
import type { FileProbe } from "../probe/probe.ts";
import { withRanges } from "../read/input.ts";
import type { Graph } from "../transcode/model.ts";
import type { Rung } from "./codecs.ts";
import { firstAt, type Grid, type Rate, secondsOf } from "./grid.ts";
import { ladderOf, RUNG_NAMES, type Variant } from "./ladder.ts";

/** Video that can be packaged without encoding. */
export interface Remuxed extends Pick<Remuxable, "width" | "height" | "codec"> {
  readonly cut: RemuxCut;
}

/** A video of which a stream is requested. */
interface RemuxRequest {
  readonly engine: Engine;
  readonly job: Job;
  readonly source: Source;
  readonly context: RenderContext;
  readonly probe: FileProbe;
}

interface Result {
  /** As it was, or with the key frames of the file. */
  readonly grid: Grid;
  /** A string: why the video is encoded. */
  readonly remuxed: Remuxed | string;
}

/** Times the rate of its box that a file may have on average, and in a segment; more is encoded. */
const MAX_AVERAGE_RATIO = 1.5;
const MAX_PEAK_RATIO = 2;
/** A lower quality asks for a smaller stream than usual. */
const DEFAULT_QUALITY = 50;
/** Seconds from a file's own zero to where its first track begins, which is ours. */
const MAX_START_SECONDS = 1;

/** Finds out whether the video can be packaged without encoding, and where it is cut. Rejects if the file cannot be read. */
export async function remuxedOf(
  request: RemuxRequest,
  graph: Graph,
  rate: Rate,
  grid: Grid,
): Promise<Result> {
  const { source, context, probe } = request;
  const { video, begins = 0 } = probe;
  const encoded = (why: string): Result => ({ grid, remuxed: why });
  const reason = await reasonToEncode(request, graph, rate);
  if (reason !== undefined) return encoded(reason);
  return withRanges(source, context, async (file) => {
    const remuxer = await context.inspect("remux", file);
    if (!remuxer) return encoded("no plugin packages it without encoding");
    if ("unfit" in remuxer) return encoded(remuxer.unfit);
    const { width, height, codec } = remuxer;
    // ffmpeg and the remuxer must see the same.
    if (video?.width !== width || video.height !== height) {
      return encoded("its index contradicts its pictures");
    }
    const { total, frames } = grid;
    const { start } = graph.stretch;
    const cut = await remuxer.cut(file, { start, begins, rate, total, frames }, context.signal);
    if (typeof cut === "string") return encoded(cut);
    const remuxed = { width, height, codec, cut };
    if (!cut.starts) return { grid, remuxed };
    // Unequal segments must be of use for the rung of its size.
    const why = whyEncoded(ladderOf(RUNG_NAMES, remuxed, rate, "h264").at(-1) as Rung, remuxed);
    return why === undefined ? { grid: { ...grid, starts: cut.starts }, remuxed } : encoded(why);
  });
}

/** Why a stream is encoded, as far as it is known without reading more of the file. */
async function reasonToEncode(
  { engine, job, source, probe }: RemuxRequest,
  { picture }: Graph,
  rate: Rate,
): Promise<string | undefined> {
  const { video, begins = 0, interlaced, square } = probe;
  const { etag, lastModified } = source.metadata;
  if (!engine.settings.copy) return "copying is turned off";
  const { quality = DEFAULT_QUALITY } = job.transformation.output.video ?? {};
  if (quality < DEFAULT_QUALITY) return "less quality is asked for";
  if (video?.codec !== "h264") return "its pictures are not H.264";
  if (!(await engine.tools()).ffprobe) return "without ffprobe not enough is known of it";
  if (video.pixels !== "yuv420p" || isHdr(video)) return "browsers do not play its colours";
  if (interlaced) return "it is interlaced";
  if (!picture?.plain) return "its pictures are changed";
  if (!square || video.rotation !== 0) return "its pixels are not square, or it is to be turned";
  if (Math.abs(video.rate / (rate.n / rate.d) - 1) > 0.01) return "its rate is changed";
  if (Math.abs(begins) > MAX_START_SECONDS) return "its own time does not begin at 0";
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
  if (average > MAX_AVERAGE_RATIO * boxRate || peak > MAX_PEAK_RATIO * boxRate) {
    return `its file has ${average} bits a second, at most ${peak}`;
  }
  return undefined;
}

/** How a rung is packaged without encoding. `undefined`: it is encoded. */
export const remuxedRung = (rung: Rung, remuxed: Remuxed | string): Remuxed | undefined =>
  typeof remuxed === "string" || whyEncoded(rung, remuxed) !== undefined ? undefined : remuxed;

/** A rung that is packaged without encoding. */
export const remuxedVariant = (rung: Rung, { codec, cut }: Remuxed): Variant => ({
  ...rung,
  codec,
  average: cut.average,
  peak: cut.peak,
});

/** What a player needs before the segments of a rung that is packaged without encoding. */
export function remuxedInit({ name }: Rung, { cut, codec }: Remuxed): Omit<Plan, "engine"> {
  const init = cut.init();
  return {
    lane: "light",
    cost: 1,
    memory: init.length,
    explain: () => ({ init: String(name), codec, made: "copied" }),
    run: async () => renditionOf(init, "video/mp4", "mp4"),
  };
}

/** One segment of it: read from the file, and written with its own times. */
export function remuxedSegment(
  source: Source,
  grid: Grid,
  { name, width, height }: Rung,
  { cut, codec }: Remuxed,
  index: number,
): Omit<Plan, "engine"> {
  const segment = cut.segment(index);
  const { frames, bytes, read } = segment;
  return {
    lane: "light",
    cost: 5 + bytes / 1e6,
    memory: bytes + read,
    explain: () => ({
      segment: index,
      track: String(name),
      size: { width, height },
      codec,
      made: "copied",
      from: secondsOf(grid, firstAt(grid, index)),
      frames,
      bytes,
    }),
    run: (context) =>
      withRanges(source, context, async (file) => {
        const written = await segment.write(file, context.signal);
        return { ...renditionOf(written, "video/mp4", "m4s"), width, height };
      }),
  };
}
