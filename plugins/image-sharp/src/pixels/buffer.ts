import type { RawFrame, Size } from "@mediatap/core";
import type { Corner } from "@mediatap/core/steps";
import type { Channels, OutputInfo, Sharp } from "sharp";
import { openImage } from "./image.ts";

/** Background of clear pixels when pictures are compared. */
export const GREY = "#808080";

/** Pixels between two pipelines: frames one below the other, 8 bits a sample. */
export interface Pixels {
  readonly data: Buffer;
  /** Of one frame. */
  readonly width: number;
  readonly height: number;
  readonly channels: Channels;
  readonly frames: number;
  /** Their position in the picture before the trim. */
  readonly trimmed?: Corner;
}

/** Timing of an animation. */
export interface Animation {
  readonly loop?: number;
  /** Milliseconds a frame. */
  readonly delay?: number[];
}

/** An intermediate result from which further pipelines can start. */
export interface PixelBuffer {
  readonly size: Size;
  readonly channels: Channels;
  /** As in `Pixels`. */
  readonly trimmed?: Corner;
  open(): Sharp;
  pixels(): Promise<Pixels>;
}

/** Runs the pipeline and returns its pixels. */
export async function pixelsOf(image: Sharp, frames = 1): Promise<Pixels> {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { data, width, height: height / frames, channels, frames, ...trimmed(info) };
}

/** sharp reports the offset of the old corner relative to the new one. */
export const trimmed = ({ trimOffsetLeft: left, trimOffsetTop: top }: OutputInfo): { trimmed?: Corner } =>
  left === undefined || top === undefined ? {} : { trimmed: { left: Math.abs(left), top: Math.abs(top) } };

/** The pixels as the beginning of a pipeline. */
export function openPixels({ data, width, height, channels, frames }: Pixels): Sharp {
  const pages = frames > 1 ? { pageHeight: height } : {};
  const image = openImage(data, {
    raw: { width, height: height * frames, channels, ...pages },
    limitInputPixels: false,
    ...(frames > 1 && { animated: true }),
  });
  // One channel would turn every colour that is added to grey.
  return channels < 3 ? image.pipelineColourspace("srgb") : image;
}

/** Like `pixelsOf`, with profile and metadata: an uncompressed PNG stores both. */
export async function bufferWithMetadata(image: Sharp): Promise<PixelBuffer> {
  const { data, info } = await image.png({ compressionLevel: 0 }).toBuffer({ resolveWithObject: true });
  const open = () => openImage(data, { limitInputPixels: false });
  return {
    size: { width: info.width, height: info.height },
    channels: info.channels,
    ...trimmed(info),
    open,
    pixels: () => pixelsOf(open()),
  };
}

export const bufferPixels = (pixels: Pixels): PixelBuffer => ({
  size: { width: pixels.width, height: pixels.height },
  channels: pixels.channels,
  ...(pixels.trimmed && { trimmed: pixels.trimmed }),
  open: () => openPixels(pixels),
  pixels: () => Promise.resolve(pixels),
});

/** The frames of an animation, each on its own. No pixel is copied. */
export function framesOf({ data, width, height, channels, frames }: Pixels): Pixels[] {
  const length = width * height * channels;
  return Array.from({ length: frames }, (_, index) => ({
    data: data.subarray(index * length, (index + 1) * length),
    width,
    height,
    channels,
    frames: 1,
  }));
}

/** Frames of equal size as one animation. */
export function joinFrames(frames: readonly Pixels[]): Pixels {
  const [first] = frames as readonly [Pixels, ...Pixels[]];
  if (frames.some(({ data }) => data.length !== first.data.length)) {
    throw new TypeError("Expected frames of one size");
  }
  return { ...first, data: Buffer.concat(frames.map(({ data }) => data)), frames: frames.length };
}

export const rawFrame = ({ data, width, height, channels }: Pixels): RawFrame => ({
  data,
  width,
  height,
  channels,
});

export const fromRawFrame = ({ data, width, height, channels }: RawFrame): Pixels => ({
  data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  width,
  height,
  channels: channels as Channels,
  frames: 1,
});
