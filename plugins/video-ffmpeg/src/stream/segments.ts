import type { Plan } from "@mediatap/core";
import { type Engine, renditionOf, segmentCommand } from "../engine.ts";
import { NAME } from "../options.ts";
import { collect, collectAll } from "../process/command.ts";
import { openInput } from "../read/input.ts";
import { withInputs } from "../transcode/extras.ts";
import type { Batcher } from "./batch.ts";
import { CODECS, type Rung } from "./codecs.ts";
import {
  audioInitArgs,
  audioSegmentArgs,
  cutOfSegment,
  isBlindSeek,
  seekArgs,
  seekOf,
  type VideoSegment,
  videoInitArgs,
  videoSegmentArgs,
} from "./encode.ts";
import { type Fragment, splitFragment } from "./fmp4.ts";
import { firstAt, framesAt, framesIn, type Grid, secondsOf } from "./grid.ts";
import { codecOf, rungOf, trackNameOf } from "./ladder.ts";
import type { AudioLayout, PartRequest, VideoLayout } from "./layout.ts";
import { type Remuxed, whyEncoded } from "./remux.ts";

const VIDEO_TYPE = "video/mp4";
const AUDIO_TYPE = "audio/mp4";
const MB = 1024 * 1024;
const AUDIO_MEMORY = 40 * MB;

/** A plan of this engine. */
export type PartPlan = Omit<Plan, "engine">;

/** A video track. */
export interface VideoTrack {
  readonly grid: Grid;
  readonly rung: Rung;
  readonly video: VideoLayout;
  /** Left out: it is encoded. */
  readonly remuxed?: Remuxed;
}

const qualityOf = ({ job }: PartRequest) => job.transformation.output.video?.quality ?? 50;

/** One segment of video, encoded together with those of other rungs that are queued at the same time. */
export function videoSegment(
  batcher: Batcher<Fragment>,
  request: PartRequest,
  { grid, rung, video }: VideoTrack,
  index: number,
): PartPlan {
  const { job, source, context, layout } = request;
  const { width, height, ladder, maxrate } = rung;
  const name = trackNameOf(rung);
  const codec = CODECS[ladder];
  const [base, pixel] = codec.memory;
  const quality = qualityOf(request);
  const frames = framesIn(grid, index);
  const { origin, path, etag, lastModified, size } = source.metadata;
  const key = JSON.stringify([
    NAME,
    [origin, path, etag, lastModified, size],
    job.transformation.steps,
    [index, quality, grid.iframesOnly],
    // Other codecs take too much of a machine to be encoded together.
    ladder === "h264" ? ladder : name,
  ]);
  const join = batcher.announce(key, name, context.signal, context.limits.videoQueueWait);
  const decoded = layout.probe.video ?? video.size;
  const megapixels = (one: { readonly width: number; readonly height: number }) =>
    (one.width * one.height * frames) / 1e6;
  return {
    lane: "video",
    cost: 150 + 6 * megapixels(decoded) + codec.cost * megapixels(rung),
    memory: base * MB + 30 * decoded.width * decoded.height + pixel * width * height,
    explain: () => ({
      segment: index,
      track: name,
      size: { width, height },
      codec: codecOf(rung),
      ...(!grid.iframesOnly && { made: `encoded: ${whyEncoded(rung, video.remuxed)}` }),
      maxrate,
      quality,
      from: secondsOf(grid, firstAt(grid, index)),
      frames,
      rate: video.rate,
    }),
    async run(context) {
      const { segment } = await join((names, signal) => {
        const rungs = names.map(
          (one) => rungOf(Number.parseInt(one, 10), video.size, video.rate, ladder) as Rung,
        );
        return encodeRungs({ ...request, context }, { video, rungs, index, quality }, signal);
      });
      return { ...renditionOf(segment, VIDEO_TYPE, "m4s"), width, height };
    },
  };
}

/** Several rungs of a segment by one process, which decodes once; by the names of their tracks. */
async function encodeRungs(
  { engine, job, source, context, layout: { probe, start } }: PartRequest,
  segment: VideoSegment,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Fragment>> {
  const { rungs, video } = segment;
  const tools = await engine.tools();
  const command = await segmentCommand(engine, { signal, limits: context.limits });
  const cut = cutOfSegment(start, segment);
  const seek = seekOf(cut, probe.format);
  const inputs = { source, demuxer: probe.format, graph: video.graph };
  const files = await withInputs(inputs, { job, context, tools }, async (input, extras) => {
    const run = (from: number) => {
      const args = videoSegmentArgs(segment, cut, probe, [...seekArgs(from), ...input], extras, tools);
      return collectAll({ ...command, args, pipes: rungs.length - 1, folder: extras.folder });
    };
    return await run(seek).catch((error: unknown) => {
      if (signal.aborted || !isBlindSeek(seek, probe.format)) throw error;
      return run(0);
    });
  });
  return new Map(rungs.map((rung, at) => [trackNameOf(rung), splitFragment(files[at] as Buffer)]));
}

/** What a player needs before the segments of a video track: the same as each run writes, made without the source. */
export function videoInit(request: PartRequest, { grid, rung, video }: VideoTrack): PartPlan {
  const { memory, init = copyOfInit } = CODECS[rung.ladder];
  return {
    lane: "video",
    cost: 80,
    memory: memory[0] * MB + memory[1] * rung.width * rung.height,
    explain: () => ({ init: trackNameOf(rung), codec: codecOf(rung) }),
    async run(context) {
      const args = videoInitArgs(rung, video.rate, grid, qualityOf(request));
      const file = await collect({ ...(await segmentCommand(request.engine, context)), args });
      return renditionOf(init(splitFragment(file)), VIDEO_TYPE, "mp4");
    },
  };
}

/** The rest of the file is not kept in memory. */
const copyOfInit = ({ init }: Fragment): Buffer => Buffer.from(init);

/** The same of the audio track. */
export const audioInit = (engine: Engine): PartPlan => ({
  lane: "video",
  cost: 80,
  memory: AUDIO_MEMORY,
  explain: () => ({ init: "audio" }),
  async run(context) {
    const file = await collect({ ...(await segmentCommand(engine, context)), args: audioInitArgs() });
    return renditionOf(copyOfInit(splitFragment(file)), AUDIO_TYPE, "mp4");
  },
});

/** One segment of audio. */
export function audioSegment(
  { engine, source, layout: { start, probe } }: PartRequest,
  { grid, filters }: AudioLayout,
  index: number,
): PartPlan {
  return {
    lane: "video",
    cost: 100 + 15 * secondsOf(grid, framesAt(grid, index)),
    memory: AUDIO_MEMORY,
    explain: () => ({
      segment: index,
      track: "audio",
      from: secondsOf(grid, firstAt(grid, index)),
      frames: framesAt(grid, index),
    }),
    async run(context) {
      const command = await segmentCommand(engine, context);
      using input = await openInput(source, probe.format, context);
      const segment = { start, index, grid, filters, channels: probe.audio?.channels ?? 2 };
      const file = await collect({ ...command, args: audioSegmentArgs(segment, input.args) });
      return renditionOf(splitFragment(file).segment, AUDIO_TYPE, "m4s");
    },
  };
}
