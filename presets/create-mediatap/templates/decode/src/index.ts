import { extname } from "node:path";
import { type Header, isMediaError, MediaError, type Plugin, type Source } from "@mediatap/core";
import { inThread, memoizeInspector, memorySource } from "@mediatap/core/decode";
import { HEAD_LENGTH, type Layout, layoutOf } from "./layout.ts";
import type { DecodeTask } from "./program.ts";

const NAME = "decode-example";
const VERSION = "0.1.0";

/** The thread's program lies beside this module, as source or as built. */
const PROGRAM = new URL(`./program${extname(import.meta.url)}`, import.meta.url);

/** Reads farbfeld (https://tools.suckless.org/farbfeld), by content. Replace it by your format. */
export function decodeExample(): Plugin {
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fingerprint }) {
      // Part of every cache entry: a new version makes new pictures.
      fingerprint(`${NAME}@${VERSION}`);
      const readHeader = memoizeInspector(async (source) => {
        const layout = await read(source);
        return layout && headerOf(layout);
      });
      hooks.inspect.for("kind").tapPromise(NAME, async (source) => {
        return (await read(source)) && { format: "farbfeld" };
      });
      hooks.inspect.for("header").tapPromise(NAME, readHeader);
      hooks.decode.tapPromise(NAME, async (source, { page = 1 }, context) => {
        const layout = await read(source);
        if (!layout) return undefined;
        if (page > 1) throw new MediaError("EINVAL", "Expected a page that the file has");
        const bytes = await source.bytes(context.limits.imageBytes);
        try {
          const input: DecodeTask = { layout, bytes };
          const file = await inThread<Uint8Array>({ program: PROGRAM, input, memory: 0 }, context);
          return memorySource(source.metadata, file);
        } catch (cause) {
          if (context.signal.aborted || isMediaError(cause)) throw cause;
          throw new MediaError("UNIDENTIFIED", "The source is not a readable farbfeld file", { cause });
        }
      });
    },
  };
}

export default decodeExample;

const read = async (source: Source): Promise<Layout | undefined> => layoutOf(await source.peek(HEAD_LENGTH));

function headerOf({ width, height }: Layout): Header {
  return {
    format: "farbfeld",
    width,
    height,
    frames: 1,
    alpha: true,
    palette: false,
    depth: 8,
    orientation: 1,
    // Measure yours: milliseconds and bytes, for each file and for each megapixel or pixel.
    decode: { cost: 40, megapixelCost: 25, memory: 16 * 1024 * 1024, pixelMemory: 8 },
  };
}
