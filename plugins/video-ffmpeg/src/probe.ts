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
  readonly avg_frame_rate?: string;
  readonly r_frame_rate?: string;
  readonly duration?: string;
  readonly channels?: number;
  readonly sample_rate?: string;
  readonly disposition?: { readonly attached_pic?: number };
  readonly side_data_list?: readonly { readonly rotation?: number }[];
}

/** Asks ffprobe what a file is. Throws `ELIMIT` for more than the limits let through, `UNIDENTIFIED` for a broken file. */
export async function probe(
  source: Source,
  flight: Flight,
  tools: Tools,
  { niceness }: Settings,
): Promise<Probe | undefined> {
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
): Probe {
  const video = streams.find((one) => one.codec_type === "video" && !one.disposition?.attached_pic);
  const audio = streams.find((one) => one.codec_type === "audio");
  const duration = Number(whole.duration ?? video?.duration ?? audio?.duration);
  if (!Number.isFinite(duration) || duration <= 0 || (!video && !audio)) {
    throw new MediaError("UNIDENTIFIED", "The source is not a readable video", { status: 400 });
  }
  const bitrate = Number(whole.bit_rate);
  return {
    format,
    duration,
    ...(Number.isFinite(bitrate) && { bitrate }),
    ...(video && { video: pictureOf(video) }),
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
  const turned = found.side_data_list?.find(({ rotation }) => rotation !== undefined)?.rotation ?? 0;
  const rotation = ((((-turned % 360) + 360) % 360) / 90) % 4;
  const [x = 1, y = 1] = (found.sample_aspect_ratio ?? "1:1").split(":").map(Number);
  const stored = { width: Math.round((found.width ?? 0) * (x && y ? x / y : 1)), height: found.height ?? 0 };
  const upright = rotation % 2 === 1 ? { width: stored.height, height: stored.width } : stored;
  return {
    codec: found.codec_name ?? "unknown",
    ...upright,
    rotation: (Math.round(rotation) * 90) as 0 | 90 | 180 | 270,
    rate: quotient(found.avg_frame_rate) || quotient(found.r_frame_rate) || 25,
    pixels: found.pix_fmt ?? "yuv420p",
    alpha:
      /a(?:$|\d|le|be)|rgba|bgra/.test(found.pix_fmt ?? "") &&
      /yuva|rgba|bgra|gbrap/.test(found.pix_fmt ?? ""),
    ...(found.color_transfer && { transfer: found.color_transfer }),
    ...(found.profile && { profile: found.profile }),
    ...(found.level !== undefined && { level: found.level }),
  };
}

function quotient(text: string | undefined): number {
  const [a = 0, b = 1] = (text ?? "0/1").split("/").map(Number);
  return b ? a / b : 0;
}
