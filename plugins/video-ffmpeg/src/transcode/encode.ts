import { MediaError, type Size } from "@mediatap/core";
import type { VideoOutput } from "@mediatap/core/steps";
import type { FileProbe } from "../probe/probe.ts";
import type { Tools } from "../process/tools.ts";
import {
  AUDIO_ENCODERS,
  type AudioCodec,
  type AudioEncoder,
  audioEncoderOf,
  type Codec,
  crfOf,
  type Encoder,
  encoderOf,
  MAX_THREADS,
} from "./encoders.ts";
import type { Graph } from "./model.ts";

/** Longest GOP, in seconds: how far a player that seeks has to decode. */
const MAX_GOP_SECONDS = 4;

/** A video output as the core fills it in. */
export type VideoOptions = Required<Omit<VideoOutput, "part">> & { readonly format: "mp4" | "webm" };

/** Combinations of format and codecs that players support. */
const CODEC_COMBINATIONS: Readonly<
  Record<"mp4" | "webm", { readonly codec: readonly string[]; readonly audio: string }>
> = {
  mp4: { codec: ["h264"], audio: "aac" },
  webm: { codec: ["vp9", "av1"], audio: "opus" },
};

/** How a track is written. */
interface Track<K, E> {
  readonly codec: K;
  /** Left out: the track is copied. */
  readonly encoder?: E;
}

/** What is written. */
export interface Recipe {
  readonly format: "mp4" | "webm";
  readonly type: string;
  readonly video?: Track<Codec, Encoder>;
  readonly audio?: Track<AudioCodec, AudioEncoder>;
  readonly quality: number;
}

/** Chooses format, codecs and encoders of a request. Throws `EINVAL` for codecs that cannot be combined, `EUNSUPPORTED` for one that ffmpeg lacks. */
export function recipeOf(request: VideoOptions, probe: FileProbe, graph: Graph, tools: Tools): Recipe {
  const { format, codec, audio: audioCodec, quality } = request;
  const together = CODEC_COMBINATIONS[format];
  const fits =
    (codec === "none" || together.codec.includes(codec)) &&
    (audioCodec === "none" || audioCodec === together.audio) &&
    codec !== audioCodec;
  if (!fits) {
    const received = `f-${format},vc-${codec},ac-${audioCodec}`;
    throw new MediaError("EINVAL", `Expected codecs that fit together but received ${received}`);
  }
  const video = codec !== "none" &&
    graph.picture && {
      codec,
      ...(!keepsVideo(codec, quality, probe, graph) && {
        encoder: encoderOf(codec, graph.picture.size, tools),
      }),
    };
  const audio = audioCodec !== "none" &&
    (probe.audio || graph.isMixed) && {
      codec: audioCodec,
      ...(!keepsAudio(audioCodec, probe, graph) && { encoder: audioEncoderOf(audioCodec, tools) }),
    };
  if (!video && !audio) {
    const missing = codec === "none" ? "a video with sound" : "a source with a video track";
    throw new MediaError("EINVAL", `Expected ${missing}`);
  }
  const type = `${video ? "video" : "audio"}/${format}`;
  return { format, type, ...(video && { video }), ...(audio && { audio }), quality };
}

/** Bits per pixel below which H.264 is not encoded again, at quality 50; twice as many for 20 points more. */
const bitsPerPixel = (quality: number) => 0.06 * 2 ** ((quality - 50) / 20);

/** Bits a second of a file that are its audio. */
const TYPICAL_AUDIO_BITRATE = 96_000;

/**
 * Whether a track is copied: if no step changes it and it has the right codec and no more bits than this server would give it. To
 * encode it again would cost time and quality, and save nothing.
 */
function keepsVideo(codec: Codec, quality: number, probe: FileProbe, graph: Graph): boolean {
  const { picture, clipped, factor } = graph;
  const { video, audio, bitrate, format, square } = probe;
  if (!video || !picture || bitrate === undefined) return false;
  const pixels = picture.size.width * picture.size.height * picture.fps;
  const isLean = (bitrate - (audio ? TYPICAL_AUDIO_BITRATE : 0)) / pixels <= bitsPerPixel(quality);
  return (
    isLean &&
    picture.plain &&
    !clipped &&
    factor === 1 &&
    video.codec === codec &&
    video.pixels === "yuv420p" &&
    video.rotation === 0 &&
    square === true &&
    video.width % 2 === 0 &&
    video.height % 2 === 0 &&
    isIndexed(format)
  );
}

const keepsAudio = (codec: AudioCodec, { audio, format }: FileProbe, graph: Graph): boolean =>
  audio?.codec === codec &&
  audio.channels <= 2 &&
  audio.rate <= 48_000 &&
  graph.audio.length === 0 &&
  !graph.clipped &&
  isIndexed(format);

