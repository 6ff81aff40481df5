import { MediaError, type Probe } from "@mediatap/core";
import type { VideoOutput } from "@mediatap/core/steps";
import type { FileProbe } from "../probe/probe.ts";
import type { Tools } from "../process/tools.ts";
import type { Graph } from "./model.ts";

/** Encoders' threads: always as many, so that all machines make the same bytes of one request. */
const THREADS = 4;

/** Longest way between two key frames, in seconds: how far a player that seeks has to decode. */
const KEY_SECONDS = 4;

/** A video output as the core fills it in. */
export type VideoOptions = Required<Omit<VideoOutput, "part">> & { readonly format: "mp4" | "webm" };

type Codec = Exclude<VideoOptions["codec"], "none">;
type SoundCodec = Exclude<VideoOptions["audio"], "none">;

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
  /** Frames that it holds at a time. */
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
    // libaom-av1 tells what stands in a header only with the first picture: too late for who reads along.
    { name: "librav1e", crf: 228, slope: 1.68, by: "-qp", args: ["-speed", "10"], cost: 220, frames: 60 },
  ],
};

const SOUND: Readonly<Record<SoundCodec, { readonly name: string; readonly bitrate: number }>> = {
  aac: { name: "aac", bitrate: 128_000 },
  opus: { name: "libopus", bitrate: 96_000 },
};

/** Sets of format, sound and picture that players know (reference §8.2). */
const TOGETHER: Readonly<
  Record<"mp4" | "webm", { readonly codec: readonly string[]; readonly audio: string }>
> = {
  mp4: { codec: ["h264"], audio: "aac" },
  webm: { codec: ["vp9", "av1"], audio: "opus" },
};

/** What becomes of one of the two tracks. */
export type Track<K> =
  | { readonly how: "encode"; readonly codec: K }
  /** It goes on as it is. */
  | { readonly how: "copy"; readonly codec: K };

/** What is written. */
export interface Recipe {
  readonly format: "mp4" | "webm";
  readonly type: string;
  readonly picture?: Track<Codec>;
  readonly sound?: Track<SoundCodec>;
  readonly quality: number;
}

/**
 * Chooses what is written for a request. Throws `EINVAL` for codecs that do not go together, `EUNSUPPORTED` for one that ffmpeg
 * cannot write here.
 */
export function recipeOf(request: VideoOptions, probe: Probe, graph: Graph, tools: Tools): Recipe {
  const { format, codec, audio, quality } = request;
  const { codec: codecs, audio: own } = TOGETHER[format];
  const isSet =
    (codec === "none" || codecs.includes(codec)) && (audio === "none" || audio === own) && codec !== audio;
  if (!isSet) {
    throw new MediaError(
      "EINVAL",
      `Expected codecs that fit together but received f-${format},vc-${codec},ac-${audio}`,
    );
  }
  const picture = codec === "none" || !graph.picture ? undefined : pictureOf(codec, quality, probe, graph);
  const sound =
    audio === "none" || !(probe.audio || graph.isMixed) ? undefined : soundOf(audio, probe, graph);
  if (!picture && !sound) {
    throw new MediaError(
      "EINVAL",
      codec === "none" ? "Expected a video with sound" : "Expected a source with a video track",
    );
  }
  if (picture?.how === "encode") encoderOf(picture.codec, graph, tools);
  if (sound?.how === "encode" && !tools.encoders.has(SOUND[sound.codec].name)) throw lacking(sound.codec);
  return {
    format,
    type: `${picture ? "video" : "audio"}/${format}`,
    ...(picture && { picture }),
    ...(sound && { sound }),
    quality,
  };
}

/** Bits for a pixel of which a picture of H.264 is not made smaller any more, at quality 50; twice as many for 20 points more. */
const leanAt = (quality: number) => 0.06 * 2 ** ((quality - 50) / 20);

/** What of the bits of a file goes to its sound. */
const USUAL_SOUND = 96_000;

/**
 * A picture to which nothing is done goes on as it is where it is of the codec already and has no more bits than this server
 * would give it: encoding it again would cost time and looks, and save nothing.
 */
