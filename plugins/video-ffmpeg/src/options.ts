import { z } from "zod";

export const NAME = "video-ffmpeg";
export const VERSION = "0.1.0";

/** Only letters, digits and hyphens: it becomes part of file names. */
function isLanguage(text: string): boolean {
  try {
    return /^[A-Za-z\d-]{2,35}$/.test(text) && new Intl.Locale(text).language !== "";
  } catch {
    return false;
  }
}

export const videoFfmpegSchema = z.strictObject({
  ffmpeg: z.string().min(1).optional(),
  ffprobe: z.string().min(1).optional(),
  segmentSeconds: z.number().min(1).max(20).default(4),
  copy: z.boolean().default(true),
  delivery: z.enum(["stream", "wait"]).default("stream"),
  ladders: z
    .array(z.enum(["h264", "av1", "hevc"]))
    .refine((all) => all[0] === "h264" && new Set(all).size === all.length, "h264 first, and each codec once")
    .default(["h264"]),
  niceness: z.int().min(0).max(19).default(10),
  stillSeek: z.enum(["exact", "keyframe"]).default("exact"),
  poster: z.enum(["first", "smart"]).default("first"),
  subtitles: z.array(z.string().refine(isLanguage, "a language such as en or pt-BR")).max(20).default([]),
});

export interface VideoFfmpegOptions {
  /** Path of the program. @default `FFMPEG_BIN`, then that of `ffmpeg-static`, then the one on the `PATH` */
  readonly ffmpeg?: string;
  /** @default `FFPROBE_BIN`, then the one beside `ffmpeg`, then the one on the `PATH`; without one, the report of ffmpeg is read */
  readonly ffprobe?: string;
  /** Length of a stream's segments, in seconds. @default 4 */
  readonly segmentSeconds?: number;
  /**
   * Package a rung that is as large as its source without encoding, if the source fits (H.264 that browsers play, of
   * a constant rate, not much above the rung's) and a plugin can do it (`video-remux`). Segments then begin at its key frames.
   * @default true
   */
  readonly copy?: boolean;
  /**
   * When a whole video that takes long is sent. `stream`: while it is encoded, without a length and ranges; `wait`: when
   * it is complete. The next request gets both from a cache. @default "stream"
   */
  readonly delivery?: "stream" | "wait";
  /**
   * Codecs of each rung of a stream: `h264`, which all players support, first, then `av1` (SVT-AV1) and `hevc`
   * (x265), which need two thirds of the bits. All streams are `EUNSUPPORTED` if ffmpeg lacks one.
   * @default `["h264"]`
   */
  readonly ladders?: readonly Ladder[];
  /** Nice value of the ffmpeg processes, 0–19. @default 10 */
  readonly niceness?: number;
  /**
   * The frame of a still: exactly the one shown at its time, or the key frame before it, which is faster (up to ten times, if key
   * frames are far apart). @default "exact"
   */
  readonly stillSeek?: "exact" | "keyframe";
  /** The still of a video without a time: its first frame, or the most significant one of its first ten seconds. @default "first" */
  readonly poster?: "first" | "smart";
  /**
   * Languages (BCP 47) in which streams look for subtitles beside a video: `en` is `clip.en.vtt`, else `clip.en.srt`, beside
   * `clip.mp4`; `und` is `clip.vtt` or `clip.srt`. At most 20. @default none
   */
  readonly subtitles?: readonly string[];
}

/** A codec of streams. */
export type Ladder = "h264" | "av1" | "hevc";

export type Settings = z.infer<typeof videoFfmpegSchema>;
