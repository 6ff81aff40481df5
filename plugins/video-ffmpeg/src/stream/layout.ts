import { type Job, MediaError, type RenderContext, type Size, type Source } from "@mediatap/core";
import type { Engine } from "../engine.ts";
import { matrixOf } from "../probe/colour.ts";
import type { FileProbe } from "../probe/probe.ts";
import { graphOf } from "../transcode/graph.ts";
import type { Graph } from "../transcode/model.ts";
import { audioGrid, type Grid, type Rate, rateOf, videoGrid } from "./grid.ts";
import { type Remuxed, remuxedOf } from "./remux.ts";

/** A part of a stream that is requested. */
export interface PartRequest {
  readonly engine: Engine;
  readonly job: Job;
  readonly source: Source;
  readonly context: RenderContext;
  readonly layout: Layout;
}

/** What the stream of a job consists of, known without decoding. */
export interface Layout {
  readonly probe: FileProbe;
  /** Second of the source at which it begins. */
  readonly start: number;
  /** Seconds. */
  readonly duration: number;
  /** Left out: there is no video track. */
  readonly video?: VideoLayout;
  /** Left out: it is silent. */
  readonly audio?: AudioLayout;
}

export interface VideoLayout {
  readonly rate: Rate;
  readonly grid: Grid;
  /** Of the frames after the steps, before any rung; even. */
  readonly size: Size;
  readonly graph: Graph;
  /** How the video can be packaged without encoding, or why it cannot. */
  readonly remuxed: Remuxed | string;
  /** The matrix of the colours if the source does not declare one. */
  readonly matrix?: string;
}

export interface AudioLayout {
  readonly grid: Grid;
  readonly filters: readonly string[];
}

/** Throws `EINVAL` for what is no video, and for a clip that is not within it. */
export async function layoutOf(
  engine: Engine,
  job: Job,
  source: Source,
  context: RenderContext,
): Promise<Layout> {
  const { steps, output } = job.transformation;
  const { limits } = context;
  const probe: FileProbe | undefined = await context.inspect("probe", source);
  if (!probe) throw new MediaError("EINVAL", "Expected a video");
  const { video, audio, matrix } = probe;
  const { segmentSeconds } = engine.settings;
  const rate = video && rateOf(video, probe.peak, limits.videoRate);
  const tools = await engine.tools();
  const graph = graphOf(steps, probe, { limits, tools, ...(rate && { rate: `${rate.n}/${rate.d}` }) });
  if (graph.factor !== 1) throw new MediaError("EUNSUPPORTED", "Not supported in streams: speed");
  const { duration, stretch, picture } = graph;
  const grid = rate && videoGrid(rate, duration, segmentSeconds);
  return {
    probe,
    start: stretch.start,
    duration,
    ...(grid &&
      picture && {
        video: {
          rate,
          size: picture.size,
          graph,
          ...(await remuxedOf({ engine, job, source, context, probe }, graph, rate, grid)),
          ...(matrix === undefined && { matrix: matrixOf(video) }),
        },
      }),
    ...(audio &&
      output.video?.audio !== "none" && {
        audio: {
          grid: audioGrid(duration, segmentSeconds),
          filters: graph.audio.filter((filter) => typeof filter === "string"),
        },
      }),
  };
}
