import { spawnSync } from "node:child_process";
import { existsSync, linkSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Name of the video, beside the photographs. */
export const VIDEO = "video.mp4";

/** Lays ten seconds of a moving test picture with a tone into a folder; made once. `false`: there is no ffmpeg. */
export function placeVideo(media: string): boolean {
  const made = join(tmpdir(), "mediatap-bench-1.mp4");
  if (!existsSync(made)) {
    const unfinished = `${made}.${process.pid}.mp4`;
    const { status } = spawnSync("ffmpeg", [
      ...["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "mandelbrot=s=1280x720:r=25"],
      ...["-f", "lavfi", "-i", "sine=f=440", "-t", "10"],
      ...[
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-crf",
        "18",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        unfinished,
      ],
    ]);
    if (status !== 0) return false;
    renameSync(unfinished, made);
  }
  linkSync(made, join(media, VIDEO));
  return true;
}
