import type { Size } from "@mediatap/core";
import { partName, slot } from "@mediatap/core/stream";
import { renditionOf, segmentCommand } from "../engine.ts";
import { decoderArgs } from "../probe/colour.ts";
import { collect, QUIET_ARGS } from "../process/command.ts";
import { BITEXACT } from "../transcode/encode.ts";
import { withInputs } from "../transcode/extras.ts";
import { graphOf } from "../transcode/graph.ts";
import { cutFilters, seekArgs, seekOf } from "./encode.ts";
import type { PartRequest, VideoLayout } from "./layout.ts";
import type { PartPlan } from "./segments.ts";
import { timestamp } from "./webvtt.ts";

/** Pixels of a thumbnail's longer side. */
const MAX_SIDE = 160;
/** Thumbnails per row and per column of a sprite sheet. */
const COLUMNS = 10;
const ROWS = 10;
const THUMBNAILS_PER_SHEET = COLUMNS * ROWS;
/** Thumbnails of a whole video, about; and the least seconds between two of them. */
const TARGET_COUNT = 120;
const MIN_INTERVAL_SECONDS = 1;

const MB = 1024 * 1024;
/** Estimated milliseconds up to which all frames are decoded; of longer videos only key frames. */
const MAX_DECODE_COST = 3_000;

/** The thumbnails of a video, for its seek bar. */
export interface Thumbnails extends Size {
  /** Whole seconds from one to the next. */
  readonly interval: number;
  readonly count: number;
}

/** Lays out the thumbnails of a video of this size that lasts `duration` seconds. */
export function thumbnailsOf({ width, height }: Size, duration: number): Thumbnails {
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  const even = (length: number) => Math.max(2, 2 * Math.round((length * scale) / 2));
  const interval = Math.max(MIN_INTERVAL_SECONDS, Math.ceil(duration / TARGET_COUNT));
  return {
    width: even(width),
    height: even(height),
    interval,
    count: Math.max(1, Math.ceil(duration / interval)),
  };
}

export const sheetsOf = ({ count }: Thumbnails) => Math.ceil(count / THUMBNAILS_PER_SHEET);

/** The part of a sprite sheet for each time: WebVTT, with the fragments of Media Fragments URI. */
export function thumbnailTrack({ width, height, interval, count }: Thumbnails, duration: number): string {
  const cues = Array.from({ length: count }, (_, index) => {
    const position = index % THUMBNAILS_PER_SHEET;
    const sheet = slot(partName({ kind: "sheet", index: Math.floor(index / THUMBNAILS_PER_SHEET) }));
    const [x, y] = [(position % COLUMNS) * width, Math.floor(position / COLUMNS) * height];
    const end = Math.min(duration, (index + 1) * interval);
    return `${timestamp(index * interval)} --> ${timestamp(end)}\n${sheet}#xywh=${x},${y},${width},${height}\n`;
  });
  return `WEBVTT\n\n${cues.join("\n")}`;
}

/** A sprite sheet by one run. If decoding all frames would take long, only key frames are decoded, and only they are read. */
export function spriteSheet(
  { engine, job, source, layout }: PartRequest,
  { matrix }: VideoLayout,
  thumbnails: Thumbnails,
  sheet: number,
): PartPlan {
  const { probe, start } = layout;
  const { width, height, interval } = thumbnails;
  const count = Math.min(THUMBNAILS_PER_SHEET, thumbnails.count - sheet * THUMBNAILS_PER_SHEET);
  const [columns, rows] = [Math.min(COLUMNS, count), Math.ceil(count / COLUMNS)];
  const megapixels = ((probe.video?.width ?? 0) * (probe.video?.height ?? 0)) / 1e6;
  const decodeCost = 3 * megapixels * (probe.video?.rate ?? 25) * interval * count;
  const exact = decodeCost <= MAX_DECODE_COST;
  const color = `${matrix ? `:in_color_matrix=${matrix}` : ""}:out_color_matrix=bt601:out_range=pc`;
  const last = [
    `scale=${width}:${height}:flags=bicubic${color},setsar=1,format=yuvj420p`,
    `tile=${columns}x${rows}:nb_frames=${count}`,
  ].join(",");
  return {
    lane: "video",
    cost: 100 + (exact ? decodeCost : 20 * megapixels * count),
    memory: 40 * MB + 30e6 * megapixels,
    explain: () => ({ sheet, pictures: count, interval, frames: exact ? "all" : "key" }),
    async run(context) {
      const tools = await engine.tools();
      const command = await segmentCommand(engine, context);
      const rate = `1/${interval}`;
      const graph = graphOf(job.transformation.steps, probe, { limits: context.limits, tools, rate });
      const cut = { start, from: sheet * THUMBNAILS_PER_SHEET * interval, frames: count };
      // The last frame that is not after its time; of key frames the nearest.
      const frames = cutFilters(cut, rate, exact ? "up" : "near").join(",");
      const inputs = { source, demuxer: probe.format, graph };
      const bytes = await withInputs(inputs, { job, context, tools }, (input, { args, label, folder }) => {
        const wired = graph.picture?.wire({ from: "cut", to: "drawn", extra: label, offset: cut.from });
        return collect({
          ...command,
          args: [
            ...[...QUIET_ARGS, "-threads", "2"],
            ...(exact ? [] : ["-skip_frame", "nokey", "-discard:v", "nokey"]),
            ...(probe.video ? decoderArgs(probe.video, tools) : []),
            ...[...seekArgs(seekOf(cut, probe.format)), ...input, ...args],
            ...["-filter_complex", `[0:V:0]${frames}[cut];${wired};[drawn]${last}[sheet]`],
            ...["-map", "[sheet]", "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "5", "-threads:v", "1"],
            ...[...BITEXACT, "-f", "image2pipe", "pipe:1"],
          ],
          folder,
        });
      });
      return { ...renditionOf(bytes, "image/jpeg", "jpeg"), width: width * columns, height: height * rows };
    },
  };
}
