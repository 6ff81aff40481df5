import { MediaError, type Probe, type RenderContext, type Source } from "@mediatap/core";
import { type Command, collect, start } from "../process/command.ts";
import { inTurn } from "../process/queue.ts";
import type { Tools } from "../process/tools.ts";
import { demuxerOf, formatOf, type Input, openInput, SNIFF_LENGTH } from "../read/input.ts";
import { type Found, type FoundStream, readReport } from "./report.ts";

/** What is known of a file beyond what other plugins ask for. */
export interface FileProbe extends Probe {
  /** Of all kinds. */
  readonly streams: number;
  /** Matrix of the main picture track's colours, as ffmpeg names it; left out where the file does not say. */
  readonly matrix?: string;
  /** Pixels of the main picture track are as high as wide. */
  readonly square: boolean;
  /** Each picture of the main track is two, of every other line. */
  readonly interlaced: boolean;
  /**
   * Frames a second of the main picture track where they are densest; left out: they follow each other evenly, and `video.rate` is
   * their rate. Else that is their mean.
   */
  readonly peak?: number;
  /** Second of the file's own time at which its first track begins; left out: 0. */
  readonly begins?: number;
}

/** Milliseconds of a probe; of a file at an origin, which may be slow itself, longer. */
const TIME = 5_000;
const REMOTE_TIME = 15_000;
/** Bytes and microseconds of a file that are looked at beside its index. */
const BOUNDS = ["-probesize", "5000000", "-analyzeduration", "5000000"];
/** Bytes of an answer: many streams with much metadata. */
const MOST = 1e6;

/**
 * Asks ffprobe what a file is; where there is none, reads what ffmpeg reports. Throws `UNIDENTIFIED` for a broken file, `EBUSY`
 * where too many wait.
 */
export async function probe(
  source: Source,
  context: RenderContext,
  tools: Tools,
): Promise<FileProbe | undefined> {
  const demuxer = demuxerOf(await source.peek(SNIFF_LENGTH));
  if (!demuxer) return undefined;
  return inTurn(context, async () => {
    const input = await openInput(source, demuxer, context);
    try {
      const found = await (tools.ffprobe ? ask : listen)(tools, input, {
        signal: context.signal,
        timeout: source.file === undefined ? REMOTE_TIME : TIME,
        most: MOST,
        // It is short, and somebody waits for it before anything else can begin.
        niceness: 0,
      });
      return probeOf(demuxer, found.streams ?? [], found.format ?? {});
    } finally {
      await input.close();
    }
  });
}

type Bounds = Pick<Command, "signal" | "timeout" | "most" | "niceness">;

async function ask({ ffprobe, ffmpeg }: Tools, { args }: Input, bounds: Bounds): Promise<Found> {
  const form = ["-print_format", "json", "-show_streams", "-show_format"];
  const text = await collect({
    program: ffprobe ?? ffmpeg,
    args: ["-v", "error", ...BOUNDS, ...form, ...args],
    ...bounds,
  });
  return JSON.parse(text.toString("utf8")) as Found;
}

/** Has ffmpeg open a file and write nothing. */
async function listen({ ffmpeg }: Tools, { args }: Input, bounds: Bounds): Promise<Found> {
  const nothing = ["-map", "0:v?", "-map", "0:a?", "-c", "copy", "-t", "0", "-f", "null", "-"];
  const { done, said } = start({
    program: ffmpeg,
    args: ["-hide_banner", "-nostdin", "-v", "info", "-nostats", ...BOUNDS, ...args, ...nothing],
    hear: MOST,
    ...bounds,
  });
  await done;
  return readReport(said());
}

function probeOf(
  demuxer: string,
  streams: readonly FoundStream[],
  whole: NonNullable<Found["format"]>,
): FileProbe {
  const video = streams.find((one) => one.codec_type === "video" && !one.disposition?.attached_pic);
  const audio = streams.find((one) => one.codec_type === "audio");
  const duration = Number(whole.duration ?? video?.duration ?? audio?.duration);
  if (!Number.isFinite(duration) || duration <= 0 || (!video && !audio)) {
    throw new MediaError("UNIDENTIFIED", "The source is not a readable video", { status: 400 });
  }
  const bitrate = Number(whole.bit_rate);
  const begins = Number(whole.start_time);
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
    ...(audio && {
      audio: {
        codec: audio.codec_name ?? "unknown",
        channels: audio.channels ?? 2,
        rate: Number(audio.sample_rate ?? 48_000),
      },
    }),
  };
}

/** Fields of two moments in each frame. */
const isInterlaced = ({ field_order }: FoundStream) => /^(?:tt|bb|tb|bt)$/.test(field_order ?? "");

/** Frames a second of a track whose file does not say. */
const USUAL_RATE = 25;
/** Above this a rate is that of a clock which times are counted by, and frames do not follow each other as fast. */
const FASTEST_RATE = 240;
/** Up to this, the rate that all times fit is taken for that of the densest frames. */
const FASTEST_PEAK = 60.5;

/**
 * The mean rate of a track, and the densest where its frames are not spaced evenly. ffprobe reports the mean, and the lowest rate
 * that all times fit, as far as it has read.
 */
function ratesOf(found: FoundStream): { readonly rate: number; readonly peak?: number } {
  const mean = quotient(found.avg_frame_rate);
  const fitting = quotient(found.r_frame_rate);
  if (!mean) return { rate: fitting > 0 && fitting <= FASTEST_RATE ? fitting : USUAL_RATE };
  const ratio = fitting / mean;
  if (!fitting || isNear(ratio, 1, 0.002)) return { rate: mean };
  // Frames that were dropped here and there, or times that were rounded.
  if (isNear(ratio, 1, 0.02)) return { rate: fitting };
  // Each field is counted.
  if (isNear(ratio, 2, 0.005) || isInterlaced(found) || mean > FASTEST_PEAK) return { rate: mean };
  if (fitting > mean && fitting <= FASTEST_PEAK) return { rate: mean, peak: fitting };
  return { rate: mean, peak: mean < 30.6 ? 30 : 60 };
}

const isNear = (value: number, to: number, most: number) => Math.abs(value - to) <= most;

function pictureOf(found: FoundStream, rate: number): NonNullable<Probe["video"]> {
  const { codec_name: codec = "unknown", pix_fmt: pixels = "yuv420p", tags = {} } = found;
  const turned = found.side_data_list?.find(({ rotation }) => rotation !== undefined)?.rotation ?? 0;
  const quarters = (((Math.round(-turned / 90) % 4) + 4) % 4) as 0 | 1 | 2 | 3;
  const [x = 1, y = 1] = (found.sample_aspect_ratio ?? "1:1").split(":").map(Number);
  const stored = { width: Math.round((found.width ?? 0) * (x && y ? x / y : 1)), height: found.height ?? 0 };
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
    // In VP8 and VP9 it is a picture of its own beside the one that is told of.
    alpha:
      /^(?:yuva|rgba|bgra|argb|abgr|gbrap|ya)\d*/.test(pixels) ||
      (/^vp[89]$/.test(codec) && (tags.alpha_mode ?? tags.ALPHA_MODE) === "1"),
    ...(found.color_transfer && { transfer: found.color_transfer }),
    ...(found.profile && { profile: found.profile }),
    ...(found.level !== undefined && { level: found.level }),
  };
}

function quotient(text: string | undefined): number {
  const [a = 0, b = 1] = (text ?? "0/1").split("/").map(Number);
  return b ? a / b : 0;
}
