import { MediaError, type Size } from "@mediatap/core";
import type { VideoOutput } from "@mediatap/core/steps";
import type { Tools } from "../process/tools.ts";

/** Threads of encoders: always as many, so that all machines write the same bytes. */
export const MAX_THREADS = 4;

export type Codec = Exclude<VideoOutput["codec"], "none" | undefined>;
export type AudioCodec = Exclude<VideoOutput["audio"], "none" | undefined>;

export interface Encoder {
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
      args: ["-preset", "10", "-svtav1-params", `lp=${MAX_THREADS}`],
      cost: 55,
      frames: 120,
      side: 64,
    },
    // libaom-av1 completes the header only with the first frame: too late for progressive output.
    { name: "librav1e", crf: 228, slope: 1.68, by: "-qp", args: ["-speed", "10"], cost: 220, frames: 60 },
  ],
};

export interface AudioEncoder {
  readonly name: string;
  /** Bits a second. */
  readonly bitrate: number;
}

export const AUDIO_ENCODERS: Readonly<Record<AudioCodec, AudioEncoder>> = {
  aac: { name: "aac", bitrate: 128_000 },
  opus: { name: "libopus", bitrate: 96_000 },
};

function missingEncoder(codec: string): MediaError {
  return new MediaError("EUNSUPPORTED", `Not supported here: this server's ffmpeg cannot write ${codec}`);
}

/** Throws `EUNSUPPORTED` if ffmpeg has none for frames of this size. */
export function encoderOf(codec: Codec, { width, height }: Size, { encoders }: Tools): Encoder {
  const available = ENCODERS[codec].find(
    ({ name, side = 0 }) => encoders.has(name) && side <= Math.min(width, height),
  );
  if (!available) throw missingEncoder(codec);
  return available;
}

/** Throws `EUNSUPPORTED` if ffmpeg has none. */
export function audioEncoderOf(codec: AudioCodec, { encoders }: Tools): AudioEncoder {
  const encoder = AUDIO_ENCODERS[codec];
  if (!encoders.has(encoder.name)) throw missingEncoder(codec);
  return encoder;
}

/** Constant quality of an encoder at a quality of 0 to 100. */
export const crfOf = ({ crf, slope }: Pick<Encoder, "crf" | "slope">, quality: number): number =>
  Math.round(crf - slope * quality);
