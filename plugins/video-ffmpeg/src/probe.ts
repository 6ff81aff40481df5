import { type Flight, MediaError, type Probe, type Source } from "@mediatap/core";
import { collect } from "./command.ts";
import { demuxerOf, openInput, SNIFF_LENGTH } from "./input.ts";
import type { Settings } from "./options.ts";
import type { Tools } from "./tools.ts";

interface FoundStream {
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly profile?: string;
  readonly level?: number;
  readonly width?: number;
  readonly height?: number;
  readonly sample_aspect_ratio?: string;
  readonly pix_fmt?: string;
  readonly color_transfer?: string;
  readonly color_space?: string;
  readonly avg_frame_rate?: string;
  readonly r_frame_rate?: string;
  readonly duration?: string;
  readonly channels?: number;
  readonly sample_rate?: string;
  readonly disposition?: { readonly attached_pic?: number };
  readonly tags?: Readonly<Record<string, string>>;
  readonly side_data_list?: readonly { readonly rotation?: number }[];
}

/** What is known of a file beyond what other plugins ask for. */
export interface FileProbe extends Probe {
  /** Of all kinds. */
  readonly streams: number;
  /** Matrix of the main picture track's colours, as ffmpeg names it; left out where the file does not say. */
  readonly matrix?: string;
  /** Pixels of the main picture track are as high as wide. */
  readonly square: boolean;
}

/** Asks ffprobe what a file is. Throws `ELIMIT` for more than the limits let through, `UNIDENTIFIED` for a broken file. */
export async function probe(
  source: Source,
  flight: Flight,
  tools: Tools,
  { niceness }: Settings,
): Promise<FileProbe | undefined> {
  const demuxer = demuxerOf(await source.peek(SNIFF_LENGTH));
  if (!demuxer) return undefined;
  if (!tools.ffprobe)
    throw new MediaError("EUNSUPPORTED", "Videos need ffprobe, which is not installed on this server");
  const input = await openInput(source, demuxer, flight);
  try {
    const text = await collect({
      program: tools.ffprobe,
      args: [
        "-v",
        "error",
        "-probesize",
        "5M",
        "-print_format",
        "json",
        "-show_streams",
        "-show_format",
        ...input.args,
      ],
      signal: flight.signal,
      timeout: 5_000,
      most: 1e6,
      niceness,
    });
    const { streams = [], format = {} } = JSON.parse(text.toString("utf8")) as {
      streams?: readonly FoundStream[];
      format?: { readonly duration?: string; readonly bit_rate?: string };
    };
    return probeOf(demuxer, streams, format);
  } finally {
    await input.close();
  }
}

function probeOf(
  format: string,
  streams: readonly FoundStream[],
  whole: { readonly duration?: string; readonly bit_rate?: string },
): FileProbe {
  const video = streams.find((one) => one.codec_type === "video" && !one.disposition?.attached_pic);
  const audio = streams.find((one) => one.codec_type === "audio");
  const duration = Number(whole.duration ?? video?.duration ?? audio?.duration);
  if (!Number.isFinite(duration) || duration <= 0 || (!video && !audio)) {
    throw new MediaError("UNIDENTIFIED", "The source is not a readable video", { status: 400 });
  }
  const bitrate = Number(whole.bit_rate);
  const matrix = video?.color_space;
  return {
    format,
    duration,
    streams: streams.length,
    square: /^(?:(\d+):\1|0:1|N\/A)?$/.test(video?.sample_aspect_ratio ?? ""),
    ...(Number.isFinite(bitrate) && { bitrate }),
    ...(video && { video: pictureOf(video) }),
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

function pictureOf(found: FoundStream): NonNullable<Probe["video"]> {
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
    rate: quotient(found.avg_frame_rate) || quotient(found.r_frame_rate) || 25,
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
