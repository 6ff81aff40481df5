import type { Arc, Box, Point, Rgba } from "@mediatap/core";

/** Samples of a picture as they travel between threads: frames one below the other, 8 bits a sample. */
export interface Samples {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Of one frame. */
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  readonly frames: number;
}

/** What libvips has no operation for: plain data, for another thread. */
export type Task =
  | { readonly kind: "perspective"; readonly corners: readonly Point[]; readonly canvas: Box }
  | { readonly kind: "arc"; readonly arc: Arc; readonly sinks: boolean }
  | { readonly kind: "colorize"; readonly color: Rgba; readonly intensity: number }
  /** How alike two frames are: the result's samples are one number of 64 bits, low byte first. */
  | { readonly kind: "likeness" }
  | { readonly kind: "recolor"; readonly to: Rgba; readonly tolerance: number; readonly from?: Rgba };
