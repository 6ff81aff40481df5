import type { TrimOptions } from "sharp";
import { CLEAR } from "../operations/operation.ts";
import type { Pixels } from "../pixels/buffer.ts";

/**
 * What is trimmed of a picture: where some of it is clear, its clear edges; else edges that look like its corner. A drawing may
 * reach into the corner, and its own colour must not be taken for the edge's then.
 */
export function trimOf(pixels: Pixels, tolerance: number): TrimOptions {
  return { threshold: tolerance, ...(hasClear(pixels, tolerance) && { background: CLEAR }) };
}

function hasClear({ data, channels }: Pixels, tolerance: number): boolean {
  if (channels === 1 || channels === 3) return false;
  for (let at = channels - 1; at < data.length; at += channels) {
    if ((data[at] as number) <= tolerance) return true;
  }
  return false;
}
