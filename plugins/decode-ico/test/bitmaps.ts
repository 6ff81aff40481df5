/** A bitmap to be written. */
export interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** What a pixel is: an index, or its bits as a number. */
  readonly pixel: (x: number, y: number) => number;
  /** Red, green, blue. */
  readonly palette?: readonly (readonly [number, number, number])[];
  readonly masks?: readonly number[];
  readonly topDown?: boolean;
  /** Size of the header. @default 40 */
  readonly header?: 12 | 16 | 40 | 64 | 124;
  /** Pixels that stand in for those of `pixel`, and the number of their compression. */
  readonly packed?: { readonly kind: number; readonly data: Uint8Array };
  /** Whether a pixel of an icon is clear. */
  readonly clear?: (x: number, y: number) => boolean;
}

/** Header, colours, pixels and, of an icon, the mask. */
export function makeDib(bitmap: Bitmap, icon = false): { head: Buffer; data: Buffer } {
  const { width, height, bits, palette = [], masks = [], topDown = false, header = 40, packed } = bitmap;
  const head = Buffer.alloc(header);
  head.writeUInt32LE(header, 0);
  if (header === 12) {
    head.writeUInt16LE(width, 4);
    head.writeUInt16LE(height, 6);
    head.writeUInt16LE(1, 8);
    head.writeUInt16LE(bits, 10);
  } else {
    head.writeInt32LE(width, 4);
    head.writeInt32LE((icon ? 2 : 1) * (topDown ? -height : height), 8);
    head.writeUInt16LE(1, 12);
    head.writeUInt16LE(bits, 14);
  }
  if (header > 16) {
    head.writeUInt32LE(packed?.kind ?? (masks.length > 0 ? 3 : 0), 16);
    head.writeInt32LE(3937, 24);
    head.writeUInt32LE(palette.length, 32);
  }
  const fields = Buffer.alloc(header === 40 ? masks.length * 4 : 0);
  for (const [at, mask] of masks.entries()) {
    if (header === 40) fields.writeUInt32LE(mask, at * 4);
    else head.writeUInt32LE(mask, 40 + at * 4);
  }
  const colors = Buffer.from(
    palette.flatMap(([red, green, blue]) => (header === 12 ? [blue, green, red] : [blue, green, red, 0])),
  );
  const pixels = packed ? Buffer.from(packed.data) : rowsOf(bitmap, bits, bitmap.pixel);
  const mask = icon ? rowsOf(bitmap, 1, (x, y) => (bitmap.clear?.(x, y) ? 1 : 0)) : Buffer.alloc(0);
  return { head: Buffer.concat([head, fields, colors]), data: Buffer.concat([pixels, mask]) };
}

function rowsOf({ width, height, topDown }: Bitmap, bits: number, pixel: Bitmap["pixel"]): Buffer {
  const row = Math.ceil((width * bits) / 32) * 4;
  const out = Buffer.alloc(row * height);
  for (let y = 0; y < height; y++) {
    const start = (topDown ? y : height - 1 - y) * row;
    for (let x = 0; x < width; x++) {
      const value = pixel(x, y);
      if (bits >= 8) out.writeUIntLE(value, start + (x * bits) / 8, bits / 8);
      else {
        const at = start + ((x * bits) >> 3);
        out[at] = (out[at] as number) | (value << (8 - bits - ((x * bits) & 7)));
      }
    }
  }
  return out;
}

export function makeBmp(bitmap: Bitmap): Buffer {
  const { head, data } = makeDib(bitmap);
  const start = Buffer.alloc(14);
  start.write("BM");
  start.writeUInt32LE(14 + head.length + data.length, 2);
  start.writeUInt32LE(14 + head.length, 10);
  return Buffer.concat([start, head, data]);
}

/** An icon of bitmaps, and of files that are PNG. */
export function makeIco(pictures: readonly (Bitmap | Buffer)[]): Buffer {
  const files = pictures.map((picture) => {
    if (!("pixel" in picture)) return { file: picture, bits: 32, side: 0 };
    const { head, data } = makeDib(picture, true);
    return { file: Buffer.concat([head, data]), bits: picture.bits, side: picture.width % 256 };
  });
  const directory = Buffer.alloc(6 + 16 * files.length);
  directory.writeUInt16LE(1, 2);
  directory.writeUInt16LE(files.length, 4);
  let free = directory.length;
  for (const [at, { file, bits, side }] of files.entries()) {
    const entry = 6 + 16 * at;
    directory[entry] = side;
    directory[entry + 1] = side;
    directory.writeUInt16LE(1, entry + 4);
    directory.writeUInt16LE(bits, entry + 6);
    directory.writeUInt32LE(file.length, entry + 8);
    directory.writeUInt32LE(free, entry + 12);
    free += file.length;
  }
  return Buffer.concat([directory, ...files.map(({ file }) => file)]);
}

/** Red, green / blue, white as numbers. */
export const quarters =
  (width: number, height: number, colors: readonly number[]) =>
  (x: number, y: number): number =>
    colors[(y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1)] as number;

export const RGB = [0xff0000, 0x00ff00, 0x0000ff, 0xffffff];
