import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type Embedded,
  type Header,
  isMediaError,
  MediaError,
  type Plugin,
  type RenderContext,
  type Source,
} from "@mediatap/core";
import { inThread, memoizeInspector, memorySource } from "@mediatap/core/decode";
import { wasmFile } from "./libheif.ts";
import type { HeifHeader, HeifTask } from "./program.ts";
import { isHeif, SNIFF_LENGTH } from "./sniff.ts";

const NAME = "decode-heic";
const VERSION = "0.1.0";
/** The thread's program is beside this module, in source and in built form. */
const PROGRAM = new URL(`./program${extname(import.meta.url)}`, import.meta.url);

/** Version of libheif that the library comes with; other versions may decode otherwise. */
const LIBRARY = "libheif-js@1.23";

// Measured with photographs: milliseconds a megapixel, and bytes a pixel.
const MEGAPIXEL_COST = 90;
const PIXEL_MEMORY = 12;
const START_COST = 60;
const START_MEMORY = 32 * 1024 * 1024;

/** Memory limits of decoding in bytes: for each pixel, and beside them. */
const MAX_BYTES_PER_PIXEL = 24;
const MAX_BASE_BYTES = 128 * 1024 * 1024;

/**
 * Decodes HEIC and HEIF, the photographs of phones, with libheif. Turned and mirrored as the file specifies, with its colour profile;
 * the primary picture, or another one by its page. Files that libheif cannot decode are `EUNSUPPORTED`, broken ones
 * `UNIDENTIFIED`, those that are larger than their header states `ELIMIT`.
 */
export function decodeHeic(): Plugin {
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fingerprint }) {
      fingerprint(`${NAME}@${VERSION} ${LIBRARY}`);
      const isMine = async (source: Source) => isHeif(await source.peek(SNIFF_LENGTH));
      const readHeader = memoizeInspector(headerOf);

      hooks.inspect.for("kind").tapPromise(NAME, async (source) => {
        return (await isMine(source)) ? { format: "heic" } : undefined;
      });

      hooks.inspect.for("header").tapPromise(NAME, async (source, context) => {
        return (await isMine(source)) ? readHeader(source, context) : undefined;
      });

      hooks.inspect.for("embedded").tapPromise(NAME, async (source, context) => {
        if (!(await isMine(source))) return undefined;
        const bytes = await source.bytes(context.limits.imageBytes);
        return run<Embedded>({ does: "embedded", bytes }, MAX_BASE_BYTES + 2 * bytes.length, context);
      });

      hooks.decode.tapPromise(NAME, async (source, { page = 1 }, context) => {
        if (!(await isMine(source))) return undefined;
        const { limits } = context;
        const bytes = await source.bytes(limits.imageBytes);
        const header = await context.inspect("header", source);
        const size = header?.pages?.[page - 1] ?? header;
        const pixels = limits.megapixels * 1e6;
        const memory =
          MAX_BASE_BYTES +
          2 * bytes.length +
          MAX_BYTES_PER_PIXEL * (size ? size.width * size.height : pixels);
        const task: HeifTask = { does: "decode", bytes, page: page - 1, pixels };
        return memorySource(source.metadata, await run<Uint8Array>(task, memory, context));
      });
    },
  };
}

export default decodeHeic;

async function headerOf(source: Source, context: RenderContext): Promise<Header> {
  const bytes = await source.bytes(context.limits.imageBytes);
  const { pages, alpha, depth } = await run<HeifHeader>(
    { does: "header", bytes },
    MAX_BASE_BYTES + 2 * bytes.length,
    context,
  );
  const [{ width, height }] = pages;
  return {
    format: "heic",
    width,
    height,
    frames: pages.length,
    ...(pages.length > 1 && { pages }),
    alpha,
    palette: false,
    depth,
    orientation: 1,
    decode: {
      cost: START_COST,
      megapixelCost: MEGAPIXEL_COST,
      memory: START_MEMORY + 2 * bytes.length,
      pixelMemory: PIXEL_MEMORY,
    },
  };
}

async function run<Out>(input: HeifTask, memory: number, context: RenderContext): Promise<Out> {
  try {
    return await inThread<Out>({ program: PROGRAM, input, wasm: pathToFileURL(wasmFile()), memory }, context);
  } catch (cause) {
    if (context.signal.aborted || isMediaError(cause)) throw cause;
    throw new MediaError("UNIDENTIFIED", "The source is not a readable HEIF file", { cause });
  }
}
