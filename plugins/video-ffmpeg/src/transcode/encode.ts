import { MediaError, type Size } from "@mediatap/core";
import type { VideoOutput } from "@mediatap/core/steps";
import type { FileProbe } from "../probe/probe.ts";
import type { Tools } from "../process/tools.ts";
import type { Graph } from "./model.ts";

/** Threads of encoders: always as many, so that all machines write the same bytes. */
const THREADS = 4;

/** Longest GOP, in seconds: how far a player that seeks has to decode. */
const KEY_SECONDS = 4;

/** A video output as the core fills it in. */
export type VideoOptions = Required<Omit<VideoOutput, "part">> & { readonly format: "mp4" | "webm" };

type Codec = Exclude<VideoOptions["codec"], "none">;
type AudioCodec = Exclude<VideoOptions["audio"], "none">;

interface Encoder {
  readonly name: string;
  /** Constant quality: CRF at quality 0, and how much of it each point takes away. */
  readonly crf: number;
  readonly slope: number;
  /** @default "-crf" */
  readonly by?: "-qp";
  readonly args: readonly string[];
  /** Milliseconds of one core for a megapixel. */
  readonly cost: number;
  /** Frames that it buffers. */
  readonly frames: number;
  /** Pixels that each side must have. */
  readonly side?: number;
}

/**
 * Fast settings: somebody waits. Quality 50 is CRF 26 of x264, 33 of VP9 and 36 of AV1, quality 100 is 12, 13 and 15. Of two that
 * write the same codec, the first that ffmpeg has and that takes the size.
 */
const ENCODERS: Readonly<Record<Codec, readonly Encoder[]>> = {
  h264: [
    {
      name: "libx264",
      crf: 40,
      slope: 0.28,
      args: ["-preset", "veryfast", "-profile:v", "high"],
      cost: 20,
      frames: 60,
    },
  ],
  vp9: [
    {
      name: "libvpx-vp9",
      crf: 53,
      slope: 0.4,
      args: ["-b:v", "0", "-deadline", "realtime", "-cpu-used", "6", "-row-mt", "1", "-tile-columns", "2"],
      cost: 25,
      frames: 40,
    },
  ],
  av1: [
    {
      name: "libsvtav1",
      crf: 57,
      slope: 0.42,
      args: ["-preset", "10", "-svtav1-params", `lp=${THREADS}`],
      cost: 55,
      frames: 120,
      side: 64,
    },
    // libaom-av1 completes the header only with the first frame: too late for progressive output.
    { name: "librav1e", crf: 228, slope: 1.68, by: "-qp", args: ["-speed", "10"], cost: 220, frames: 60 },
  ],
};

const AUDIO: Readonly<Record<AudioCodec, { readonly name: string; readonly bitrate: number }>> = {
  aac: { name: "aac", bitrate: 128_000 },
  opus: { name: "libopus", bitrate: 96_000 },
};

/** Combinations of format and codecs that players support (reference §8.2). */
const TOGETHER: Readonly<
  Record<"mp4" | "webm", { readonly codec: readonly string[]; readonly audio: string }>
> = {
  mp4: { codec: ["h264"], audio: "aac" },
  webm: { codec: ["vp9", "av1"], audio: "opus" },
};

/** How a track is written. */
export interface Track<K> {
  readonly how: "encode" | "copy";
  readonly codec: K;
}

/** What is written. */
export interface Recipe {
  readonly format: "mp4" | "webm";
  readonly type: string;
  readonly video?: Track<Codec>;
  readonly audio?: Track<AudioCodec>;
  readonly quality: number;
}

