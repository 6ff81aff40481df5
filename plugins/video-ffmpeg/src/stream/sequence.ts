import type { Parts } from "./boxes.ts";

/** First byte of a sequence header, whose length follows (AV1 specification, 5.3.2). */
const SEQUENCE = 0x0a;
/** Bytes of an `av1C` before its sequence header, with its size and name (AV1 in ISO base media, 2.3.3). */
const BEFORE = 12;

/**
 * An initialisation of AV1 that has the sequence header of the pictures: SVT-AV1 is asked for it before it has settled what tools
 * it takes, and then says another.
 */
export function withSequence({ init, segment }: Parts): Buffer {
  const box = init.indexOf("av1C") - 4;
  // Behind `moof`, and the head of `mdat`.
  const at = segment.readUInt32BE(0) + 8;
  if (box < 0 || segment[at] !== SEQUENCE) return Buffer.from(init);
  const sequence = segment.subarray(at, at + 2 + (segment[at + 1] as number));
  const isAsLong = init.readUInt32BE(box) === BEFORE + sequence.length;
  return isAsLong
    ? Buffer.concat([init.subarray(0, box + BEFORE), sequence, init.subarray(box + BEFORE + sequence.length)])
    : Buffer.from(init);
}