function pictureOf(codec: Codec, quality: number, probe: Probe, graph: Graph): Track<Codec> {
  const { video, audio, bitrate, format, square } = probe as Probe & Partial<FileProbe>;
  const { picture } = graph;
  if (!video || !picture || bitrate === undefined) return { how: "encode", codec };
  const pixels = picture.size.width * picture.size.height * picture.fps;
  const isLean = (bitrate - (audio ? USUAL_SOUND : 0)) / pixels <= leanAt(quality);
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

function soundOf(codec: SoundCodec, { audio, format }: Probe, graph: Graph): Track<SoundCodec> {
  const isSame = audio?.codec === codec && audio.channels <= 2 && audio.rate <= 48_000;
  const isKept = isSame && graph.sound.length === 0 && !graph.clipped && isIndexed(format);
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

export const crfOf = ({ crf, slope }: Pick<Encoder, "crf" | "slope">, quality: number): number =>
  Math.round(crf - slope * quality);

/** Arguments that set the codecs, behind the maps. */
export function codecArgs({ picture, sound, quality }: Recipe, graph: Graph, tools: Tools): string[] {
  return [
    ...(picture ? pictureArgs(picture, quality, graph, tools) : ["-vn"]),
    ...(sound ? soundArgs(sound) : ["-an"]),
    "-sn",
    "-dn",
    "-map_metadata",
    "-1",
    "-map_chapters",
    "-1",
    "-fflags",
    "+bitexact",
    "-flags:v",
    "+bitexact",
    "-flags:a",
    "+bitexact",
  ];
}

function pictureArgs({ how, codec }: Track<Codec>, quality: number, graph: Graph, tools: Tools): string[] {
  if (how === "copy") return ["-c:v", "copy"];
  const encoder = encoderOf(codec, graph, tools);
  const keys = Math.max(1, Math.round((graph.picture?.fps ?? 25) * KEY_SECONDS));
  return [
    "-c:v",
    encoder.name,
    ...encoder.args,
    encoder.by ?? "-crf",
    String(crfOf(encoder, quality)),
    "-g",
    String(keys),
    "-pix_fmt",
    "yuv420p",
    // Else times are rounded to what a constant rate would have.
    ...(graph.picture?.uneven ? ["-enc_time_base:v", "1:90000"] : []),
    "-threads:v",
    String(THREADS),
  ];
}

function soundArgs({ how, codec }: Track<SoundCodec>): string[] {
  if (how === "copy") return ["-c:a", "copy"];
  const { name, bitrate } = SOUND[codec];
  return ["-c:a", name, "-b:a", String(bitrate)];
}

/** Milliseconds of one core to decode a megapixel. */
const DECODE = 6;
/** … and to filter it, each step. */
const FILTER = 2;
/** … for a second of sound. */
const SOUND_COST = 15;
/** Programs take so long to start. */
const START = 100;

/** Estimated milliseconds of one core. */
export function costOf({ picture, sound }: Recipe, probe: Probe, graph: Graph, tools: Tools): number {
  const { stretch, duration, words } = graph;
  const megapixels = (size: { readonly width: number; readonly height: number }) =>
    (size.width * size.height) / 1e6;
  let cost = START + (sound?.how === "encode" ? SOUND_COST * duration : duration);
  if (picture?.how === "encode" && graph.picture && probe.video) {
    const read = megapixels(probe.video) * probe.video.rate * stretch.duration;
    const written = megapixels(graph.picture.size) * graph.picture.fps * duration;
    cost +=
      read * (DECODE + FILTER) +
      written * (encoderOf(picture.codec, graph, tools).cost + FILTER * words.length);
  }
  return Math.round(cost);
}

/** Bytes of a pixel in the form that filters work on. */
const PIXEL = 1.5;
const BASE = 60 * 1024 * 1024;
/** Frames of the source that decoder and filters hold. */
const HELD = 24;

/** Estimated peak of memory in bytes. */
export function memoryOf({ picture }: Recipe, probe: Probe, graph: Graph, tools: Tools): number {
  if (picture?.how !== "encode" || !graph.picture || !probe.video) return BASE;
  const frames = encoderOf(picture.codec, graph, tools).frames;
  const area = ({ width, height }: { readonly width: number; readonly height: number }) => width * height;
  return BASE + Math.round(PIXEL * (HELD * area(probe.video) + frames * area(graph.picture.size)));
}

/** Bytes that the result takes, about: what is lean at this quality, or what the source has. */
export function bytesOf({ picture, sound, quality }: Recipe, { bitrate }: Probe, graph: Graph): number {
  const { size, fps } = graph.picture ?? { size: { width: 0, height: 0 }, fps: 0 };
  const lean = size.width * size.height * fps * leanAt(quality);
  const pictures = picture === undefined ? 0 : picture.how === "copy" ? (bitrate ?? lean) : lean;
  return Math.ceil(((pictures + (sound ? SOUND[sound.codec].bitrate : 0)) * graph.duration) / 8);
}

/** What is done to the two tracks, in words. */
export function describeRecipe({ picture, sound, quality }: Recipe, graph: Graph, tools: Tools) {
  const wordsFor = (codec: Codec) => {
    const encoder = encoderOf(codec, graph, tools);
    const scale = encoder.by === "-qp" ? "QP" : "CRF";
    return `${codec} by ${encoder.name}, ${scale} ${crfOf(encoder, quality)} of quality ${quality}`;
  };
  return {
    ...(picture && {
      video:
        picture.how === "copy"
          ? `${picture.codec}, as it is: its bitrate is low already`
          : wordsFor(picture.codec),
    }),
    ...(sound && { audio: sound.how === "copy" ? `${sound.codec}, as it is` : sound.codec }),
  };
}
