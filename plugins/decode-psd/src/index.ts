import { extname } from "node:path";
import { buffer } from "node:stream/consumers";
import {
  type Header,
  isMediaError,
  MediaError,
  type Plugin,
  type RenderContext,
  type Source,
} from "@mediatap/core";
import { inThread, memoizeInspector, memorySource } from "@mediatap/core/decode";
import { BrokenPsd, isPsd, type PsdFile, readHead, SNIFF_LENGTH } from "./file.ts";
import type { PsdTask } from "./program.ts";

const NAME = "decode-psd";
const VERSION = "0.1.0";

/** The thread's program is beside this module, in source and in built form. */
const PROGRAM = new URL(`./program${extname(import.meta.url)}`, import.meta.url);

// Measured: milliseconds, and bytes.
const START_COST = 40;
const MEGAPIXEL_COST = 25;
const START_MEMORY = 16 * 1024 * 1024;
const PIXEL_MEMORY = 8;

/** Bytes of a file that are looked at first. */
const HEAD_BYTES = 64 * 1024;

/**
 * Reads the flattened picture of Photoshop files (PSD, PSB), in all modes but multichannel, with alpha and colour profile. Of a
 * large file only that part is read. A file without a request for a picture is delivered unchanged. Layers, and files that were saved
 * without a flattened picture, are `EUNSUPPORTED`, broken ones `UNIDENTIFIED`.
 */
export function decodePsd(): Plugin {
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fingerprint }) {
      fingerprint(`${NAME}@${VERSION}`);
      const isMine = async (source: Source) => isPsd(await source.peek(SNIFF_LENGTH));
      const readHeader = memoizeInspector(async (source) => headerOf(await fileOf(source), source));

      hooks.inspect.for("kind").tapPromise(NAME, async (source) => {
        return (await isMine(source)) ? { format: "psd", document: true } : undefined;
      });

      hooks.inspect.for("header").tapPromise(NAME, async (source, context) => {
        return (await isMine(source)) ? readHeader(source, context) : undefined;
      });

      hooks.decode.tapPromise(NAME, async (source, { page = 1 }, context) => {
        if (!(await isMine(source))) return undefined;
        if (page > 1) throw new MediaError("EUNSUPPORTED", "Layers of PSD files are not supported");
        const file = await fileOf(source);
        if (file.mode === "channels") {
          throw new MediaError("EUNSUPPORTED", "Multichannel PSD files are not supported");
        }
        if (!file.flattened) {
          throw new MediaError("EUNSUPPORTED", "The PSD was saved without a flattened image");
        }
        return memorySource(source.metadata, await flatten(file, source, context));
      });
    },
  };
}

export default decodePsd;

async function fileOf(source: Source): Promise<PsdFile> {
  try {
    for (let headBytes = HEAD_BYTES; ; ) {
      const head = await source.peek(headBytes);
      const isComplete = head.length < headBytes;
      const file = readHead(head, isComplete);
      if (!("needed" in file)) return file;
      if (isComplete) throw new BrokenPsd();
      headBytes = file.needed;
    }
  } catch (cause) {
    if (cause instanceof BrokenPsd || cause instanceof RangeError) throw broken(cause);
    throw cause;
  }
}

const broken = (cause?: unknown) =>
  new MediaError("UNIDENTIFIED", "The source is not a readable PSD", { cause, status: 400 });

function headerOf(file: PsdFile, { metadata }: Source): Header {
  const { width, height, layers, transparent, clear, mode, depth, density, start } = file;
  const bytes = metadata.size === undefined ? undefined : Math.max(0, metadata.size - start);
  return {
    format: "psd",
    width,
    height,
    frames: 1 + layers,
    alpha: transparent || (mode === "indexed" && clear !== undefined && clear < 256),
    palette: mode === "indexed",
    depth,
    orientation: 1,
    ...(density !== undefined && density >= 1 && { density }),
    decode: {
      cost: START_COST,
      megapixelCost: MEGAPIXEL_COST,
      memory: START_MEMORY + 2 * (bytes ?? 0),
      pixelMemory: PIXEL_MEMORY,
      ...(bytes !== undefined && { bytes }),
    },
  };
}

async function flatten(file: PsdFile, source: Source, context: RenderContext): Promise<Uint8Array> {
  const task: PsdTask = { file, bytes: await flattenedBytes(file, source, context) };
  try {
    // Nothing of it is WebAssembly.
    return await inThread<Uint8Array>({ program: PROGRAM, input: task, memory: 0 }, context);
  } catch (cause) {
    if (context.signal.aborted) throw cause;
    throw isMediaError(cause) && cause.code !== "UNIDENTIFIED" ? cause : broken(cause);
  }
}

/** The flattened picture comes after the layers: they are not read if the file is local, or large. */
async function flattenedBytes(
  { start }: PsdFile,
  source: Source,
  { limits }: RenderContext,
): Promise<Uint8Array> {
  const { size } = source.metadata;
  const limit = limits.imageBytes;
  if (size === undefined || (source.file === undefined && size <= limit)) {
    return (await source.bytes(limit)).subarray(start);
  }
  if (size - start > limit) {
    throw new MediaError(
      "ELIMIT",
      `Expected a flattened image of at most ${limit} bytes but received ${size - start}`,
    );
  }
  if (size <= start) throw broken();
  return buffer(await source.stream({ start, end: size - 1 }));
}
