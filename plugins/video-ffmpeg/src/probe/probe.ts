import { availableParallelism } from "node:os";
import {
  createSemaphore,
  type Limits,
  MediaError,
  type Probe,
  type RenderContext,
  type Source,
  type Track,
  type VideoTrack,
} from "@mediatap/core";
import { type Command, collect, start } from "../process/command.ts";
import type { Tools } from "../process/tools.ts";
import { demuxerOf, formatOf, SNIFF_LENGTH } from "../read/demuxer.ts";
import { type Input, openInput } from "../read/input.ts";
import { type Report, type ReportedStream, readReport } from "./report.ts";

/** What this plugin knows of a file beyond what others need. Left out: another plugin has probed it. */
export interface FileProbe extends Probe {
  /** Number of streams of all kinds. */
  readonly streams?: number;
  /** Matrix of the main video track's colours, as ffmpeg names it; left out if the file does not declare one. */
  readonly matrix?: string;
  /** The main video track has square pixels. */
  readonly square?: boolean;
  /** Its frames consist of two fields each. */
  readonly interlaced?: boolean;
  /**
   * Frames a second of the main video track where they are densest; left out: they are evenly spaced, and `video.rate` is
   * their rate. Else that is their mean.
   */
  readonly peak?: number;
  /** Second of the file's own time at which its first track begins; left out: 0. */
  readonly begins?: number;
}

/** Time of a probe; of a file at an origin, which may be slow itself, longer. */
const LOCAL_TIMEOUT_MS = 5_000;
const REMOTE_TIMEOUT_MS = 15_000;
/** Bytes and microseconds of a file that are read beside its index. */
export const PROBE_LIMIT_ARGS = ["-probesize", "5000000", "-analyzeduration", "5000000"];
/** Bytes of a report: many streams with much metadata. */
export const MAX_REPORT_BYTES = 1e6;

/**
 * A file must be probed before its work has a price and can be queued. Probes have a short queue of their own: a
 * flood of new files must not start as many programs.
 */
const queue = createSemaphore(2 * availableParallelism());

/**
 * Runs ffprobe; without one, reads what ffmpeg reports. Throws `UNIDENTIFIED` for a broken file, `EBUSY` if too many probes wait.
 */
export async function probe(
  source: Source,
  context: RenderContext,
  tools: Tools,
): Promise<FileProbe | undefined> {
  const demuxer = demuxerOf(await source.peek(SNIFF_LENGTH));
  if (!demuxer) return undefined;
  const { signal, limits } = context;
  const work = async () => {
    using input = await openInput(source, demuxer, context);
    const report = await (tools.ffprobe ? runFfprobe : runFfmpeg)(tools, input, {
      signal,
      timeout: source.file === undefined ? REMOTE_TIMEOUT_MS : LOCAL_TIMEOUT_MS,
      outputBytes: MAX_REPORT_BYTES,
      stderrBytes: MAX_REPORT_BYTES,
      // It is short, and a client waits for it before anything else can start.
      niceness: 0,
    });
    return probeOf(demuxer, report.streams ?? [], report.format ?? {});
  };
  return queue.run(work, { signal, timeout: limits.queueWait });
}

type Bounds = Omit<Command, "program" | "args">;

async function runFfprobe({ ffprobe, ffmpeg }: Tools, { args }: Input, bounds: Bounds): Promise<Report> {
  const form = ["-print_format", "json", "-show_streams", "-show_format"];
  const text = await collect({
    program: ffprobe ?? ffmpeg,
    args: ["-v", "error", ...PROBE_LIMIT_ARGS, ...form, ...args],
    ...bounds,
  });
  return JSON.parse(text.toString("utf8")) as Report;
}

/** Opens a file and writes nothing. */
async function runFfmpeg({ ffmpeg }: Tools, { args }: Input, bounds: Bounds): Promise<Report> {
  const nothing = ["-map", "0:v?", "-map", "0:a?", "-c", "copy", "-t", "0", "-f", "null", "-"];
  const { done, stderr } = start({
    program: ffmpeg,
    args: ["-hide_banner", "-nostdin", "-v", "info", "-nostats", ...PROBE_LIMIT_ARGS, ...args, ...nothing],
    ...bounds,
  });
  await done;
  return readReport(stderr());
}

/** Throws `ELIMIT` for a video beyond the limits. */
export function assertWithinLimits({ duration, streams = 0, video }: FileProbe, limits: Limits): void {
  const round = (value: number) => Number(value.toFixed(2));
  const assertAtMost = (limit: number, received: number, unit: string) => {
    if (received <= limit) return;
    throw new MediaError("ELIMIT", `Expected a video of at most ${limit} ${unit} but received ${received}`);
  };
  assertAtMost(limits.videoSeconds, round(duration), "seconds");
  assertAtMost(limits.videoStreams, streams, "streams");
  if (!video) return;
  assertAtMost(limits.videoSide, Math.max(video.width, video.height), "pixels a side");
  assertAtMost(limits.videoRate, round(video.rate), "frames a second");
}

