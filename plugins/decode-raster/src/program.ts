import type { ThreadProgram } from "@mediatap/core/decode";
import type { Layout } from "./layout.ts";
import { drawPnm } from "./pnm.ts";
import { drawQoi } from "./qoi.ts";
import { drawTga } from "./tga.ts";

// Runs in a worker thread.

export interface RasterTask {
  readonly layout: Layout;
  readonly bytes: Uint8Array;
}

/** A picture as an uncompressed TIFF. */
const program: ThreadProgram<RasterTask, Uint8Array> = ({ layout, bytes }, { tiff, fail }) => {
  const { width, height, colors, alpha } = layout;
  const { file, pixels } = tiff({ width, height, colors, alpha });
  return decodePixels(layout, bytes, pixels) ? file : fail("UNIDENTIFIED", "The image is truncated");
};

export default program;

function decodePixels(layout: Layout, bytes: Uint8Array, pixels: Uint8Array): boolean {
  switch (layout.format) {
    case "tga":
      return drawTga(layout, bytes, pixels);
    case "qoi":
      return drawQoi(layout, bytes, pixels);
    case "pnm":
      return drawPnm(layout, bytes, pixels);
  }
}
