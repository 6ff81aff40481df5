import { type Header, MediaError, type RenderContext, type Source } from "@mediatap/core";
import type { Settings } from "../options.ts";
import { isHdr } from "./colour.ts";

// Measured with H.264 at 1080p and key frames some seconds apart: milliseconds, and bytes.
const START_COST = 150;
const MEGAPIXEL_COST = 200;
const START_MEMORY = 64 * 1024 * 1024;
const PIXEL_MEMORY = 40;
/** Tone mapping works in floating point. */
const HDR_MEGAPIXEL_COST = 150;
const HDR_PIXEL_MEMORY = 24;
/** How much more is decoded where the best of many frames is chosen. */
const POSTER = 3;
/** Of the file: its index, and what lies around one picture. */
const BYTES = 8 * 1024 * 1024;

/** A video as those see it that want a still of it. */
export async function headerOf(source: Source, context: RenderContext, settings: Settings): Promise<Header> {
  const probe = await context.inspect("probe", source);
  if (!probe?.video) throw new MediaError("UNIDENTIFIED", "The source has no video track", { status: 400 });
  const { format, duration, video } = probe;
  const hdr = isHdr(video);
  return {
    format,
    width: video.width,
    height: video.height,
    frames: 1,
    alpha: video.alpha,
    palette: false,
    depth: 8,
    orientation: 1,
    duration,
    decode: {
      cost: START_COST,
      megapixelCost:
        (MEGAPIXEL_COST + (hdr ? HDR_MEGAPIXEL_COST : 0)) * (settings.poster === "smart" ? POSTER : 1),
      memory: START_MEMORY,
      pixelMemory: PIXEL_MEMORY + (hdr ? HDR_PIXEL_MEMORY : 0),
      bytes: Math.min(BYTES, source.facts.size ?? BYTES),
    },
  };
}
