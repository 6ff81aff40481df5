import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Program } from "./programs.ts";

export const FFMPEG: Program = { path: "/usr/bin/ffmpeg", packages: ["ffmpeg"] };

/** Runs ffmpeg, quiet; `file` is its output, and overwritten. */
export async function runFfmpeg(file: string, ...args: readonly string[]): Promise<void> {
  await promisify(execFile)(FFMPEG.path, ["-nostdin", "-v", "error", "-y", ...args, file]);
}
