/** The header of a bitmap (BITMAPCOREHEADER, OS/2's BITMAPINFOHEADER2, BITMAPINFOHEADER and its successors). */
export interface Dib {
  readonly width: number;
  readonly height: number;
  /** Rows begin at the top. */
  readonly topDown: boolean;
  /** Bits a pixel; 0 if the pixels are a file of another format. */
  readonly bits: number;
  /** `huffman`: T.4, one-dimensional. `jpeg`, `png`: the pixels are such a file. */
  readonly packed: "no" | "rle8" | "rle4" | "rle24" | "huffman" | "jpeg" | "png";
  /** Where red, green, blue and alpha are in a pixel of 16 or 32 bits. */
  readonly masks?: readonly [red: number, green: number, blue: number, alpha: number];
  /** Colours by index: blue, green, red and, if they take four bytes, nothing. */
  readonly palette?: { readonly start: number; readonly colors: number; readonly width: 3 | 4 };
  /** Where the header and the colours end, counted from the header. */
  readonly end: number;
  /** Dots per inch. */
  readonly density?: number;
}

/** Bytes of a header at most, masks included. */
export const DIB_HEADER_BYTES = 140;

/** Sizes of Windows' headers. Those of OS/2 may end anywhere from 16 to 64 bytes; what is left out is 0. */
const WINDOWS = new Set([12, 40, 52, 56, 108, 124]);
const MAX_SIDE = 65_535;

type Packed = Readonly<Record<number, Dib["packed"]>>;
const COMPRESSIONS: Packed = { 0: "no", 1: "rle8", 2: "rle4", 3: "no", 4: "jpeg", 5: "png", 6: "no" };
const PACKED_OS2: Packed = { 0: "no", 1: "rle8", 2: "rle4", 3: "huffman", 4: "rle24" };
/** Bits a pixel that a kind of packing is defined for. */
const BITS: Readonly<Record<Dib["packed"], readonly number[]>> = {
  no: [1, 2, 4, 8, 16, 24, 32, 64],
  rle8: [8],
  rle4: [4],
  rle24: [24],
  huffman: [1],
  jpeg: [0, 24],
  png: [0, 24, 32],
};
const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;

const MASKS: Readonly<Record<number, Dib["masks"]>> = {
  16: [0x7c00, 0x03e0, 0x001f, 0],
  32: [0xff0000, 0x00ff00, 0x0000ff, 0],
};

const IN_ICONS: ReadonlySet<Dib["packed"]> = new Set<Dib["packed"]>(["no", "rle8", "rle4"]);

/** `undefined`: none that is read here. In an icon the height counts its mask, too. */
export function readDib(bytes: Uint8Array, icon: boolean): Dib | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length < 16 ? 0 : view.getUint32(0, true);
  const os2 = !WINDOWS.has(size);
  if (bytes.length < size || (os2 && (size < 16 || size > 64))) return undefined;
  const core = size === 12;
  const field = (at: number) => (!core && at + 4 <= size ? view.getInt32(at, true) : 0);
  const width = core ? view.getUint16(4, true) : field(4);
  const high = core ? view.getUint16(6, true) : field(8);
  const bits = view.getUint16(core ? 10 : 14, true);
  const compression = field(16) >>> 0;
  const packed = (os2 ? PACKED_OS2 : COMPRESSIONS)[compression];
  const height = icon ? Math.floor(Math.abs(high) / 2) : Math.abs(high);
  if (!packed || !BITS[packed].includes(bits) || (icon && !IN_ICONS.has(packed))) return undefined;
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) return undefined;

  const named = !os2 && (compression === BITFIELDS || compression === ALPHA_BITFIELDS);
  const count = compression === ALPHA_BITFIELDS || size >= 56 ? 4 : 3;
  const after = named && size === 40 ? 4 * count : 0;
  if (named && bytes.length < 40 + 4 * count) return undefined;
  const mask = (at: number) => (at < count ? view.getUint32(40 + 4 * at, true) : 0);
  const masks: Dib["masks"] = named ? [mask(0), mask(1), mask(2), mask(3)] : MASKS[bits];
  const used = field(32) >>> 0;
  const colors = bits > 8 || bits === 0 ? 0 : Math.min(used || 2 ** bits, 2 ** bits);
  const dots = field(24);
  return {
    width,
    height,
    topDown: high < 0,
    bits,
    packed,
    ...(masks && { masks }),
    ...(colors > 0 && { palette: { start: size, colors, width: core ? 3 : 4 } }),
    end: size + after + colors * (core ? 3 : 4),
    ...(dots > 0 && { density: Math.round(dots * 0.0254) }),
  };
}

/** Whether pixels may be clear. */
export const hasAlpha = ({ masks, bits, packed }: Dib): boolean =>
  (masks?.[3] ?? 0) !== 0 || bits === 64 || packed === "png";