/** Containers whose times can be trusted; their names by content. */
const isIndexed = (format: string) => /^(?:mov|mp4|matroska|webm)/.test(format);

/** Arguments that leave out what differs between runs or identifies the source. */
export const BITEXACT: readonly string[] = [
  ...["-map_metadata", "-1", "-map_chapters", "-1"],
  ...["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"],
];

/** Arguments that set the codecs, after the maps. */
export function codecArgs({ video, audio, quality }: Recipe, graph: Graph): readonly string[] {
  return [
    ...(video ? videoArgs(video, quality, graph) : ["-vn"]),
    ...(audio ? audioArgs(audio) : ["-an"]),
    ...["-sn", "-dn", ...BITEXACT],
  ];
}

function videoArgs({ encoder }: Track<Codec, Encoder>, quality: number, { picture }: Graph): string[] {
  if (!encoder) return ["-c:v", "copy"];
  const gop = Math.max(1, Math.round((picture?.fps ?? 25) * MAX_GOP_SECONDS));
  return [
    ...["-c:v", encoder.name, ...encoder.args, encoder.by ?? "-crf", String(crfOf(encoder, quality))],
    ...["-g", String(gop), "-pix_fmt", "yuv420p"],
    // Otherwise times are rounded to those of a constant rate.
    ...(picture?.uneven ? ["-enc_time_base:v", "1:90000"] : []),
    ...["-threads:v", String(MAX_THREADS)],
  ];
}

const audioArgs = ({ encoder }: Track<AudioCodec, AudioEncoder>): string[] =>
  encoder ? ["-c:a", encoder.name, "-b:a", String(encoder.bitrate)] : ["-c:a", "copy"];

/** Milliseconds of one core to decode a megapixel. */
const DECODE_COST = 6;
/** … and to filter it, each step. */
const FILTER_COST = 2;
/** … for a second of sound. */
const AUDIO_COST = 15;
/** Milliseconds to start a program. */
const START_COST = 100;

const areaOf = ({ width, height }: Size) => width * height;

/** Estimated milliseconds of one core. */
export function costOf({ video, audio }: Recipe, probe: FileProbe, graph: Graph): number {
  const { stretch, duration, words, picture } = graph;
  let cost = START_COST + (audio?.encoder ? AUDIO_COST * duration : duration);
  if (video?.encoder && picture && probe.video) {
    const read = (areaOf(probe.video) / 1e6) * probe.video.rate * stretch.duration;
    const written = (areaOf(picture.size) / 1e6) * picture.fps * duration;
    cost += read * (DECODE_COST + FILTER_COST) + written * (video.encoder.cost + FILTER_COST * words.length);
  }
  return Math.round(cost);
}

/** Bytes per pixel in the form that filters work on. */
const BYTES_PER_PIXEL = 1.5;
const BASE_BYTES = 60 * 1024 * 1024;
/** Frames of the source that decoder and filters buffer. */
const BUFFERED_FRAMES = 24;

/** Estimated peak of memory in bytes. */
export function memoryOf({ video }: Recipe, probe: FileProbe, graph: Graph): number {
  if (!video?.encoder || !graph.picture || !probe.video) return BASE_BYTES;
  const { frames } = video.encoder;
  return (
    BASE_BYTES +
    Math.round(
      BYTES_PER_PIXEL * (BUFFERED_FRAMES * areaOf(probe.video) + frames * areaOf(graph.picture.size)),
    )
  );
}

/** Estimated bytes of the result: of the bit rate at this quality, or that of the source. */
export function bytesOf({ video, audio, quality }: Recipe, { bitrate }: FileProbe, graph: Graph): number {
  const targetBits = graph.picture
    ? areaOf(graph.picture.size) * graph.picture.fps * bitsPerPixel(quality)
    : 0;
  const videoBits = video === undefined ? 0 : video.encoder ? targetBits : (bitrate ?? targetBits);
  return Math.ceil(((videoBits + (audio ? AUDIO_ENCODERS[audio.codec].bitrate : 0)) * graph.duration) / 8);
}

/** What is done to the two tracks, in words. */
export function describeRecipe({ video, audio, quality }: Recipe) {
  const describe = ({ codec, encoder }: Track<Codec, Encoder>) => {
    if (!encoder) return `${codec}, as it is: its bitrate is low already`;
    const scale = encoder.by === "-qp" ? "QP" : "CRF";
    return `${codec} by ${encoder.name}, ${scale} ${crfOf(encoder, quality)} of quality ${quality}`;
  };
  return {
    ...(video && { video: describe(video) }),
    ...(audio && { audio: audio.encoder ? audio.codec : `${audio.codec}, as it is` }),
  };
}
