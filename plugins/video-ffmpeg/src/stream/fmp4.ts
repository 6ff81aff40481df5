import { MediaError } from "@mediatap/core";

/** What one run of ffmpeg writes: a fragmented MP4 file (ISO 14496-12). */
export interface Fragment {
  /** `ftyp` and `moov`: what a player needs before the segments. */
  readonly init: Buffer;
  /** `moof` and `mdat`. */
  readonly segment: Buffer;
}

/** Cuts a file before its first fragment. */
export function splitFragment(file: Buffer): Fragment {
  let at = 0;
  while (at + 8 <= file.length) {
    const length = file.readUInt32BE(at);
    const type = file.toString("latin1", at + 4, at + 8);
    if (type === "moof") return { init: file.subarray(0, at), segment: file.subarray(at) };
    if (length < 8) break;
    at += length;
  }
  throw new MediaError("UNIDENTIFIED", "The video cannot be read", { status: 400 });
}

/** First byte of a sequence header, whose length follows (AV1 specification, 5.3.2). */
const SEQUENCE_HEADER_OBU = 0x0a;
/** Bytes of an `av1C` before its sequence header, with its size and name (AV1 in ISO base media, 2.3.3). */
const AV1C_HEADER_BYTES = 12;

/**
 * An initialisation of AV1 with the sequence header of the frames: SVT-AV1 writes it before it has chosen its tools, and later
 * another one.
 */
export function withSequence({ init, segment }: Fragment): Buffer {
  const box = init.indexOf("av1C") - 4;
  // After `moof`, and the head of `mdat`.
  const at = segment.readUInt32BE(0) + 8;
  if (box < 0 || segment[at] !== SEQUENCE_HEADER_OBU) return Buffer.from(init);
  const sequence = segment.subarray(at, at + 2 + (segment[at + 1] as number));
  const start = box + AV1C_HEADER_BYTES;
  if (init.readUInt32BE(box) !== AV1C_HEADER_BYTES + sequence.length) return Buffer.from(init);
  return Buffer.concat([init.subarray(0, start), sequence, init.subarray(start + sequence.length)]);
}