/** Chooses what is written for a request. Throws `EINVAL` for codecs that do not go together, `EUNSUPPORTED` for one that ffmpeg lacks. */
export function recipeOf(request: VideoOptions, probe: FileProbe, graph: Graph, tools: Tools): Recipe {
  const { format, codec, audio: audioCodec, quality } = request;
  const together = TOGETHER[format];
  const fits =
    (codec === "none" || together.codec.includes(codec)) &&
    (audioCodec === "none" || audioCodec === together.audio) &&
    codec !== audioCodec;
  if (!fits) {
    const received = `f-${format},vc-${codec},ac-${audioCodec}`;
    throw new MediaError("EINVAL", `Expected codecs that fit together but received ${received}`);
  }
  const video = codec === "none" || !graph.picture ? undefined : videoTrack(codec, quality, probe, graph);
  const hasAudio = audioCodec !== "none" && (probe.audio || graph.isMixed);
  const audio = hasAudio ? audioTrack(audioCodec, probe, graph) : undefined;
  if (!video && !audio) {
    const missing = codec === "none" ? "a video with sound" : "a source with a video track";
    throw new MediaError("EINVAL", `Expected ${missing}`);
  }
  if (video?.how === "encode") encoderOf(video.codec, graph, tools);
  if (audio?.how === "encode" && !tools.encoders.has(AUDIO[audio.codec].name)) throw lacking(audio.codec);
  const type = `${video ? "video" : "audio"}/${format}`;
  return { format, type, ...(video && { video }), ...(audio && { audio }), quality };
}

/** Bits per pixel below which H.264 is not encoded again, at quality 50; twice as many for 20 points more. */
const leanAt = (quality: number) => 0.06 * 2 ** ((quality - 50) / 20);

/** Bits a second of a file that are its audio. */
const TYPICAL_AUDIO = 96_000;

/**
 * A track that no step changes is copied if it has the right codec and no more bits than this server would give it: encoding it
 * again would cost time and quality, and save nothing.
 */
function videoTrack(codec: Codec, quality: number, probe: FileProbe, graph: Graph): Track<Codec> {
  const { video, audio, bitrate, format, square } = probe;
  const { picture } = graph;
  if (!video || !picture || bitrate === undefined) return { how: "encode", codec };
  const pixels = picture.size.width * picture.size.height * picture.fps;
  const isLean = (bitrate - (audio ? TYPICAL_AUDIO : 0)) / pixels <= leanAt(quality);
  const isSame =
    picture.plain &&
    !graph.clipped &&
    graph.factor === 1 &&
    video.codec === codec &&
    video.pixels === "yuv420p" &&
    video.rotation === 0 &&
    square === true &&
    video.width % 2 === 0 &&
    video.height % 2 === 0 &&
    isIndexed(format);
  return { how: isSame && isLean ? "copy" : "encode", codec };
}

function audioTrack(codec: AudioCodec, { audio, format }: FileProbe, graph: Graph): Track<AudioCodec> {
  const isSame = audio?.codec === codec && audio.channels <= 2 && audio.rate <= 48_000;
  const isKept = isSame && graph.audio.length === 0 && !graph.clipped && isIndexed(format);
  return { how: isKept ? "copy" : "encode", codec };
}

/** Containers whose times can be trusted; their names by content. */
const isIndexed = (format: string) => /^(?:mov|mp4|matroska|webm)/.test(format);

function lacking(codec: string): MediaError {
  return new MediaError("EUNSUPPORTED", `Not supported here: this server's ffmpeg cannot write ${codec}`);
}

function encoderOf(codec: Codec, { picture }: Graph, { encoders }: Tools): Encoder {
  const shorter = picture ? Math.min(picture.size.width, picture.size.height) : Number.POSITIVE_INFINITY;
  const found = ENCODERS[codec].find(({ name, side = 0 }) => encoders.has(name) && side <= shorter);
  if (!found) throw lacking(codec);
  return found;
}

const crfOf = ({ crf, slope }: Pick<Encoder, "crf" | "slope">, quality: number): number =>
  Math.round(crf - slope * quality);

/** Arguments that leave out what differs between runs or identifies the source. */
export const BITEXACT: readonly string[] = [
  ...["-map_metadata", "-1", "-map_chapters", "-1"],
  ...["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"],
];

/** Arguments that set the codecs, after the maps. */
export function codecArgs({ video, audio, quality }: Recipe, graph: Graph, tools: Tools): readonly string[] {
  return [
    ...(video ? videoArgs(video, quality, graph, tools) : ["-vn"]),
    ...(audio ? audioArgs(audio) : ["-an"]),
    ...["-sn", "-dn", ...BITEXACT],
  ];
}

