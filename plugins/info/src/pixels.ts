import type { RawFrame } from "@mediatap/core";

/** Pixels of four channels: red, green, blue and alpha. Colours are not multiplied by alpha. */
export interface Pixels {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** Frames are looked at by several fields in one size. */
const known = new WeakMap<RawFrame, Map<number, Pixels>>();

/** The frame in at most `side` pixels a side. A frame that is small enough keeps its pixels. */
export function reduced(frame: RawFrame, side: number): Pixels {
  const sizes = known.get(frame) ?? new Map<number, Pixels>();
  known.set(frame, sizes);
  const before = sizes.get(side);
  if (before) return before;
  const factor = Math.min(1, side / Math.max(frame.width, frame.height));
  const width = Math.max(1, Math.round(frame.width * factor));
  const height = Math.max(1, Math.round(frame.height * factor));
  const pixels = resized(frame, width, height);
  sizes.set(side, pixels);
  return pixels;
}

/** The frame in another size, each pixel the mean of the area that it stands for. */
export function resized(frame: RawFrame, width: number, height: number): Pixels {
  const narrow = alongRows(frame, width);
  const sums = alongColumns(narrow, width, frame.height, height);
  const data = new Uint8ClampedArray(width * height * 4);
  for (let at = 0; at < data.length; at += 4) {
    const alpha = sums[at + 3] as number;
    if (alpha > 0) {
      for (let channel = 0; channel < 3; channel++)
        data[at + channel] = (sums[at + channel] as number) / alpha;
    }
    data[at + 3] = 255 * alpha;
  }
  return { data, width, height };
}

/** Rows of `width` pixels: colours multiplied by alpha, which is from 0 to 1. */
function alongRows({ data, width: from, height, channels }: RawFrame, width: number): Float64Array {
  const sums = new Float64Array(width * height * 4);
  const step = from / width;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 4) {
      const end = (x + 1) * step;
      for (let column = Math.floor(x * step); column < Math.min(from, end - EPSILON); column++) {
        const share = shareOf(column, x * step, end) / step;
        const at = (y * from + column) * channels;
        const opaque = channels === 4 ? (share * (data[at + 3] as number)) / 255 : share;
        for (let channel = 0; channel < 3; channel++) {
          sums[to + channel] = (sums[to + channel] as number) + opaque * (data[at + channel] as number);
        }
        sums[to + 3] = (sums[to + 3] as number) + opaque;
      }
    }
  }
  return sums;
}

/** The same, in `height` rows. */
function alongColumns(rows: Float64Array, width: number, from: number, height: number): Float64Array {
  const sums = new Float64Array(width * height * 4);
  const [length, step] = [width * 4, from / height];
  for (let y = 0; y < height; y++) {
    const end = (y + 1) * step;
    for (let row = Math.floor(y * step); row < Math.min(from, end - EPSILON); row++) {
      const share = shareOf(row, y * step, end) / step;
      for (let at = 0; at < length; at++) {
        sums[y * length + at] =
          (sums[y * length + at] as number) + share * (rows[row * length + at] as number);
      }
    }
  }
  return sums;
}

/** What rounding may add to the end of an area. */
const EPSILON = 1e-9;

/** Share of a pixel that lies between two positions. */
const shareOf = (at: number, start: number, end: number) => Math.min(end, at + 1) - Math.max(start, at);