function probeOf(
  demuxer: string,
  streams: readonly ReportedStream[],
  formatReport: NonNullable<Report["format"]>,
): FileProbe {
  const video = streams.find((one) => one.codec_type === "video" && !one.disposition?.attached_pic);
  const audio = streams.find((one) => one.codec_type === "audio");
  const duration = Number(formatReport.duration ?? video?.duration ?? audio?.duration);
  if (!Number.isFinite(duration) || duration <= 0 || (!video && !audio)) {
    throw new MediaError("UNIDENTIFIED", "The source is not a readable video", { status: 400 });
  }
  const bitrate = Number(formatReport.bit_rate);
  const begins = Number(formatReport.start_time);
  const matrix = video?.color_space;
  const { rate = 0, peak } = video ? ratesOf(video) : {};
  return {
    format: formatOf(demuxer),
    duration,
    streams: streams.length,
    square: /^(?:(\d+):\1|0:1|N\/A)?$/.test(video?.sample_aspect_ratio ?? ""),
    interlaced: video !== undefined && isInterlaced(video),
    ...(Number.isFinite(bitrate) && { bitrate }),
    ...(begins && { begins }),
    ...(peak !== undefined && { peak }),
    ...(video && { video: pictureOf(video, rate) }),
    ...(matrix && matrix !== "unknown" && { matrix }),
    ...(audio && { audio: soundOf(audio) }),
    tracks: streams.map(trackOf),
  };
}

const soundOf = ({ codec_name: codec = "unknown", channels = 2, sample_rate }: ReportedStream) => ({
  codec,
  channels,
  rate: Number(sample_rate ?? 48_000),
});

function trackOf(stream: ReportedStream): Track {
  const { codec_type: type, codec_name: codec = "unknown", disposition, tags = {} } = stream;
  const spoken = tags.language ?? tags.LANGUAGE;
  const language = spoken && spoken !== "und" ? { language: spoken } : {};
  if (type === "audio") return { kind: "audio", ...soundOf(stream), ...language };
  if (type !== "video") return { kind: type === "subtitle" ? "subtitles" : "data", codec, ...language };
  if (disposition?.attached_pic) return { kind: "cover", codec };
  return { kind: "video", ...pictureOf(stream, ratesOf(stream).rate), ...language };
}

/** The orders of two fields in a frame. */
const isInterlaced = ({ field_order }: ReportedStream) => /^(?:tt|bb|tb|bt)$/.test(field_order ?? "");

/** Frames a second of a track whose file does not contain the rate. */
const DEFAULT_RATE = 25;
/** A higher rate is that of the clock, and not of the frames. */
const MAX_REPORTED_RATE = 240;
/** Up to this, the lowest rate that fits all times is that of the densest frames. */
const MAX_PEAK_RATE = 60.5;

/**
 * The mean rate of a track, and the densest if its frames are not evenly spaced. ffprobe reports the mean, and the lowest rate
 * that fits all times, as far as it has read.
 */
function ratesOf(stream: ReportedStream): { readonly rate: number; readonly peak?: number } {
  const mean = quotient(stream.avg_frame_rate);
  const baseRate = quotient(stream.r_frame_rate);
  if (!mean) return { rate: baseRate > 0 && baseRate <= MAX_REPORTED_RATE ? baseRate : DEFAULT_RATE };
  const ratio = baseRate / mean;
  if (!baseRate || isNear(ratio, 1, 0.002)) return { rate: mean };
  // Some frames were dropped, or times were rounded.
  if (isNear(ratio, 1, 0.02)) return { rate: baseRate };
  // Each field is counted.
  if (isNear(ratio, 2, 0.005) || isInterlaced(stream) || mean > MAX_PEAK_RATE) return { rate: mean };
  if (baseRate > mean && baseRate <= MAX_PEAK_RATE) return { rate: mean, peak: baseRate };
  return { rate: mean, peak: mean < 30.6 ? 30 : 60 };
}

const isNear = (value: number, to: number, tolerance: number) => Math.abs(value - to) <= tolerance;

function pictureOf(stream: ReportedStream, rate: number): VideoTrack {
  const { codec_name: codec = "unknown", pix_fmt: pixels = "yuv420p", tags = {} } = stream;
  const rotationDegrees =
    stream.side_data_list?.find(({ rotation }) => rotation !== undefined)?.rotation ?? 0;
  const quarters = (((Math.round(-rotationDegrees / 90) % 4) + 4) % 4) as 0 | 1 | 2 | 3;
  const [x = 1, y = 1] = (stream.sample_aspect_ratio ?? "1:1").split(":").map(Number);
  const stored = {
    width: Math.round((stream.width ?? 0) * (x && y ? x / y : 1)),
    height: stream.height ?? 0,
  };
  const upright = quarters % 2 === 1 ? { width: stored.height, height: stored.width } : stored;
  if (!(upright.width > 0 && upright.height > 0)) {
    throw new MediaError("UNIDENTIFIED", "The video has no size", { status: 400 });
  }
  return {
    codec,
    ...upright,
    rotation: (quarters * 90) as 0 | 90 | 180 | 270,
    rate,
    pixels,
    // VP8 and VP9 have it as a second picture, which `pix_fmt` does not show.
    alpha:
      /^(?:yuva|rgba|bgra|argb|abgr|gbrap|ya)\d*/.test(pixels) ||
      (/^vp[89]$/.test(codec) && (tags.alpha_mode ?? tags.ALPHA_MODE) === "1"),
    ...(stream.color_transfer && { transfer: stream.color_transfer }),
  };
}

function quotient(text: string | undefined): number {
  const [a = 0, b = 1] = (text ?? "0/1").split("/").map(Number);
  return b ? a / b : 0;
}
