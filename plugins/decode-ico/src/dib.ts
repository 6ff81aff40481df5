/** What the header of a bitmap says (BITMAPCOREHEADER, BITMAPINFOHEADER and its successors). */
export interface Dib {
  readonly width: number;
  readonly height: number;
  /** Rows begin at the top. */
  readonly topDown: boolean;
  /** Bits a pixel. */
  readonly bits: number;
  readonly packed: "no" | "rle8" | "rle4";
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
export const DIB_LENGTH = 140;

const SIZES = new Set([12, 40, 52, 56, 64, 108, 124]);
const MOST = 65_535;

const PACKED: Readonly<Record<number, Dib["packed"]>> = { 0: "no", 1: "rle8", 2: "rle4", 3: "no", 6: "no" };
const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;

const MASKS: Readonly<Record<number, Dib["masks"]>> = {
  16: [0x7c00, 0x03e0, 0x001f, 0],
  32: [0xff0000, 0x00ff00, 0x0000ff, 0],
};

/** `undefined`: none that is read here. In an icon the height counts its mask, too. */
export function readDib(bytes: Uint8Array, icon: boolean): Dib | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length < 16 ? 0 : view.getUint32(0, true);
  if (!SIZES.has(size) || bytes.length < size) return undefined;
  const core = size === 12;
  const width = core ? view.getUint16(4, true) : view.getInt32(4, true);
  const high = core ? view.getUint16(6, true) : view.getInt32(8, true);
  const bits = view.getUint16(core ? 10 : 14, true);
  const compression = core ? 0 : view.getUint32(16, true);
  const packed = PACKED[compression];
  const height = icon ? Math.floor(Math.abs(high) / 2) : Math.abs(high);
  if (![1, 4, 8, 16, 24, 32].includes(bits) || !packed) return undefined;
  if (width < 1 || height < 1 || width > MOST || height > MOST) return undefined;
  if ((packed === "rle8" && bits !== 8) || (packed === "rle4" && bits !== 4)) return undefined;

  const named = compression === BITFIELDS || compression === ALPHA_BITFIELDS;
  const count = compression === ALPHA_BITFIELDS || size >= 56 ? 4 : 3;
  const behind = named && size === 40 ? 4 * count : 0;
  if (named && bytes.length < 40 + 4 * count) return undefined;
  const mask = (at: number) => (at < count ? view.getUint32(40 + 4 * at, true) : 0);
  const masks: Dib["masks"] = named ? [mask(0), mask(1), mask(2), mask(3)] : MASKS[bits];
  const used = core || size < 40 ? 0 : view.getUint32(32, true);
  const colors = bits > 8 ? 0 : Math.min(used || 2 ** bits, 2 ** bits);
  const dots = core ? 0 : view.getInt32(24, true);
  return {
    width,
    height,
    topDown: high < 0,
    bits,
    packed,
    ...(masks && { masks }),
    ...(colors > 0 && { palette: { start: size, colors, width: core ? 3 : 4 } }),
    end: size + behind + colors * (core ? 3 : 4),
    ...(dots > 0 && { density: Math.round(dots * 0.0254) }),
  };
}
