import type { Dib } from "./dib.ts";

const TIFF_SHORT = 3;
const TIFF_LONG = 4;

/**
 * A bitmap packed by T.4 (Huffman, one-dimensional) as a TIFF of the same bytes: readers of TIFF know that packing. Rows of
 * bitmaps begin at the bottom, which a TIFF declares by its orientation.
 */
export function asTiff(
  { width, height, topDown, palette }: Dib,
  bytes: Uint8Array,
  start: number,
): Uint8Array {
  const data = bytes.subarray(start);
  const colors = [0, 1].map((index) => colorOf(palette, bytes, index));
  // All reds, all greens, all blues, of 16 bits each.
  const map = [0, 1, 2].flatMap((channel) => colors.map((color) => (color[channel] ?? 0) * 257));
  const entries: readonly (readonly [tag: number, type: number, value: number])[] = [
    [256, TIFF_LONG, width],
    [257, TIFF_LONG, height],
    [258, TIFF_SHORT, 1],
    [259, TIFF_SHORT, 3],
    [262, TIFF_SHORT, 3],
    [266, TIFF_SHORT, 1],
    [273, TIFF_LONG, 8],
    [274, TIFF_SHORT, topDown ? 1 : 4],
    [277, TIFF_SHORT, 1],
    [278, TIFF_LONG, height],
    [279, TIFF_LONG, data.length],
    [292, TIFF_LONG, 0],
  ];
  const directory = 8 + data.length + (data.length % 2);
  const colorMap = directory + 2 + (entries.length + 1) * 12 + 4;
  const out = Buffer.alloc(colorMap + map.length * 2);
  out.write("II*\0", "latin1");
  out.writeUInt32LE(directory, 4);
  out.set(data, 8);
  out.writeUInt16LE(entries.length + 1, directory);
  for (const [at, [tag, type, value]] of entries.entries()) {
    const entry = directory + 2 + at * 12;
    out.writeUInt16LE(tag, entry);
    out.writeUInt16LE(type, entry + 2);
    out.writeUInt32LE(1, entry + 4);
    out.writeUInt32LE(value, entry + 8);
  }
  const last = directory + 2 + entries.length * 12;
  out.writeUInt16LE(320, last);
  out.writeUInt16LE(TIFF_SHORT, last + 2);
  out.writeUInt32LE(map.length, last + 4);
  out.writeUInt32LE(colorMap, last + 8);
  for (const [at, value] of map.entries()) out.writeUInt16LE(value, colorMap + at * 2);
  return out;
}

function colorOf(palette: Dib["palette"], bytes: Uint8Array, index: number): readonly number[] {
  if (!palette || index >= palette.colors) return [0, 0, 0];
  const at = palette.start + index * palette.width;
  return [2, 1, 0].map((channel) => bytes[at + channel] ?? 0);
}
