import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Studio } from "./videos.ts";

const run = promisify(execFile);

export interface ReportedStream {
  readonly codec_type: "video" | "audio";
  readonly codec_name: string;
  readonly width?: number;
  readonly height?: number;
  readonly pix_fmt?: string;
  readonly r_frame_rate?: string;
  readonly sample_aspect_ratio?: string;
  readonly color_transfer?: string;
  readonly start_time?: string;
  readonly duration?: string;
  readonly channels?: number;
  readonly nb_read_frames?: string;
  readonly side_data_list?: readonly { readonly rotation?: number }[];
}

/** A result, as ffprobe and ffmpeg see it. */
export interface Result {
  readonly path: string;
  readonly duration: number;
  readonly streams: readonly ReportedStream[];
  readonly video: ReportedStream;
  readonly audio: ReportedStream | undefined;
  /** The picture at a moment: the colour at a point, in fractions of width and height. */
  at(seconds: number): Promise<(x: number, y: number) => readonly [number, number, number]>;
  /** Mean loudness of a stretch in decibels. */
  loudness(start?: number, duration?: number): Promise<number>;
}

let count = 0;

/** Inspects delivered bytes. */
export async function inspectResult(studio: Studio, bytes: Uint8Array): Promise<Result> {
  const path = studio.path(`result-${count++}`);
  await writeFile(path, bytes);
  const { stdout } = await run("/usr/bin/ffprobe", [
    ...["-v", "error", "-count_frames", "-print_format", "json", "-show_streams", "-show_format", path],
  ]);
  const { streams, format } = JSON.parse(stdout) as {
    streams: ReportedStream[];
    format: { readonly duration?: string };
  };
  const video = streams.find(({ codec_type }) => codec_type === "video") as ReportedStream;
  return {
    path,
    duration: Number(format.duration),
    streams,
    video,
    audio: streams.find(({ codec_type }) => codec_type === "audio"),
    async at(seconds) {
      const { width = 0, height = 0 } = video;
      const { stdout } = await run(
        "/usr/bin/ffmpeg",
        [
          ...["-v", "error", "-ss", String(seconds), "-i", path, "-frames:v", "1"],
          ...["-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        ],
        { encoding: "buffer", maxBuffer: 1e8 },
      );
      return (x, y) => {
        const at =
          (Math.min(height - 1, Math.floor(y * height)) * width +
            Math.min(width - 1, Math.floor(x * width))) *
          3;
        return [stdout[at] ?? -1, stdout[at + 1] ?? -1, stdout[at + 2] ?? -1];
      };
    },
    async loudness(start = 0, duration = 1000) {
      const { stderr } = await run("/usr/bin/ffmpeg", [
        ...["-ss", String(start), "-t", String(duration), "-i", path],
        ...["-af", "volumedetect", "-vn", "-f", "null", "-"],
      ]);
      return Number(/mean_volume: (-?[\d.]+) dB/.exec(stderr)?.[1]);
    },
  };
}

/** Whether two colours are alike. */
export const isLike = (a: readonly number[], b: readonly number[], most = 24): boolean =>
  a.every((value, at) => Math.abs(value - (b[at] ?? 0)) <= most);
