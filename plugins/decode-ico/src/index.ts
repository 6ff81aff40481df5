import { extname } from "node:path";
import {
  type Header,
  isMediaError,
  MediaError,
  type Plugin,
  type RenderContext,
  type Source,
} from "@mediatap/core";
import { inThread, memoizeInspector, memorySource } from "@mediatap/core/decode";
import { DIB_HEADER_BYTES, type Dib, hasAlpha, readDib } from "./dib.ts";
import { asTiff } from "./huffman.ts";
import { isIcon, picturesOf, SNIFF_LENGTH } from "./icon.ts";
import type { DibTask } from "./program.ts";

const NAME = "decode-ico";
const VERSION = "0.1.0";

/** The thread's program is beside this module, in source and in built form. */
const PROGRAM = new URL(`./program${extname(import.meta.url)}`, import.meta.url);

// Measured: milliseconds, and bytes.
const START_COST = 40;
const MEGAPIXEL_COST = 25;
const START_MEMORY = 16 * 1024 * 1024;
const PIXEL_MEMORY = 8;

/** Bytes before the bitmap's own header. */
const FILE_HEADER_BYTES = 14;
const ARRAY_HEADER_BYTES = 14;
const HEAD_BYTES = ARRAY_HEADER_BYTES + FILE_HEADER_BYTES + DIB_HEADER_BYTES;

type Kind = "ico" | "bmp";

/**
 * Reads icons of Windows (ICO) and bitmaps (BMP). Of an icon the largest picture is the first page; it is delivered unchanged if no
 * picture of it is requested, a bitmap is not. Broken files are `UNIDENTIFIED`.
 */
export function decodeIco(): Plugin {
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fingerprint }) {
      fingerprint(`${NAME}@${VERSION}`);
      const readHeader = memoizeInspector(async (source, context) => {
        const kind = await kindOf(source);
        return kind && (kind === "ico" ? iconHeader(source, context) : bitmapHeader(source));
      });

      hooks.inspect.for("kind").tapPromise(NAME, async (source) => {
        const format = await kindOf(source);
        return format && { format, ...(format === "ico" && { document: true }) };
      });

      hooks.inspect.for("header").tapPromise(NAME, readHeader);

      hooks.decode.tapPromise(NAME, async (source, { page = 1 }, context) => {
        const kind = await kindOf(source);
        if (!kind) return undefined;
        const bytes = await source.bytes(context.limits.imageBytes);
        const decoded =
          kind === "ico" ? await fromIcon(bytes, page, context) : await fromBitmap(bytes, context);
        return memorySource(source.metadata, decoded);
      });
    },
  };
}

export default decodeIco;

async function kindOf(source: Source): Promise<Kind | undefined> {
  const head = await source.peek(HEAD_BYTES);
  if (isIcon(head.subarray(0, SNIFF_LENGTH))) return "ico";
  return bitmapOf(head) ? "bmp" : undefined;
}

/** The position of a bitmap's header, and its content. */
function bitmapOf(head: Uint8Array): { readonly start: number; readonly dib: Dib } | undefined {
  // An OS/2 array contains one picture for several screens; the first one is used.
  const file = head[0] === 0x42 && head[1] === 0x41 ? ARRAY_HEADER_BYTES : 0;
  const named = head[file] === 0x42 && head[file + 1] === 0x4d;
  const start = file + FILE_HEADER_BYTES;
  if (!named || !head.subarray(file + 6, file + 10).every((byte) => byte === 0)) return undefined;
  const dib = readDib(head.subarray(start), false);
  return dib && { start, dib };
}

async function iconHeader(source: Source, context: RenderContext): Promise<Header> {
  const bytes = await source.bytes(context.limits.imageBytes);
  const pictures = picturesOf(bytes);
  const [first] = pictures;
  if (!first) throw broken();
  const { width, height } = first;
  return {
    ...common("ico", width, height),
    frames: pictures.length,
    pages: pictures.map((picture) => ({ width: picture.width, height: picture.height })),
    alpha: true,
    palette: false,
  };
}

async function bitmapHeader(source: Source): Promise<Header> {
  const { dib } = bitmapOf(await source.peek(HEAD_BYTES)) ?? {};
  if (!dib) throw broken();
  const { width, height, palette, density } = dib;
  return {
    ...common("bmp", width, height),
    frames: 1,
    alpha: hasAlpha(dib),
    palette: palette !== undefined,
    ...(density !== undefined && { density }),
  };
}

const common = (format: Kind, width: number, height: number) => ({
  format,
  width,
  height,
  depth: 8,
  orientation: 1,
  decode: {
    cost: START_COST,
    megapixelCost: MEGAPIXEL_COST,
    memory: START_MEMORY,
    pixelMemory: PIXEL_MEMORY,
  },
});

async function fromIcon(bytes: Uint8Array, page: number, context: RenderContext): Promise<Uint8Array> {
  const picture = picturesOf(bytes)[page - 1];
  if (!picture) throw new MediaError("EINVAL", "Expected a page that the file has");
  const data = bytes.subarray(picture.start, picture.end);
  // Engines read PNG by themselves.
  if (picture.kind === "png") return data;
  const { dib } = picture;
  return decode({ dib, bytes: data, start: dib.end, icon: true }, context);
}

async function fromBitmap(bytes: Uint8Array, context: RenderContext): Promise<Uint8Array> {
  const { start: head, dib } = bitmapOf(bytes.subarray(0, HEAD_BYTES)) ?? {};
  if (head === undefined || !dib) throw broken();
  const data = bytes.subarray(head);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = view.getUint32(head - 4, true) - head;
  if (start < dib.end - colorsLeftOut(dib) || start > data.length) throw broken();
  if (dib.packed === "jpeg" || dib.packed === "png") return embedded(data.subarray(start), dib.packed);
  if (dib.packed === "huffman") return asTiff(dib, data, start);
  return decode({ dib, bytes: data, start, icon: false }, context);
}

/** Engines read such files by themselves, once they are what the header promises. */
function embedded(bytes: Uint8Array, format: "jpeg" | "png"): Uint8Array {
  const signature = Buffer.from(format === "png" ? "89504e47" : "ffd8ff", "hex");
  if (!signature.every((byte, at) => bytes[at] === byte)) throw broken();
  return bytes;
}

/** Bitmaps may contain fewer colours than the header suggests. */
const colorsLeftOut = ({ palette }: { palette?: { colors: number; width: number } }) =>
  palette ? palette.colors * palette.width : 0;

async function decode(input: DibTask, context: RenderContext): Promise<Uint8Array> {
  try {
    // Nothing of it is WebAssembly.
    return await inThread<Uint8Array>({ program: PROGRAM, input, memory: 0 }, context);
  } catch (cause) {
    throw context.signal.aborted || isMediaError(cause) ? cause : broken(cause);
  }
}

const broken = (cause?: unknown) =>
  new MediaError("UNIDENTIFIED", "The source is not a readable icon or bitmap", { cause });
