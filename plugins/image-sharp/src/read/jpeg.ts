import type { Header } from "@mediatap/core";
import { DEFAULT_DENSITY } from "./libvips.ts";

const SOI = 0xd8;
const SOS = 0xda;
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP2 = 0xe2;

/** Longest side that libjpeg reads. */
const MAX_SIDE = 65_500;

/** Dots per inch of a JFIF density, by its unit: none, inches, centimetres. */
const PER_INCH = [0, 1, 2.54];

/**
 * The header of a plain JPEG (ITU-T T.81 annex B): 8 bits, one or three components, without EXIF, XMP or further pictures. `undefined`: it is
 * not plain, or not complete in these bytes, and libvips has to read it. Opening a file with libvips costs about 0.25 ms of CPU.
 */
export function plainJpegHeader(bytes: Uint8Array): Header | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let frame: { width: number; height: number; components: number; progressive: boolean } | undefined;
  let density: number | undefined = DEFAULT_DENSITY;
  let jfif = false;
  if (bytes[1] !== SOI) return undefined;
  for (let at = 2; at + 4 <= bytes.length; ) {
    const marker = bytes[at + 1] as number;
    const length = view.getUint16(at + 2);
    const start = at + 4;
    const end = at + 2 + length;
    if (bytes[at] !== 0xff || length < 2 || end > bytes.length) return undefined;
    if (marker === APP1) return undefined;
    if (marker === APP0) {
      if (jfif || !startsWith(bytes, start, "JFIF\0") || length < 14) return undefined;
      jfif = true;
      density = densityOf(view, start);
      if (Number.isNaN(density)) return undefined;
    } else if (marker === APP2 && !startsWith(bytes, start, "ICC_PROFILE\0")) {
      return undefined;
    } else if (isFrame(marker)) {
      if (frame || marker > 0xc2 || length < 8 || bytes[start] !== 8) return undefined;
      const [height, width] = [view.getUint16(start + 1), view.getUint16(start + 3)];
      const components = bytes[start + 5] as number;
      const isPlain = Math.min(width, height) > 0 && Math.max(width, height) <= MAX_SIDE;
      if (!isPlain || (components !== 1 && components !== 3)) return undefined;
      frame = { width, height, components, progressive: marker === 0xc2 };
    } else if (marker === SOS) {
      if (!frame) return undefined;
      const { width, height, components, progressive } = frame;
      return {
        format: "jpeg",
        width,
        height,
        frames: 1,
        alpha: false,
        palette: false,
        depth: 8,
        orientation: 1,
        // As libjpeg counts them: all of the file is read before the first line is known.
        ...((progressive || (bytes[start] as number) < components) && { interlaced: true }),
        ...(density !== undefined && { density }),
      };
    }
    at = end;
  }
  return undefined;
}

/** SOF0–SOF15 without DHT, JPG and DAC. */
const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

const startsWith = (bytes: Uint8Array, at: number, text: string): boolean =>
  at + text.length <= bytes.length &&
  [...text].every((char, index) => bytes[at + index] === char.charCodeAt(0));

/**
 * As libvips has it: 72 if the file has none, where 1 counts as none; `undefined` below a dot per millimetre. `NaN`: not as JFIF has it.
 */
function densityOf(view: DataView, start: number): number | undefined {
  const factor = PER_INCH[view.getUint8(start + 7)];
  const [across, down] = [view.getUint16(start + 8), view.getUint16(start + 10)];
  if (factor === undefined) return Number.NaN;
  if (factor === 0 || across === 1 || down === 1) return DEFAULT_DENSITY;
  return across * factor > 25.4 ? Math.round(across * factor) : undefined;
}
