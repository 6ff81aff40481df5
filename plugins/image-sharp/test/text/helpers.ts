import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DEFAULT_LIMITS, type Limits } from "@mediatap/core";
import type { Pixels } from "../../src/pixels/buffer.ts";
import { type Fonts, renderText, type TextBox } from "../../src/text/index.ts";
import { readFaces, type Sfnt, writeFace } from "../../src/text/sfnt.ts";

const require = createRequire(import.meta.resolve("@mediatap/fonts-standard"));

/** A file of a font package that `@mediatap/fonts-standard` brings. */
export const fontFile = (family: string, file: string): string =>
  join(dirname(require.resolve(`@expo-google-fonts/${family}/package.json`)), file);

export const OPEN_SANS = fontFile("open-sans", "400Regular/OpenSans_400Regular.ttf");
export const LOBSTER = fontFile("lobster", "400Regular/Lobster_400Regular.ttf");

export const BLACK = { r: 0, g: 0, b: 0, alpha: 1 };
export const YELLOW = { r: 255, g: 255, b: 0, alpha: 1 };

export type Operation = (text: string, style?: Partial<TextBox>) => Promise<Pixels>;

export const textRenderer =
  (fonts: Fonts, limits: Partial<Limits> = {}): Operation =>
  (text, style) =>
    renderText(
      {
        text,
        size: 40,
        bold: false,
        italic: false,
        strikethrough: false,
        color: BLACK,
        align: "left",
        padding: [0, 0, 0, 0],
        ...style,
      },
      { fonts, limits: { ...DEFAULT_LIMITS, ...limits } },
    );

const isSame = (one: Pixels, other: Pixels) =>
  one.width === other.width && one.height === other.height && one.data.equals(other.data);

export const assertSame = (one: Pixels, other: Pixels, message = "the same pixels") =>
  assert(isSame(one, other), message);

export const assertDiffer = (one: Pixels, other: Pixels, message = "other pixels") =>
  assert(!isSame(one, other), message);

export const pixelAt = ({ data, width }: Pixels, x: number, y: number): number[] => [
  ...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4),
];

/** Whether a pixel is part of the text: not clear, and not the background. */
const isInk = (picture: Pixels, x: number, y: number) => {
  const [r, g, b, alpha] = pixelAt(picture, x, y) as [number, number, number, number];
  return alpha > 0 && !(r === YELLOW.r && g === YELLOW.g && b === YELLOW.b);
};

/** The rows and columns that ink lies in: first and last. */
export function inkOf(
  picture: Pixels,
  [top, bottom]: readonly [number, number] = [0, picture.height],
): { left: number; right: number; top: number; bottom: number } {
  const bounds = { left: picture.width, right: -1, top: picture.height, bottom: -1 };
  for (let y = top; y < bottom; y++) {
    for (let x = 0; x < picture.width; x++) {
      if (!isInk(picture, x, y)) continue;
      bounds.left = Math.min(bounds.left, x);
      bounds.right = Math.max(bounds.right, x);
      bounds.top = Math.min(bounds.top, y);
      bounds.bottom = Math.max(bounds.bottom, y);
    }
  }
  return bounds;
}

/** How much ink there is, in opaque pixels. */
export function amountOf({ data }: Pixels): number {
  let sum = 0;
  for (let at = 3; at < data.length; at += 4) sum += data[at] as number;
  return sum / 255;
}

const bytes = (...fields: readonly [size: 1 | 2 | 4, ...values: number[]][]): Uint8Array => {
  const buffers = fields.flatMap(([size, ...values]) =>
    values.map((value) => {
      const buffer = Buffer.alloc(size);
      buffer.writeUIntBE(value, 0, size);
      return buffer;
    }),
  );
  return Buffer.concat(buffers);
};

/** A character map (OpenType, "cmap", format 12) with one sign. */
const oneSign = (code: number, glyph: number) =>
  bytes([2, 0, 1, 3, 10], [4, 12], [2, 12, 0], [4, 28, 0, 1, code, code, glyph]);

export interface MadeFont {
  /** The only sign that it has. */
  readonly sign: string;
  /** Number of the glyph of Open Sans that it looks like. */
  readonly glyph: number;
  /** The glyph's own colour. */
  readonly color?: readonly [r: number, g: number, b: number];
  readonly tables?: Readonly<Record<string, Uint8Array>>;
  readonly family?: string;
}

/** Open Sans with one other sign, for scripts whose fonts are large. */
export function makeFont(
  file: Uint8Array,
  { sign, glyph, color, tables = {}, family = "Made" }: MadeFont,
): Uint8Array {
  const [face] = readFaces(file) as [Sfnt];
  const changed = new Map([
    ...[...face.tables].filter(([tag]) => !["GSUB", "GPOS", "GDEF"].includes(tag)),
    ["cmap", oneSign(sign.codePointAt(0) as number, glyph)] as const,
    ...Object.entries(tables),
  ]);
  if (color) {
    const [r, g, b] = color;
    // One glyph, one layer, one colour (OpenType, "COLR" and "CPAL", version 0).
    changed.set("COLR", bytes([2, 0, 1], [4, 14, 20], [2, 1, glyph, 0, 1, glyph, 0]));
    changed.set("CPAL", bytes([2, 0, 1, 1, 1], [4, 14], [2, 0], [1, b, g, r, 255]));
  }
  return writeFace({ flavor: face.flavor, tables: changed }, family);
}

/** A collection of one font. */
export function makeCollection(file: Uint8Array): Uint8Array {
  const head = bytes([4, 0x74746366, 0x00010000, 1, 16]);
  const font = Buffer.from(file);
  for (let table = 0; table < font.readUInt16BE(4); table++) {
    const at = 12 + 16 * table + 8;
    font.writeUInt32BE(font.readUInt32BE(at) + head.length, at);
  }
  return Buffer.concat([head, font]);
}
