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
import type { PdfHeader, PdfTask } from "./program.ts";

const NAME = "decode-pdf";
const VERSION = "0.1.0";
/** Version of the library; other versions may render differently. */
const LIBRARY = "@embedpdf/pdfium@2.15";

/** The thread's program is beside this module, in source and in built form. */
const PROGRAM = new URL(`./program${extname(import.meta.url)}`, import.meta.url);
const WASM = new URL(import.meta.resolve("@embedpdf/pdfium/pdfium.wasm"));

/** Pages of a file that can be rendered. */
const MAX_PAGES = 2_000;

// The content of a page is known only when it is rendered; these figures are for pages of text and a picture.
const START_COST = 150;
const MEGAPIXEL_COST = 30;
const START_MEMORY = 64 * 1024 * 1024;
const PIXEL_MEMORY = 8;

/** Memory limit of rendering in bytes, beside its pixels: pictures in the file are decoded completely. */
const MAX_BASE_BYTES = 512 * 1024 * 1024;

/** Bytes at the start of a file that are enough to detect its format. */
const SNIFF_LENGTH = 64;

/** Whether a file is PDF (ISO 32000-2 §7.5.2); white space and a byte order mark are let through before it. */
const isPdf = (head: Uint8Array) => /^(?:\xef\xbb\xbf)?\s*%PDF-\d/.test(Buffer.from(head).toString("latin1"));

/**
 * Renders pages of PDF files, and of Illustrator files that contain one, with PDFium: on white, at the requested size, form
 * fields and annotations included. Nothing outside of the file is read, and no script runs. A file without a request for a picture
 * is delivered unchanged. One that needs a password is `EUNSUPPORTED`, a broken one `UNIDENTIFIED`.
 */
export function decodePdf(): Plugin {
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fingerprint }) {
      fingerprint(`${NAME}@${VERSION} ${LIBRARY}`);
      const isMine = async (source: Source) => isPdf(await source.peek(SNIFF_LENGTH));
      const readHeader = memoizeInspector(headerOf);

      hooks.inspect.for("kind").tapPromise(NAME, async (source) => {
        return (await isMine(source)) ? { format: "pdf", document: true } : undefined;
      });

      hooks.inspect.for("header").tapPromise(NAME, async (source, context) => {
        return (await isMine(source)) ? readHeader(source, context) : undefined;
      });

      hooks.decode.tapPromise(NAME, async (source, { page = 1, width, height }, context) => {
        if (!(await isMine(source))) return undefined;
        const header = await context.inspect("header", source);
        const own = header?.pages?.[page - 1] ?? header;
        const size = { width: width ?? own?.width ?? 1, height: height ?? own?.height ?? 1 };
        const bytes = await source.bytes(context.limits.pdfBytes);
        const task: PdfTask = { does: "draw", bytes, page: page - 1, size };
        const memory = MAX_BASE_BYTES + PIXEL_MEMORY * size.width * size.height;
        return memorySource(source.metadata, await run<Uint8Array>(task, memory, context));
      });
    },
  };
}

export default decodePdf;

async function headerOf(source: Source, context: RenderContext): Promise<Header> {
  const bytes = await source.bytes(context.limits.pdfBytes);
  const { pages } = await run<PdfHeader>(
    { does: "header", bytes, maxPages: MAX_PAGES },
    MAX_BASE_BYTES,
    context,
  );
  const [{ width, height }] = pages;
  const alike = pages.every((page) => page.width === width && page.height === height);
  return {
    format: "pdf",
    width,
    height,
    frames: pages.length,
    ...(!alike && { pages }),
    alpha: false,
    palette: false,
    depth: 8,
    orientation: 1,
    decode: {
      cost: START_COST,
      megapixelCost: MEGAPIXEL_COST,
      memory: START_MEMORY + 4 * bytes.length,
      pixelMemory: PIXEL_MEMORY,
      vector: true,
    },
  };
}

async function run<Out>(input: PdfTask, memory: number, context: RenderContext): Promise<Out> {
  try {
    return await inThread<Out>({ program: PROGRAM, input, wasm: WASM, memory }, context);
  } catch (cause) {
    if (context.signal.aborted) throw cause;
    const known = isMediaError(cause);
    if (known && cause.code !== "UNIDENTIFIED") throw cause;
    // A picture was requested, or the file would have been delivered unchanged.
    const message = known ? cause.message : "The source is not a readable PDF";
    throw new MediaError("UNIDENTIFIED", message, { cause, status: 400 });
  }
}
