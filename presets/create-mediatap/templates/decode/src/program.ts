import type { ThreadProgram } from "@mediatap/core/decode";
import { HEAD_LENGTH, type Layout } from "./layout.ts";

// Runs in a thread of its own.

export interface DecodeTask {
  readonly layout: Layout;
  readonly bytes: Uint8Array;
}

/** The picture as an uncompressed TIFF, which image engines read. */
const program: ThreadProgram<DecodeTask, Uint8Array> = ({ layout, bytes }, { tiff, fail }) => {
  const { width, height } = layout;
  const { file, pixels } = tiff({ width, height, colors: "rgb", alpha: true });
  if (bytes.length < HEAD_LENGTH + pixels.length * 2) return fail("UNIDENTIFIED", "The image is truncated");
  // 16 bits become 8: the first byte of each sample.
  for (let at = 0; at < pixels.length; at++) pixels[at] = bytes[HEAD_LENGTH + at * 2] ?? 0;
  return file;
};

export default program;
