import type { Source } from "./source.ts";

/** The coded pictures of a video file, which can be packaged again without encoding (remuxed). */
export interface Remuxable {
  /** Pixels, as they are coded. */
  readonly width: number;
  readonly height: number;
  /** As codec strings name it (RFC 6381). */
  readonly codec: string;
  /**
   * Cuts the pictures into segments, each of which begins with a picture that needs none before it: exactly every `frames`, else
   * where the file has key frames. Resolves with the reason, in words for `explain`, if the file does not allow it; rejects if
   * the file cannot be read.
   */
  cut(source: Source, options: RemuxOptions, signal: AbortSignal): Promise<RemuxCut | string>;
}

/** What a stream needs of a file. */
export interface RemuxOptions {
  /** Second of the file at which the stream begins. */
  readonly start: number;
  /** Seconds from the file's own zero to the beginning of its first track, which is where `start` counts from. */
  readonly begins: number;
  /** Frames a second, as a fraction: the stream has a constant rate. */
  readonly rate: { readonly n: number; readonly d: number };
  /** Frames of the stream. */
  readonly total: number;
  /** Frames of a segment of the usual length. */
  readonly frames: number;
}

/** The segments of a file that is remuxed. */
export interface RemuxCut {
  /** The frame with which each segment begins, where they follow the key frames of the file. Left out: every `frames`. */
  readonly starts?: readonly number[];
  /** Bits a second, on average … */
  readonly average: number;
  /** … and of the largest segment. */
  readonly peak: number;
  /** What a player needs before the segments. */
  init(): Uint8Array;
  segment(index: number): RemuxSegment;
}

/** One segment, before it is written. */
interface RemuxSegment {
  readonly frames: number;
  /** Bytes of its pictures. */
  readonly bytes: number;
  /** Bytes of the file that are read for it. */
  readonly read: number;
  /** Reads the pictures and packages them. Throws `UNIDENTIFIED` if they are not what the file's index promises. */
  write(source: Source, signal: AbortSignal): Promise<Uint8Array>;
}
