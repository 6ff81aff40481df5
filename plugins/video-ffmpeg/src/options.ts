import { z } from "zod";

export const NAME = "video-ffmpeg";
export const VERSION = "0.1.0";

export const videoFfmpegSchema = z.strictObject({
  ffmpeg: z.string().min(1).optional(),
  ffprobe: z.string().min(1).optional(),
  segmentSeconds: z.number().min(1).max(20).default(4),
  niceness: z.int().min(0).max(19).default(10),
});

export interface VideoFfmpegOptions {
  /** Path of the program. @default `FFMPEG_BIN`, then that of `ffmpeg-static`, then the one on the `PATH` */
  readonly ffmpeg?: string;
  /** @default `FFPROBE_BIN`, then the one beside `ffmpeg`, then the one on the `PATH`; without one, what ffmpeg reports is read */
  readonly ffprobe?: string;
  /** Length of a stream's segments, in seconds. @default 4 */
  readonly segmentSeconds?: number;
  /** How far the programs stand back behind the server itself, 0–19. @default 10 */
  readonly niceness?: number;
}

export type Settings = z.infer<typeof videoFfmpegSchema>;
