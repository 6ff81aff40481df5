import { type Dib, readDib } from "./dib.ts";

/** A picture in an icon. */
export type Picture = {
  readonly width: number;
  readonly height: number;
  /** Where it is in the file. */
  readonly start: number;
  readonly end: number;
} & ({ readonly kind: "png" } | { readonly kind: "dib"; readonly dib: Dib });

const HEAD_BYTES = 6;
const ENTRY_BYTES = 16;

/** Bytes at the start of a file that are enough to detect its format. */
export const SNIFF_LENGTH = HEAD_BYTES + ENTRY_BYTES;

/** Whether a file is an icon: the first entry of its directory must make sense, too. */
export function isIcon(head: Uint8Array): boolean {
  if (head.length < SNIFF_LENGTH) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const count = view.getUint16(4, true);
  return (
    view.getUint32(0, true) === 0x10000 &&
    count >= 1 &&
    count <= 256 &&
    head[9] === 0 &&
    view.getUint32(14, true) > 0 &&
    view.getUint32(18, true) >= HEAD_BYTES + count * ENTRY_BYTES
  );
}

/** The pictures of an icon that can be read, the largest first, those of more colours before the others. */
export function picturesOf(bytes: Uint8Array): Picture[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint16(4, true);
  const pictures: { picture: Picture; bits: number }[] = [];
  for (
    let at = HEAD_BYTES;
    at < HEAD_BYTES + count * ENTRY_BYTES && at + ENTRY_BYTES <= bytes.length;
    at += ENTRY_BYTES
  ) {
    const start = view.getUint32(at + 12, true);
    const end = start + view.getUint32(at + 8, true);
    if (end > bytes.length) continue;
    const picture = pictureOf(bytes.subarray(start, end), start, end);
    if (picture) pictures.push({ picture, bits: view.getUint16(at + 6, true) });
  }
  const area = ({ picture: { width, height } }: { picture: Picture }) => width * height;
  return pictures.sort((a, b) => area(b) - area(a) || b.bits - a.bits).map(({ picture }) => picture);
}

function pictureOf(bytes: Uint8Array, start: number, end: number): Picture | undefined {
  if (bytes.length > 24 && String.fromCharCode(...bytes.subarray(0, 8)) === "\x89PNG\r\n\x1a\n") {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return { kind: "png", width: view.getUint32(16), height: view.getUint32(20), start, end };
  }
  const dib = readDib(bytes, true);
  return dib && { kind: "dib", dib, width: dib.width, height: dib.height, start, end };
}
