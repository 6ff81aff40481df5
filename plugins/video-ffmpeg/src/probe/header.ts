import { type Header, MediaError, type RenderContext, type Source } from "@mediatap/core";
import type { Settings } from "../options.ts";
import { isHdr } from "./colour.ts";

// Measured with H.264 at 1080p and key frames some seconds apart, in milliseconds and bytes.
const START_COST = 150;
const MEGAPIXEL_COST = 200;
const START_MEMORY = 64 * 1024 * 1024;
const PIXEL_MEMORY = 40;
/** Tone mapping works in floating point. */
const HDR_MEGAPIXEL_COST = 150;
const HDR_PIXEL_MEMORY = 24;
/** Times as much is decoded if the best of many frames is chosen. */
const POSTER_WEIGHT = 3;
/** Bytes of the file that are read: its index, and what is around one frame. */
const READ_BYTES = 8 * 1024 * 1024;

/** A video, for image engines that need a still of it. */
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
        (MEGAPIXEL_COST + (hdr ? HDR_MEGAPIXEL_COST : 0)) * (settings.poster === "smart" ? POSTER_WEIGHT : 1),
      memory: START_MEMORY,
      pixelMemory: PIXEL_MEMORY + (hdr ? HDR_PIXEL_MEMORY : 0),
      bytes: Math.min(READ_BYTES, source.metadata.size ?? READ_BYTES),
    },
  };
}
