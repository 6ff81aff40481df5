import type { RawFrame } from "@mediatap/core";
import { resized } from "./pixels.ts";

/** Pixels along a side of what is compared, and frequencies of it that count. */
const DCT_SIDE = 32;
const FREQUENCIES = 8;

const COSINES = Array.from({ length: FREQUENCIES }, (_, frequency) =>
  Array.from({ length: DCT_SIDE }, (_, at) =>
    Math.cos((Math.PI * frequency * (2 * at + 1)) / (2 * DCT_SIDE)),
  ),
);

/**
 * Perceptual hash (pHash): 64 bits in hexadecimal. Pictures that look alike differ in few bits. Each bit shows whether one of the 8 × 8 lowest
 * frequencies of the luma, in 32 × 32 pixels, is above their median.
 */
export function perceptualHash(frame: RawFrame): string {
  const luma = lumaOf(frame);
  const values: number[] = [];
  for (let v = 0; v < FREQUENCIES; v++) {
    for (let u = 0; u < FREQUENCIES; u++) {
      let sum = 0;
      for (let y = 0; y < DCT_SIDE; y++) {
        let row = 0;
        for (let x = 0; x < DCT_SIDE; x++) row += (luma[y * DCT_SIDE + x] as number) * cosine(u, x);
        sum += row * cosine(v, y);
      }
      // What rounding leaves of a frequency that is not there counts as nothing.
      values.push(Math.round(sum * 1e3) / 1e3);
    }
  }
  const median = medianOf(values);
  const bits = values.map((value) => (value > median ? "1" : "0")).join("");
  return BigInt(`0b${bits}`).toString(16).padStart(16, "0");
}

const cosine = (frequency: number, at: number) => COSINES[frequency]?.[at] as number;

/** By ITU-R BT.601, as JPEG has it; clear pixels are grey. */
function lumaOf(frame: RawFrame): number[] {
  const { data } = resized(frame, DCT_SIDE, DCT_SIDE);
  return Array.from({ length: DCT_SIDE * DCT_SIDE }, (_, pixel) => {
    const at = pixel * 4;
    const [red, green, blue, alpha] = [0, 1, 2, 3].map((channel) => data[at + channel] as number) as Samples;
    const luma = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
    return (luma * alpha + GREY * (255 - alpha)) / 255;
  });
}

type Samples = [red: number, green: number, blue: number, alpha: number];

const GREY = 128;

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
