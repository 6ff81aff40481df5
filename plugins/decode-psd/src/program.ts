import { inflateSync } from "node:zlib";
import type { ThreadProgram, TiffLayout } from "@mediatap/core/decode";
import type { Mode, PsdFile } from "./file.ts";
import { convert } from "./samples.ts";

// Runs in a worker thread.

export interface PsdTask {
  readonly file: PsdFile;
  /** From the compression of the flattened picture on. */
  readonly bytes: Uint8Array;
}

const RAW = 0;
const RLE = 1;
const ZIP = 2;
const PREDICTED_ZIP = 3;

const COLORS: Readonly<Record<Mode, TiffLayout["colors"]>> = {
  bitmap: "grey",
  grey: "grey",
  duotone: "grey",
  indexed: "rgb",
  rgb: "rgb",
  lab: "rgb",
  cmyk: "cmyk",
  channels: "grey",
};

/** The flattened picture as an uncompressed TIFF with its colour profile. */
const program: ThreadProgram<PsdTask, Uint8Array> = ({ file, bytes }, { tiff, fail }) => {
  const { width, height, mode, depth, transparent, colorChannels, clear, profile } = file;
  const used = colorChannels + (transparent ? 1 : 0);
  const row = Math.ceil((width * depth) / 8);
  const planes = planesOf(file, bytes, row, used);
  if (!planes) return fail("UNIDENTIFIED", "The source is not a readable PSD");
  const alpha = transparent || (mode === "indexed" && clear !== undefined && clear < 256);
  const layout: TiffLayout = {
    width,
    height,
    colors: COLORS[mode],
    alpha,
    // Numbers in 32 bits are linear; they are given the curve of sRGB.
    ...(profile && depth !== 32 && mode !== "lab" && { profile }),
  };
  const image = tiff(layout);
  convert(file, planes, row, image.pixels);
  return image.file;
};

export default program;

/** The channels that are used, one after the other, as they are in the file. `undefined`: it breaks off, or is none. */
function planesOf(file: PsdFile, bytes: Uint8Array, row: number, used: number): Uint8Array | undefined {
  if (bytes.length < 2) return undefined;
  const compression = ((bytes[0] as number) << 8) | (bytes[1] as number);
  const length = row * file.height * used;
  const data = bytes.subarray(2);
  if (compression === RAW) return data.length < length ? undefined : data.subarray(0, length);
  if (compression === RLE) return unpack(file, data, row, used);
  if (compression !== ZIP && compression !== PREDICTED_ZIP) return undefined;
  try {
    const planes = inflateSync(data, { maxOutputLength: row * file.height * file.channels + 1 });
    if (planes.length < length) return undefined;
    if (compression === PREDICTED_ZIP) addUp(planes.subarray(0, length), row, file);
    return planes.subarray(0, length);
  } catch {
    return undefined;
  }
}

/** PackBits, row by row; the lengths of all rows come first. */
function unpack(
  { height, channels, large }: PsdFile,
  data: Uint8Array,
  row: number,
  used: number,
): Uint8Array | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const wide = large ? 4 : 2;
  let from = channels * height * wide;
  if (from > data.length) return undefined;
  const out = new Uint8Array(row * height * used);
  for (let line = 0; line < height * used; line++) {
    const packed = wide === 4 ? view.getUint32(line * 4) : view.getUint16(line * 2);
    const end = from + packed;
    if (end > data.length) return undefined;
    let to = line * row;
    const full = to + row;
    while (from < end && to < full) {
      const count = view.getInt8(from++);
      if (count >= 0) {
        const length = Math.min(count + 1, end - from, full - to);
        out.set(data.subarray(from, from + length), to);
        from += count + 1;
        to += length;
      } else if (count > -128 && from < end) {
        const length = Math.min(1 - count, full - to);
        out.fill(data[from++] as number, to, to + length);
        to += length;
      }
    }
    if (to < full) return undefined;
    from = end;
  }
  return out;
}

/** Each sample was written as its distance from the one before it in the row. */
function addUp(planes: Uint8Array, row: number, { depth, width }: PsdFile): void {
  for (let start = 0; start < planes.length; start += row) {
    const line = planes.subarray(start, start + row);
    if (depth === 16) {
      for (let at = 2; at < row; at += 2) {
        const sum =
          ((line[at] as number) << 8) +
          (line[at + 1] as number) +
          ((line[at - 2] as number) << 8) +
          (line[at - 1] as number);
        line[at] = sum >> 8;
        line[at + 1] = sum;
      }
      continue;
    }
    for (let at = 1; at < row; at++) line[at] = (line[at] as number) + (line[at - 1] as number);
    if (depth === 32) gather(line, width);
  }
}

/** Of 32 bits, the first bytes of all samples come first, then the second ones, and so on. */
function gather(line: Uint8Array, width: number): void {
  const bytePlanes = Uint8Array.from(line);
  for (let x = 0; x < width; x++) {
    for (let byte = 0; byte < 4; byte++) line[x * 4 + byte] = bytePlanes[byte * width + x] as number;
  }
}
