import type { KeyFrames, RenderContext, Source } from "@mediatap/core";
import { collect } from "../process/command.ts";
import type { Tools } from "../process/tools.ts";
import { SNIFF_LENGTH, videoDemuxerOf } from "../read/demuxer.ts";
import { openInput } from "../read/input.ts";
import { MAX_REPORT_BYTES, PROBE_LIMIT_ARGS } from "./probe.ts";

/** Seconds from the start in which key frames are looked for: what is read of a file is bounded, and encoders repeat themselves. */
const KEY_FRAME_SECONDS = 30;

/** The distance of a video's key frames, by its packets. `undefined`: it has no video track, or there is no ffprobe. */
export async function findKeyFrames(
  source: Source,
  context: RenderContext,
  { ffprobe }: Tools,
): Promise<KeyFrames | undefined> {
  const demuxer = videoDemuxerOf(await source.peek(SNIFF_LENGTH));
  if (!demuxer || !ffprobe) return undefined;
  const { video } = (await context.inspect("probe", source)) ?? {};
  if (!video) return undefined;
  using input = await openInput(source, demuxer, context);
  const packets = ["-select_streams", "V:0", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0"];
  const bounds = ["-read_intervals", `%+${KEY_FRAME_SECONDS}`];
  const text = await collect({
    program: ffprobe,
    args: ["-v", "error", ...PROBE_LIMIT_ARGS, ...bounds, ...packets, ...input.args],
    signal: context.signal,
    timeout: context.limits.videoSegment,
    outputBytes: MAX_REPORT_BYTES,
  });
  // `1.040000,K__`
  const read = text
    .toString("latin1")
    .split("\n")
    .map((line) => ({ time: Number.parseFloat(line), isKey: line.includes(",K") }))
    .filter(({ time }) => Number.isFinite(time));
  const starts = read.filter(({ isKey }) => isKey).map(({ time }) => time);
  if (starts.length === 0) return undefined;
  const sorted = [...starts, Math.max(...read.map(({ time }) => time)) + 1 / video.rate].sort(
    (a, b) => a - b,
  );
  const interval = Math.max(...sorted.slice(1).map((time, at) => time - (sorted[at] as number)));
  return { interval: Math.round(interval * 1_000) / 1_000 };
}
