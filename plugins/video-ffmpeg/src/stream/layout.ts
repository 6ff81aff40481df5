import { type Job, MediaError, type RenderContext, type Size, type Source } from "@mediatap/core";
import type { Engine } from "../engine.ts";
import { matrixOf } from "../probe/colour.ts";
import type { FileProbe } from "../probe/probe.ts";
import { graphOf } from "../transcode/graph.ts";
import type { Graph } from "../transcode/model.ts";
import { type Grid, pictureGrid, type Rate, rateOf, soundGrid } from "./grid.ts";
import { type Remuxed, remuxedOf } from "./remux.ts";

/** What a stream of a job is, found out without decoding. */
export interface Layout {
  readonly probe: FileProbe;
  /** Second of the source at which it begins. */
  readonly start: number;
  /** Seconds. */
  readonly duration: number;
  /** Left out: there are no pictures. */
  readonly pictures?: Pictures;
  /** Left out: it is silent. */
  readonly sound?: Sound;
}

export interface Pictures {
  readonly rate: Rate;
  readonly grid: Grid;
  /** As they are after the steps, before any rung; even. */
  readonly size: Size;
  /** What the steps come to. */
  readonly graph: Graph;
  /** How they can be packaged without encoding, or why they cannot. */
  readonly remuxed: Remuxed | string;
  /** How colours are to be read where the source does not say. */
  readonly matrix?: string;
}

export interface Sound {
  readonly grid: Grid;
  /** What the steps come to. */
  readonly filters: readonly string[];
}

/** Throws `EINVAL` for what is no video, and for a clip that is not within it. */
export async function layoutOf(
  job: Job,
  source: Source,
  context: RenderContext,
  engine: Engine,
): Promise<Layout> {
  const { transformation } = job;
  const probe = (await context.inspect("probe", source)) as FileProbe | undefined;
  if (!probe) throw new MediaError("EINVAL", "Expected a video");
  const { video, audio } = probe;
  const { segmentSeconds } = engine.settings;
  const rate = video && rateOf(video, probe.peak, context.limits.videoRate);
  const graph = graphOf(transformation.steps, probe, {
    limits: context.limits,
    tools: await engine.tools(),
    ...(rate && { rate: `${rate.n}/${rate.d}` }),
  });
  if (graph.factor !== 1) throw new MediaError("EUNSUPPORTED", "Not supported in streams: speed");
  const { duration } = graph;
  const { start } = graph.stretch;
  const fixed = rate && pictureGrid(rate, duration, segmentSeconds);
  return {
    probe,
    start,
    duration,
    ...(video &&
      fixed &&
      graph.picture && {
        pictures: {
          rate,
          size: graph.picture.size,
          graph,
          ...(await remuxedOf({ engine, job, source, context, probe, graph, rate, grid: fixed })),
          ...(probe.matrix === undefined && { matrix: matrixOf(video) }),
        },
      }),
    ...(audio &&
      transformation.output.video?.audio !== "none" && {
        sound: {
          grid: soundGrid(duration, segmentSeconds),
          filters: graph.sound.filter((piece) => typeof piece === "string"),
        },
      }),
  };
}
