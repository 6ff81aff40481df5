import type { Size } from "@mediatap/core";

export const same = (a: Size, b: Size) => a.width === b.width && a.height === b.height;

/** Encoders need even sides for chroma of half the size: an odd side loses its last column or line. */
export const even = ({ width, height }: Size): Size => ({ width: evenSide(width), height: evenSide(height) });
const evenSide = (side: number) => Math.max(2, side - (side % 2));

/** Seconds as ffmpeg reads them, in milliseconds. */
export const seconds = (value: number): string => String(Number(value.toFixed(3)));

/** The same in microseconds. */
export const exactSeconds = (value: number): string => value.toFixed(6);

/** Frames a second as ffmpeg reads them: rates of NTSC are fractions of 1001. */
export function rateOf(fps: number): string {
  const thousand = (fps * 1001) / 1000;
  const nominal = Math.round(thousand);
  if (Number.isInteger(fps)) return String(fps);
  return Math.abs(thousand - nominal) < 0.002 ? `${nominal}000/1001` : fps.toFixed(3);
}
