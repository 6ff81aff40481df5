import { crc32 } from "node:zlib";
import { MediaError, type RenderContext, type Size } from "@mediatap/core";
import type { Animation, Pixels } from "../pixels/buffer.ts";
import { openImage } from "../pixels/image.ts";

// Animated PNG (PNG, third edition, §4.9, §11.3.6), which libvips reads as the still that it is to others: each frame is taken out
// as a PNG of its own, read by libvips, and composed here.

/** Bytes at the start of a PNG that contain the animation header. */
export const APNG_LENGTH = 65_536;

/** Encoders write chunks of 8 KB and more; reading millions of empty ones would block the server. */
const MAX_CHUNKS = 65_536;

const CHANNELS = 4;
const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** Chunks without which a frame has other colours. */
const COLOUR_CHUNKS: ReadonlySet<string> = new Set([
  "PLTE",
  "tRNS",
  "gAMA",
  "cHRM",
  "sRGB",
  "iCCP",
  "sBIT",
  "cICP",
]);

/** How a frame's area is disposed before the next one. */
const DISPOSE_BACKGROUND = 1;
const DISPOSE_PREVIOUS = 2;
const BLEND_OVER = 1;

/** `fcTL` without its sequence number. */
interface Control extends Size {
  readonly left: number;
  readonly top: number;
  /** Milliseconds. */
  readonly delay: number;
  readonly dispose: number;
  readonly blend: number;
}

interface Frame extends Control {
  readonly data: readonly Uint8Array[];
}

export interface Apng extends Size {
  readonly animation: Required<Animation>;
  readonly frames: readonly Frame[];
  /** `IHDR` and the chunks that all frames share. */
  readonly head: Uint8Array;
  readonly colours: readonly Uint8Array[];
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** The chunk with its length and checksum. */
  readonly raw: Uint8Array;
}

function* chunksOf(bytes: Uint8Array): Generator<Chunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    if (++count > MAX_CHUNKS) throw broken();
    const length = view.getUint32(at);
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString("latin1");
    yield {
      type,
      data: bytes.subarray(at + 8, at + 8 + length),
      raw: bytes.subarray(at, at + 12 + length),
    };
    at += 12 + length;
  }
}

/** Number of frames of an animated PNG, by the start of the file. 0: it is a still. */
export function framesOfPng(head: Uint8Array): number {
  for (const { type, data } of chunksOf(head)) {
    if (type === "IDAT") return 0;
    if (type === "acTL" && data.length === 8) return Buffer.from(data).readUInt32BE(0);
  }
  return 0;
}

const broken = () => new MediaError("UNIDENTIFIED", "The source is not a readable image");

/** Parses an animated PNG. Throws `UNIDENTIFIED` if it has fewer frames than its header states. */
export function readApng(bytes: Uint8Array): Apng {
  let head: Uint8Array | undefined;
  let [count, plays] = [0, 0];
  const colours: Uint8Array[] = [];
  const frames: { control: Control; data: Uint8Array[] }[] = [];
  for (const { type, data, raw } of chunksOf(bytes)) {
    const view = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    if (type === "IHDR") head = data;
    else if (type === "IEND") break;
    else if (COLOUR_CHUNKS.has(type) && frames.every((frame) => frame.data.length === 0)) colours.push(raw);
    else if (type === "acTL" && data.length === 8)
      [count, plays] = [view.readUInt32BE(0), view.readUInt32BE(4)];
    else if (type === "fcTL") frames.push({ control: controlOf(view), data: [] });
    // Pixels before the first control are those of the still for readers that know no animation.
    else if (type === "IDAT") frames.at(-1)?.data.push(data);
    else if (type === "fdAT") frames.at(-1)?.data.push(data.subarray(4));
  }
  if (head?.length !== 13 || frames.length < count || count === 0) throw broken();
  const size = Buffer.from(head);
  const [width, height] = [size.readUInt32BE(0), size.readUInt32BE(4)];
  const shown = frames.slice(0, count).map(({ control, data }) => ({ ...control, data }));
  const fits = ({ left, top, ...frame }: Frame) =>
    frame.width > 0 && frame.height > 0 && left + frame.width <= width && top + frame.height <= height;
  if (!shown.every(fits)) throw broken();
  const animation = { loop: plays, delay: shown.map(({ delay }) => delay) };
  return { width, height, animation, frames: shown, head, colours };
}

