import { Unfit } from "./boxes.ts";

/** How the samples of a track of H.264 are to be read (ISO 14496-15 §5.3.3). */
export interface Avc {
  /** The record, as it is in the file. */
  readonly record: Buffer;
  /** As codec strings name it (RFC 6381). */
  readonly codec: string;
  /** Bytes of the number before each unit. */
  readonly lengthSize: number;
}

/** Profiles that browsers play: Baseline, Main, High. */
const BROWSER_PROFILES = new Set([66, 77, 100]);

/** Kinds of units (ITU-T H.264, table 7-1). */
const SLICE_UNIT = 1;
const IDR_UNIT = 5;

/** Reads a decoder's configuration. Throws `Unfit`. */
export function avcOf(record: Buffer): Avc {
  if (record.length < 7 || record[0] !== 1) throw new Unfit("its decoder's configuration is damaged");
  const profile = record.subarray(1, 4);
  if (!BROWSER_PROFILES.has(profile[0] as number))
    throw new Unfit("browsers do not play its profile of H.264");
  const lengthSize = ((record[4] as number) & 3) + 1;
  const sets = (record[5] as number) & 31;
  const length = record.length >= 8 ? record.readUInt16BE(6) : 0;
  const set = record.subarray(8, 8 + length);
  if (lengthSize === 3 || sets === 0 || set.length < 4 || set.length < length) {
    throw new Unfit("its decoder's configuration is damaged");
  }
  if (!set.subarray(1, 4).equals(profile)) throw new Unfit("its decoder's configuration contradicts itself");
  return { record, codec: `avc1.${profile.toString("hex")}`, lengthSize };
}

/** Whether a sample consists of units as its track has them. */
export function isWhole(sample: Buffer, { lengthSize }: Avc): boolean {
  let at = 0;
  while (at + lengthSize < sample.length) {
    const length = sample.readUIntBE(at, lengthSize);
    if (length === 0) return false;
    at += lengthSize + length;
  }
  return at === sample.length;
}

/** Whether a sample, of which the beginning is given, is a picture that needs none before it. */
export function isIdr(head: Buffer, { lengthSize }: Avc): boolean {
  for (let at = 0; at + lengthSize < head.length; ) {
    const type = (head[at + lengthSize] as number) & 31;
    if (type === IDR_UNIT) return true;
    if (type >= SLICE_UNIT && type < IDR_UNIT) return false;
    at += lengthSize + head.readUIntBE(at, lengthSize);
  }
  return false;
}
