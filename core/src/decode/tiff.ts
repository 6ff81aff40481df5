/** How an uncompressed picture is laid out; rows follow each other without a gap, samples are interleaved. */
export interface TiffLayout {
  readonly width: number;
  readonly height: number;
  /** Eight bits a sample. `cmyk`: 255 is full ink. */
  readonly colors: "grey" | "rgb" | "cmyk";
  /** A further sample behind the colours, 0 where the picture is clear. Colours are not multiplied by it. */
  readonly alpha: boolean;
  /** ICC profile of the colours. Left out: sRGB, or what the reader takes for them. */
  readonly profile?: Uint8Array;
}

export interface Tiff {
  /** The file, complete but for the pixels. */
  readonly file: Uint8Array<ArrayBuffer>;
  /** The part of it where the pixels belong. */
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** Samples a pixel. */
export const samplesOf = ({ colors, alpha }: Pick<TiffLayout, "colors" | "alpha">): number =>
  (colors === "grey" ? 1 : colors === "cmyk" ? 4 : 3) + (alpha ? 1 : 0);

const PHOTOMETRIC = { grey: 1, rgb: 2, cmyk: 5 } as const;

/** Approximate size of a strip: readers have one in memory at a time. */
const STRIP_BYTES = 256 * 1024;

const SHORT = 3;
const LONG = 4;
const UNDEFINED = 7;

type Entry = readonly [tag: number, type: typeof SHORT | typeof LONG | typeof UNDEFINED, values: Values];
type Values = readonly number[] | Uint8Array;

const widthOf = (type: Entry[1]) => (type === SHORT ? 2 : type === LONG ? 4 : 1);

/**
 * A TIFF without compression (TIFF 6.0), with room for its pixels: the cheapest form in which a decoder can hand over a picture
 * with its colour profile. Throws a RangeError for one that is beyond 4 GB.
 */
export function createTiff(layout: TiffLayout): Tiff {
  const { width, height, colors, alpha, profile } = layout;
  const samples = samplesOf(layout);
  const row = width * samples;
  const rows = Math.min(height, Math.max(1, Math.floor(STRIP_BYTES / row)));
  const strips = Math.ceil(height / rows);
  const start = 8;
  const length = row * height;
  const offsets = Array.from({ length: strips }, (_, at) => start + at * rows * row);
  const counts = offsets.map((_, at) => Math.min(rows, height - at * rows) * row);
  const entries: Entry[] = [
    [256, LONG, [width]],
    [257, LONG, [height]],
    [258, SHORT, Array.from({ length: samples }, () => 8)],
    [259, SHORT, [1]],
    [262, SHORT, [PHOTOMETRIC[colors]]],
    [273, LONG, offsets],
    [277, SHORT, [samples]],
    [278, LONG, [rows]],
    [279, LONG, counts],
    [284, SHORT, [1]],
    ...(alpha ? [[338, SHORT, [2]] as const] : []),
    ...(profile ? [[34675, UNDEFINED, profile] as const] : []),
  ];

  const directory = start + length + (length % 2);
  const values = directory + 2 + entries.length * 12 + 4;
  const outside = entries.reduce((sum, [, type, list]) => sum + outsideOf(type, list), 0);
  if (values + outside > 2 ** 32) throw new RangeError("Expected an image of less than 4 GB");
  const file = new Uint8Array(values + outside);
  const view = new DataView(file.buffer);
  file.set([0x49, 0x49, 42, 0]);
  view.setUint32(4, directory, true);
  view.setUint16(directory, entries.length, true);
  let free = values;
  for (const [at, [tag, type, list]] of entries.entries()) {
    const entry = directory + 2 + at * 12;
    view.setUint16(entry, tag, true);
    view.setUint16(entry + 2, type, true);
    view.setUint32(entry + 4, list.length, true);
    const outsideBytes = outsideOf(type, list);
    if (outsideBytes > 0) view.setUint32(entry + 8, free, true);
    write(view, outsideBytes > 0 ? free : entry + 8, type, list);
    free += outsideBytes;
  }
  return { file, pixels: file.subarray(start, start + length) };
}

/** Bytes that values take outside of their entry, which has room for four. */
function outsideOf(type: Entry[1], list: Values): number {
  const length = list.length * widthOf(type);
  return length > 4 ? length + (length % 2) : 0;
}

function write(view: DataView, start: number, type: Entry[1], list: Values): void {
  for (const [at, value] of list.entries()) {
    if (type === SHORT) view.setUint16(start + at * 2, value, true);
    else if (type === LONG) view.setUint32(start + at * 4, value, true);
    else view.setUint8(start + at, value);
  }
}
