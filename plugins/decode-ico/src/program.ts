import type { ThreadProgram } from "@mediatap/core/decode";
import { type Dib, hasAlpha } from "./dib.ts";

// Runs in a worker thread.

export interface DibTask {
  readonly dib: Dib;
  /** From the bitmap's header on. */
  readonly bytes: Uint8Array;
  /** Where the pixels begin in it. */
  readonly start: number;
  /** A mask follows the pixels: they are an icon's. */
  readonly icon: boolean;
}

/** A bitmap as an uncompressed TIFF. */
const program: ThreadProgram<DibTask, Uint8Array> = (task, { tiff, fail }) => {
  const { dib, bytes, start, icon } = task;
  const { width, height, bits } = dib;
  const alpha = icon || hasAlpha(dib);
  const samples = alpha ? 4 : 3;
  const row = Math.ceil((width * bits) / 32) * 4;
  const packed = dib.packed === "no" ? undefined : unpack(dib, bytes.subarray(start));
  const source = packed ?? bytes.subarray(start, start + row * height);
  if (!packed && source.length < row * height)
    return fail("UNIDENTIFIED", "The source is not a readable bitmap");
  const image = tiff({ width, height, colors: "rgb", alpha });
  const stride = packed ? width * packedSize(dib) : row;
  const write = writerOf(dib, bytes, packed !== undefined);
  for (let y = 0; y < height; y++) {
    const line = source.subarray((dib.topDown ? y : height - 1 - y) * stride);
    for (let x = 0; x < width; x++) write(line, x, image.pixels, (y * width + x) * samples, samples);
  }
  if (icon) cutOut(task, bytes.subarray(start + row * height), image.pixels);
  return image.file;
};

export default program;

type Write = (line: Uint8Array, x: number, pixels: Uint8Array, to: number, samples: number) => void;

function writerOf(dib: Dib, bytes: Uint8Array, expanded: boolean): Write {
  if (dib.palette) return fromPalette(dib.palette, bytes, expanded ? 8 : dib.bits);
  if (dib.bits === 24) {
    return (line, x, pixels, to, samples) => {
      for (let channel = 0; channel < 3; channel++)
        pixels[to + channel] = line[3 * x + 2 - channel] as number;
      if (samples === 4) pixels[to + 3] = 255;
    };
  }
  if (dib.bits === 64) return writeLinear;
  const [red, green, blue, alpha] = (dib.masks ?? [0, 0, 0, 0]).map(fieldOf) as [Field, Field, Field, Field];
  const wide = dib.bits / 8;
  return (line, x, pixels, to, samples) => {
    let value = 0;
    for (let byte = wide - 1; byte >= 0; byte--) value = value * 256 + (line[x * wide + byte] as number);
    pixels[to] = red(value, 0);
    pixels[to + 1] = green(value, 0);
    pixels[to + 2] = blue(value, 0);
    if (samples === 4) pixels[to + 3] = alpha(value, 255);
  };
}

/** Bytes of an unpacked pixel. */
const packedSize = ({ packed }: Dib) => (packed === "rle24" ? 3 : 1);

/** Blue, green, red, alpha as fixed-point numbers with 13 fractional bits (s2.13), in linear light. */
function writeLinear(line: Uint8Array, x: number, pixels: Uint8Array, to: number): void {
  const channel = (at: number) => {
    const bits = (line[x * 8 + at * 2] as number) | ((line[x * 8 + at * 2 + 1] as number) << 8);
    return Math.min(1, Math.max(0, ((bits << 16) >> 16) / 8192));
  };
  for (const at of [0, 1, 2]) pixels[to + at] = Math.round(255 * toSrgb(channel(2 - at)));
  pixels[to + 3] = Math.round(255 * channel(3));
}

/** IEC 61966-2-1. */
const toSrgb = (value: number) => (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);

type Field = (pixel: number, missing: number) => number;

/** Reads the bits under a mask as 0–255. */
function fieldOf(mask: number): Field {
  if (mask === 0) return (_pixel, missing) => missing;
  const shift = 31 - Math.clz32(mask & -mask);
  const maxValue = mask >>> shift;
  return (pixel) => Math.round((((pixel & mask) >>> shift) * 255) / maxValue);
}

function fromPalette(
  { start, colors, width }: NonNullable<Dib["palette"]>,
  bytes: Uint8Array,
  bits: number,
): Write {
  const mask = 2 ** bits - 1;
  return (line, x, pixels, to, samples) => {
    const bit = x * bits;
    const index = ((line[bit >> 3] as number) >> (8 - bits - (bit & 7))) & mask;
    const from = start + index * width;
    for (let channel = 0; channel < 3; channel++) {
      pixels[to + channel] = index < colors ? (bytes[from + 2 - channel] ?? 0) : 0;
    }
    if (samples === 4) pixels[to + 3] = 255;
  };
}

/** The transparency of an icon: by the fourth byte of its pixels if any is set, else by the mask after them. */
function cutOut({ dib, bytes, start }: DibTask, mask: Uint8Array, pixels: Uint8Array): void {
  const { width, height, bits, topDown } = dib;
  const line = (y: number) => (topDown ? y : height - 1 - y);
  const own = (x: number, y: number) => bytes[start + (line(y) * width + x) * 4 + 3] as number;
  const row = Math.ceil(width / 32) * 4;
  const under = (x: number, y: number) =>
    ((mask[line(y) * row + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1 ? 0 : 255;
  const speaks = bits === 32 && some(width, height, (x, y) => own(x, y) !== 0);
  const alpha = speaks ? own : under;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels[(y * width + x) * 4 + 3] = alpha(x, y);
  }
}

function some(width: number, height: number, test: (x: number, y: number) => boolean): boolean {
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) if (test(x, y)) return true;
  return false;
}

/** Run lengths → one byte a pixel, of 24 bits three, rows in the file's order. What is left out has index 0, or is black. */
function unpack(dib: Dib, data: Uint8Array): Uint8Array {
  const { width, height, packed } = dib;
  const size = packedSize(dib);
  const out = new Uint8Array(width * height * size);
  const four = packed === "rle4";
  let [x, y] = [0, 0];
  /** Puts the pixel at `from`; of 4 bits, its first half or, where `at` is odd, the second. */
  const put = (from: number, at: number) => {
    if (x < width && y < height) {
      const to = (y * width + x) * size;
      const byte = data[from] ?? 0;
      if (four) out[to] = at % 2 === 0 ? byte >> 4 : byte & 15;
      else for (let channel = 0; channel < size; channel++) out[to + channel] = data[from + channel] ?? 0;
    }
    x++;
  };
  for (let at = 0; at + 1 < data.length && y < height; ) {
    const count = data[at++] as number;
    const value = data[at] as number;
    if (count > 0) {
      for (let one = 0; one < count; one++) put(at, one);
      at += size;
      continue;
    }
    at++;
    if (value === 0) {
      [x, y] = [0, y + 1];
    } else if (value === 1) {
      break;
    } else if (value === 2) {
      x += data[at++] ?? 0;
      y += data[at++] ?? 0;
    } else {
      const bytes = four ? Math.ceil(value / 2) : value * size;
      for (let one = 0; one < value; one++) put(at + (four ? one >> 1 : one * size), one);
      at += bytes + (bytes % 2);
    }
  }
  return out;
}