function controlOf(data: Buffer): Control {
  if (data.length !== 26) throw broken();
  const seconds = data.readUInt16BE(20) / (data.readUInt16BE(22) || 100);
  return {
    width: data.readUInt32BE(4),
    height: data.readUInt32BE(8),
    left: data.readUInt32BE(12),
    top: data.readUInt32BE(16),
    delay: Math.round(seconds * 1000),
    dispose: data[24] as number,
    blend: data[25] as number,
  };
}

/** Frames from the first to `last`, counted from 0, as they are shown: in sRGB with alpha. */
export async function renderFrames(
  apng: Apng,
  { first, last }: { first: number; last: number },
  { signal }: RenderContext,
): Promise<Pixels> {
  const { width, height } = apng;
  const length = width * height * CHANNELS;
  const data = Buffer.alloc(length * (last - first + 1));
  let canvas: Buffer = Buffer.alloc(length);
  for (const [at, frame] of apng.frames.entries()) {
    if (at > last) break;
    signal.throwIfAborted();
    const before = frame.dispose === DISPOSE_PREVIOUS && at > 0 ? Buffer.from(canvas) : undefined;
    await composeFrame(await decode(apng, frame), frame, canvas, width);
    if (at >= first) data.set(canvas, (at - first) * length);
    if (before) canvas = before;
    // The first frame has nothing before it to go back to.
    else if (frame.dispose === DISPOSE_BACKGROUND || frame.dispose === DISPOSE_PREVIOUS)
      clear(frame, canvas, width);
  }
  return { data, width, height, channels: CHANNELS, frames: last - first + 1 };
}

/** A frame's own pixels. */
async function decode({ head, colours }: Apng, { width, height, data }: Frame): Promise<Buffer> {
  const header = Buffer.from(head);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const png = Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    ...colours,
    chunk("IDAT", Buffer.concat(data)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
  return openImage(png, { failOn: "error", limitInputPixels: false })
    .ensureAlpha()
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer();
}

function chunk(type: string, data: Uint8Array): Buffer {
  const out = Buffer.alloc(data.length + 12);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, "latin1");
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

/** Writes a frame to the canvas: replaces the pixels, or blends over them. */
async function composeFrame(pixels: Buffer, frame: Frame, canvas: Buffer, width: number): Promise<void> {
  const shown = frame.blend === BLEND_OVER ? await blendOver(pixels, frame, canvas, width) : pixels;
  forRows(frame, width, (row, at, length) => void shown.copy(canvas, at, row * length, (row + 1) * length));
}

async function blendOver(pixels: Buffer, frame: Frame, canvas: Buffer, width: number): Promise<Buffer> {
  const size = { width: frame.width, height: frame.height, channels: CHANNELS } as const;
  const below = Buffer.alloc(pixels.length);
  forRows(frame, width, (row, at, length) => void canvas.copy(below, row * length, at, at + length));
  return openImage(below, { raw: size, limitInputPixels: false })
    .composite([{ input: pixels, raw: size }])
    .raw()
    .toBuffer();
}

function clear(frame: Frame, canvas: Buffer, width: number): void {
  forRows(frame, width, (_row, at, length) => void canvas.fill(0, at, at + length));
}

/** Calls `work` with each row of a frame, where it begins on the canvas, and its bytes. */
function forRows(
  { left, top, ...frame }: Frame,
  width: number,
  work: (row: number, at: number, length: number) => void,
): void {
  for (let row = 0; row < frame.height; row++) {
    work(row, ((top + row) * width + left) * CHANNELS, frame.width * CHANNELS);
  }
}
