import { isSvg } from "@mediatap/core/decode";

/** Formats that this engine reads. */
const READ_FORMATS = ["jpeg", "png", "apng", "webp", "avif", "gif", "svg", "tiff"] as const;
export type ReadFormat = (typeof READ_FORMATS)[number];

export const isReadFormat = (format: string): format is ReadFormat =>
  (READ_FORMATS as readonly string[]).includes(format);

/** Bytes at the start of a file that are enough to detect its format. */
export const SNIFF_LENGTH = 4096;

/** Bytes as text, one character each. */
export const ascii = (head: Uint8Array, start: number, end: number) =>
  String.fromCharCode(...head.subarray(start, end));

/** The format of a file by its first bytes; neither its name nor the origin's word counts. `undefined`: none of ours. */
export function sniff(head: Uint8Array): ReadFormat | undefined {
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return "jpeg";
  if (ascii(head, 0, 8) === "\x89PNG\r\n\x1a\n") return "png";
  if (/^GIF8[79]a$/.test(ascii(head, 0, 6))) return "gif";
  if (ascii(head, 0, 4) === "RIFF" && ascii(head, 8, 12) === "WEBP") return "webp";
  if (ascii(head, 4, 8) === "ftyp") return isAvif(head) ? "avif" : undefined;
  if (/^(II[*+]\0|MM\0[*+])$/.test(ascii(head, 0, 4))) return "tiff";
  return isSvg(head) ? "svg" : undefined;
}

/** Major brand or one of the compatible brands (ISO/IEC 14496-12 §4.3); HEIC shares the container but not these. */
function isAvif(head: Uint8Array): boolean {
  const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
  for (let at = 8; at + 4 <= Math.min(length, head.length); at += 4) {
    const brand = ascii(head, at, at + 4);
    if (at !== 12 && (brand === "avif" || brand === "avis")) return true;
  }
  return false;
}