function videoArgs({ how, codec }: Track<Codec>, quality: number, graph: Graph, tools: Tools): string[] {
  if (how === "copy") return ["-c:v", "copy"];
  const encoder = encoderOf(codec, graph, tools);
  const gop = Math.max(1, Math.round((graph.picture?.fps ?? 25) * KEY_SECONDS));
  return [
    ...["-c:v", encoder.name, ...encoder.args, encoder.by ?? "-crf", String(crfOf(encoder, quality))],
    ...["-g", String(gop), "-pix_fmt", "yuv420p"],
    // Otherwise times are rounded to those of a constant rate.
    ...(graph.picture?.uneven ? ["-enc_time_base:v", "1:90000"] : []),
    ...["-threads:v", String(THREADS)],
  ];
}

function audioArgs({ how, codec }: Track<AudioCodec>): string[] {
  if (how === "copy") return ["-c:a", "copy"];
  const { name, bitrate } = AUDIO[codec];
  return ["-c:a", name, "-b:a", String(bitrate)];
}

/** Milliseconds of one core to decode a megapixel. */
const DECODE = 6;
/** … and to filter it, each step. */
const FILTER = 2;
/** … for a second of sound. */
const AUDIO_COST = 15;
/** Programs take so long to start. */
const START = 100;

const areaOf = ({ width, height }: Size) => width * height;

/** Estimated milliseconds of one core. */
export function costOf({ video, audio }: Recipe, probe: FileProbe, graph: Graph, tools: Tools): number {
  const { stretch, duration, words, picture } = graph;
  let cost = START + (audio?.how === "encode" ? AUDIO_COST * duration : duration);
  if (video?.how === "encode" && picture && probe.video) {
    const read = (areaOf(probe.video) / 1e6) * probe.video.rate * stretch.duration;
    const written = (areaOf(picture.size) / 1e6) * picture.fps * duration;
    const encode = encoderOf(video.codec, graph, tools).cost;
    cost += read * (DECODE + FILTER) + written * (encode + FILTER * words.length);
  }
  return Math.round(cost);
}

/** Bytes per pixel in the form that filters work on. */
const PIXEL = 1.5;
const BASE = 60 * 1024 * 1024;
/** Frames of the source that decoder and filters buffer. */
const BUFFERED = 24;

/** Estimated peak of memory in bytes. */
export function memoryOf({ video }: Recipe, probe: FileProbe, graph: Graph, tools: Tools): number {
  if (video?.how !== "encode" || !graph.picture || !probe.video) return BASE;
  const { frames } = encoderOf(video.codec, graph, tools);
  return BASE + Math.round(PIXEL * (BUFFERED * areaOf(probe.video) + frames * areaOf(graph.picture.size)));
}

/** Estimated bytes of the result: what is lean at this quality, or what the source has. */
export function bytesOf({ video, audio, quality }: Recipe, { bitrate }: FileProbe, graph: Graph): number {
  const lean = graph.picture ? areaOf(graph.picture.size) * graph.picture.fps * leanAt(quality) : 0;
  const videoBits = video === undefined ? 0 : video.how === "copy" ? (bitrate ?? lean) : lean;
  return Math.ceil(((videoBits + (audio ? AUDIO[audio.codec].bitrate : 0)) * graph.duration) / 8);
}

/** What is done to the two tracks, in words. */
export function describeRecipe({ video, audio, quality }: Recipe, graph: Graph, tools: Tools) {
  const describe = ({ how, codec }: Track<Codec>) => {
    if (how === "copy") return `${codec}, as it is: its bitrate is low already`;
    const encoder = encoderOf(codec, graph, tools);
    const scale = encoder.by === "-qp" ? "QP" : "CRF";
    return `${codec} by ${encoder.name}, ${scale} ${crfOf(encoder, quality)} of quality ${quality}`;
  };
  return {
    ...(video && { video: describe(video) }),
    ...(audio && { audio: audio.how === "copy" ? `${audio.codec}, as it is` : audio.codec }),
  };
}
