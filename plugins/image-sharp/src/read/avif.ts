import { ascii } from "./sniff.ts";

/** Bytes at the start of a file that distinguish a sequence from a still. */
export const BRAND_LENGTH = 12;

/** Whether an AVIF is an image sequence, an animation, by its major brand (AVIF 1.2 §3). */
export const isAvifSequence = (head: Uint8Array): boolean => ascii(head, 4, 12) === "ftypavis";

/**
 * A copy of a sequence that libheif opens as the still that it has, too: its primary item, which is the first frame. As a
 * sequence libheif would open it by an interface that libvips does not use.
 */
export function asStill(bytes: Uint8Array): Uint8Array {
  const still = Uint8Array.from(bytes);
  still.set(Buffer.from("avif", "latin1"), 8);
  return still;
}

/** Whether a sequence has a still: a `meta` box beside the track (ISO/IEC 14496-12 §8.11). */
export function hasStill(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + 8 <= bytes.length) {
    if (ascii(bytes, at + 4, at + 8) === "meta") return true;
    const size = view.getUint32(at);
    const length = size === 1 && at + 16 <= bytes.length ? Number(view.getBigUint64(at + 8)) : size;
    if (length < 8) return false;
    at += length;
  }
  return false;
}
