import { MediaError } from "@mediatap/core";

/** What one run of ffmpeg writes: what a player needs before, and a segment. */
export interface Parts {
  /** `ftyp` and `moov`. */
  readonly init: Buffer;
  /** `moof` and `mdat`. */
  readonly segment: Buffer;
}

/** Cuts a fragmented MP4 file (ISO 14496-12) in two, before its first fragment. */
export function splitFragment(file: Buffer): Parts {
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
