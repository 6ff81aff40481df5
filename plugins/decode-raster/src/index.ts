import { extname } from "node:path";
import { type Header, isMediaError, MediaError, type Plugin, type Source } from "@mediatap/core";
import { inThread, memoizeInspector, memorySource } from "@mediatap/core/decode";
import { HEAD_LENGTH, type Layout, layoutOf } from "./layout.ts";
import type { RasterTask } from "./program.ts";

const NAME = "decode-raster";
const VERSION = "0.1.0";

/** The thread's program is beside this module, in source and in built form. */
const PROGRAM = new URL(`./program${extname(import.meta.url)}`, import.meta.url);

// Measured: milliseconds, and bytes.
const START_COST = 40;
const MEGAPIXEL_COST = 25;
const START_MEMORY = 16 * 1024 * 1024;
const PIXEL_MEMORY = 8;

/**
 * Reads TGA, QOI and the formats of Netpbm (PBM, PGM, PPM, PAM), by content. 16 bits a sample become 8. Broken files are
 * `UNIDENTIFIED`.
 */
export function decodeRaster(): Plugin {
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fingerprint }) {
      fingerprint(`${NAME}@${VERSION}`);
      const readHeader = memoizeInspector(async (source) => {
        const layout = await read(source);
        return layout && headerOf(layout);
      });

      hooks.inspect.for("kind").tapPromise(NAME, async (source) => {
        const layout = await read(source);
        return layout && { format: layout.format };
      });

      hooks.inspect.for("header").tapPromise(NAME, readHeader);

      hooks.decode.tapPromise(NAME, async (source, { page = 1 }, context) => {
        const layout = await read(source);
        if (!layout) return undefined;
        if (page > 1) throw new MediaError("EINVAL", "Expected a page that the file has");
        const bytes = await source.bytes(context.limits.imageBytes);
        try {
          const input: RasterTask = { layout, bytes };
          const file = await inThread<Uint8Array>({ program: PROGRAM, input, memory: 0 }, context);
          return memorySource(source.metadata, file);
        } catch (cause) {
          if (context.signal.aborted || isMediaError(cause)) throw cause;
          throw new MediaError("UNIDENTIFIED", `The source is not a readable ${layout.format} file`, {
            cause,
          });
        }
      });
    },
  };
}

export default decodeRaster;

const read = async (source: Source): Promise<Layout | undefined> =>
  layoutOf(await source.peek(HEAD_LENGTH), source.metadata.size);

function headerOf({ format, width, height, alpha, palette }: Layout): Header {
  return {
    format,
    width,
    height,
    frames: 1,
    alpha,
    palette,
    depth: 8,
    orientation: 1,
    decode: {
      cost: START_COST,
      megapixelCost: MEGAPIXEL_COST,
      memory: START_MEMORY,
      pixelMemory: PIXEL_MEMORY,
    },
  };
}
