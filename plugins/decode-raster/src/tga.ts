import type { Frame } from "./frame.ts";

/** Truevision TGA, specification 2.0 of 1991. */
export interface TgaLayout extends Frame {
  readonly format: "tga";
  /** Bytes of a stored pixel. */
  readonly size: 1 | 2 | 3 | 4;
  /** Pixels are packed by run lengths. */
  readonly packed: boolean;
  /** Rows begin at the top; else at the bottom. */
  readonly topDown: boolean;
  /** Pixels of a row begin at the right. */
  readonly fromRight: boolean;
  /** Colours by index. */
  readonly map?: {
    readonly start: number;
    readonly first: number;
    readonly count: number;
    readonly size: 2 | 3 | 4;
  };
}

const HEADER = 18;
const [MAPPED, COLORS, GREY] = [1, 2, 3];
/** Added to the kind where run lengths are. */
const RLE_FLAG = 8;
/** Pixels of a packet at most. */
const MAX_RUN_PIXELS = 128;

/** Bytes by bits; 15 bits are stored in two bytes. */
const PIXEL_BYTES: Readonly<Record<number, 2 | 3 | 4>> = { 15: 2, 16: 2, 24: 3, 32: 4 };

/**
 * A TGA has no signature at its start, so every field must make sense, and the file must be large enough for its pixels.
 * `undefined`: none.
 */
export function readTga(head: Uint8Array, fileSize: number | undefined): TgaLayout | undefined {
  if (head.length < HEADER) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const [idLength, mapType, type] = [view.getUint8(0), view.getUint8(1), view.getUint8(2)];
  const [first, count, mapBits] = [view.getUint16(3, true), view.getUint16(5, true), view.getUint8(7)];
  const [width, height] = [view.getUint16(12, true), view.getUint16(14, true)];
  const [bits, descriptor] = [view.getUint8(16), view.getUint8(17)];
  const kind = type & ~RLE_FLAG;
  const packed = (type & RLE_FLAG) !== 0;
  const mapSize = PIXEL_BYTES[mapBits];
  if (mapType > 1 || kind < MAPPED || kind > GREY || type > GREY + RLE_FLAG) return undefined;
  if (mapType === 0 ? kind === MAPPED || count > 0 : count === 0 || mapSize === undefined) return undefined;
  if (width === 0 || height === 0 || (descriptor & 0xc0) !== 0) return undefined;
  const size = sizeOf(kind, bits);
  if (size === undefined) return undefined;

  const map = HEADER + idLength;
  const start = map + (mapType === 1 ? count * (mapSize ?? 0) : 0);
  const pixels = width * height;
  const minBytes = packed ? Math.ceil(pixels / MAX_RUN_PIXELS) * (1 + size) : pixels * size;
  if (fileSize !== undefined && fileSize < start + minBytes) return undefined;
  const alphaBits = descriptor & 15;
  const stored = kind === MAPPED ? mapBits : bits;
  return {
    format: "tga",
    width,
    height,
    colors: kind === GREY ? "grey" : "rgb",
    alpha: alphaBits > 0 && (kind === GREY ? size === 2 : stored === 32 || stored === 16),
    palette: kind === MAPPED,
    start,
    size,
    packed,
    topDown: (descriptor & 0x20) !== 0,
    fromRight: (descriptor & 0x10) !== 0,
    ...(kind === MAPPED && mapSize !== undefined && { map: { start: map, first, count, size: mapSize } }),
  };
}

function sizeOf(kind: number, bits: number): TgaLayout["size"] | undefined {
  if (kind === COLORS) return PIXEL_BYTES[bits];
  if (bits === 8) return 1;
  return bits === 16 ? 2 : undefined;
}

/** Fills `out` with the pixels. `false`: the file ends before. */
export function drawTga(layout: TgaLayout, bytes: Uint8Array, out: Uint8Array): boolean {
  const { width, height, size, packed, start, topDown, fromRight, colors, alpha } = layout;
  const samples = (colors === "grey" ? 1 : 3) + (alpha ? 1 : 0);
  const source = packed ? unpack(layout, bytes) : bytes.subarray(start);
  if (!source || source.length < width * height * size) return false;
  const write = writerOf(layout, bytes, source);
  for (let row = 0; row < height; row++) {
    const y = topDown ? row : height - 1 - row;
    for (let column = 0; column < width; column++) {
      const x = fromRight ? width - 1 - column : column;
      write((row * width + column) * size, out, (y * width + x) * samples);
    }
  }
  return true;
}

/** Packets: of one pixel that is repeated, or of pixels as they are. `undefined`: the file ends before. */
function unpack({ width, height, size, start }: TgaLayout, bytes: Uint8Array): Uint8Array | undefined {
  const out = new Uint8Array(width * height * size);
  let to = 0;
  for (let at = start; to < out.length; ) {
    const packet = bytes[at++];
    if (packet === undefined) return undefined;
    // Some writers let a packet run over the end of the picture.
    const length = Math.min(((packet & 127) + 1) * size, out.length - to);
    const stored = packet < MAX_RUN_PIXELS ? length : size;
    if (at + stored > bytes.length) return undefined;
    if (packet < MAX_RUN_PIXELS) out.set(bytes.subarray(at, at + length), to);
    else for (let one = 0; one < length; one++) out[to + one] = bytes[at + (one % size)] as number;
    to += length;
    at += stored;
  }
  return out;
}

type Write = (from: number, out: Uint8Array, to: number) => void;

function writerOf({ colors, map, size, alpha }: TgaLayout, bytes: Uint8Array, source: Uint8Array): Write {
  if (colors === "grey") {
    return (from, out, to) => {
      out[to] = source[from] as number;
      if (alpha) out[to + 1] = source[from + 1] as number;
    };
  }
  if (!map) return (from, out, to) => color(source, from, size as 2 | 3 | 4, alpha, out, to);
  return (from, out, to) => {
    const index =
      (source[from] as number) + (size === 2 ? (source[from + 1] as number) * 256 : 0) - map.first;
    if (index >= 0 && index < map.count) color(bytes, map.start + index * map.size, map.size, alpha, out, to);
    else if (alpha) out[to + 3] = 255;
  };
}

/** Blue, green, red and what may be alpha; of two bytes, five bits each and one. */
function color(
  from: Uint8Array,
  at: number,
  size: 2 | 3 | 4,
  alpha: boolean,
  out: Uint8Array,
  to: number,
): void {
  const [one, two] = [from[at] ?? 0, from[at + 1] ?? 0];
  if (size === 2) {
    const value = one | (two << 8);
    for (let channel = 0; channel < 3; channel++) {
      const five = (value >> (10 - 5 * channel)) & 31;
      out[to + channel] = Math.round((five * 255) / 31);
    }
    if (alpha) out[to + 3] = value & 0x8000 ? 255 : 0;
    return;
  }
  out[to] = from[at + 2] ?? 0;
  out[to + 1] = two;
  out[to + 2] = one;
  if (alpha) out[to + 3] = size === 4 ? (from[at + 3] ?? 0) : 255;
}
