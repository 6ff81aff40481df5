/** An animation, as its container tells of it. */
export interface Animation {
  readonly width: number;
  readonly height: number;
  readonly alpha: boolean;
  /** Milliseconds for which each frame is seen. */
  readonly delays: readonly number[];
}

const tag = (file: Buffer, at: number) => file.toString("latin1", at, at + 4);

/** Whether a file begins as a WebP that may move. */
export function isMovingWebp(head: Uint8Array): boolean {
  const file = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  if (file.length < 21 || tag(file, 0) !== "RIFF" || tag(file, 8) !== "WEBP") return false;
  return tag(file, 12) === "VP8X" && ((file[20] ?? 0) & MOVES) !== 0;
}

const MOVES = 0x02;
const ALPHA = 0x10;

/** Milliseconds up to which a delay is taken for none, and what browsers make of it. */
const NONE = 10;
const USUAL = 100;

/** Reads the times of an animated WebP (RFC 9649 §2.7). `undefined`: it is none, or has no frames. */
export function readMovingWebp(bytes: Uint8Array): Animation | undefined {
  if (!isMovingWebp(bytes) || bytes.length < 30) return undefined;
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const delays: number[] = [];
  for (let at = 12; at + 8 <= file.length; ) {
    const size = file.readUInt32LE(at + 4);
    if (tag(file, at) === "ANMF" && size >= 16 && at + 24 <= file.length) {
      const delay = file.readUIntLE(at + 8 + 12, 3);
      delays.push(delay <= NONE ? USUAL : delay);
    }
    at += 8 + size + (size % 2);
  }
  if (delays.length === 0) return undefined;
  return {
    width: file.readUIntLE(24, 3) + 1,
    height: file.readUIntLE(27, 3) + 1,
    alpha: ((file[20] ?? 0) & ALPHA) !== 0,
    delays,
  };
}
