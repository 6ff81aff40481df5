import { init, type WrappedPdfiumModule } from "@embedpdf/pdfium";
import type { Size } from "@mediatap/core";
import type { ThreadProgram, ThreadTools } from "@mediatap/core/decode";

// Runs in a worker thread, with a library of its own: nothing is given back but with the thread.

export type PdfTask =
  | { readonly does: "header"; readonly bytes: Uint8Array; readonly maxPages: number }
  | {
      readonly does: "draw";
      readonly bytes: Uint8Array;
      /** Counted from 0. */
      readonly page: number;
      readonly size: Size;
    };

export interface PdfHeader {
  /** In points, upright, the first `maxPages`. */
  readonly pages: readonly [Size, ...Size[]];
}

type Pointer = number;

/** `FPDFBitmap_BGR`: 24 bits a pixel, no alpha. */
const BGR = 2;
const WHITE = 0xffffffff;
/** `FPDF_ANNOT`: annotations belong to the page; `FPDF_REVERSE_BYTE_ORDER`: red first. */
const ANNOTATIONS = 0x01;
const RGB_ORDER = 0x10;

const ENCRYPTED = [4, 5];

const program: ThreadProgram<PdfTask, PdfHeader | Uint8Array> = async (task, tools) => {
  const { instantiateWasm } = tools;
  const pdfium = await init({ instantiateWasm } as Parameters<typeof init>[0]);
  pdfium.FPDF_InitLibrary();
  const document = open(pdfium, task.bytes, tools);
  return task.does === "header"
    ? { pages: sizesOf(pdfium, document, task.maxPages, tools) }
    : renderPage(pdfium, document, task, tools);
};

export default program;

function open(pdfium: WrappedPdfiumModule, bytes: Uint8Array, { fail }: ThreadTools): Pointer {
  const data = allocate(pdfium, bytes.length);
  runtime(pdfium).HEAPU8.set(bytes, data);
  const document = pdfium.FPDF_LoadMemDocument(data, bytes.length, "");
  if (document !== 0) return document;
  if (ENCRYPTED.includes(pdfium.FPDF_GetLastError())) fail("EUNSUPPORTED", "The PDF needs a password");
  return fail("UNIDENTIFIED", "The source is not a readable PDF");
}

function sizesOf(
  pdfium: WrappedPdfiumModule,
  document: Pointer,
  maxPages: number,
  { fail }: ThreadTools,
): PdfHeader["pages"] {
  const count = Math.min(maxPages, pdfium.FPDF_GetPageCount(document));
  const out = allocate(pdfium, 8);
  const sizes = Array.from({ length: count }, (_, at): Size => {
    if (!pdfium.FPDF_GetPageSizeByIndexF(document, at, out))
      fail("UNIDENTIFIED", "The PDF has a damaged page");
    const [width, height] = runtime(pdfium).HEAPF32.subarray(out / 4, out / 4 + 2) as unknown as [
      number,
      number,
    ];
    return { width: points(width), height: points(height) };
  });
  const [first, ...others] = sizes;
  return first ? [first, ...others] : fail("UNIDENTIFIED", "The PDF has no pages");
}

const points = (length: number) => Math.max(1, Math.round(Number.isFinite(length) ? length : 1));

/** A page on white, as an uncompressed TIFF. */
function renderPage(
  pdfium: WrappedPdfiumModule,
  document: Pointer,
  { page: at, size }: Extract<PdfTask, { does: "draw" }>,
  { fail, tiff }: ThreadTools,
): Uint8Array {
  const { width, height } = size;
  const page = pdfium.FPDF_LoadPage(document, at);
  if (page === 0) fail("UNIDENTIFIED", "The PDF has a damaged page");
  const bitmap = pdfium.FPDFBitmap_CreateEx(width, height, BGR, 0, 0);
  if (bitmap === 0) throw new RangeError("Out of memory");
  pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, WHITE);
  const flags = ANNOTATIONS | RGB_ORDER;
  pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags);
  // Form contents are rendered by the form; it runs no script, as no script engine is there.
  const form = pdfium.PDFiumExt_InitFormFillEnvironment(document, pdfium.PDFiumExt_OpenFormFillInfo());
  if (form !== 0) {
    pdfium.FPDF_SetFormFieldHighlightAlpha(form, 0);
    pdfium.FPDF_FFLDraw(form, bitmap, page, 0, 0, width, height, 0, RGB_ORDER);
  }
  const start = pdfium.FPDFBitmap_GetBuffer(bitmap);
  const stride = pdfium.FPDFBitmap_GetStride(bitmap);
  const { file, pixels } = tiff({ width, height, colors: "rgb", alpha: false });
  for (let y = 0; y < height; y++) {
    const from = start + y * stride;
    pixels.set(runtime(pdfium).HEAPU8.subarray(from, from + width * 3), y * width * 3);
  }
  return file;
}

/** What every Emscripten module has; the library's types take it from a package that is not needed otherwise. */
interface Runtime {
  readonly HEAPU8: Uint8Array;
  readonly HEAPF32: Float32Array;
  readonly wasmExports: { malloc(bytes: number): Pointer };
}

/** Read it each time: views are created again when the memory grows. */
const runtime = ({ pdfium }: WrappedPdfiumModule) => pdfium as unknown as Runtime;

function allocate(pdfium: WrappedPdfiumModule, bytes: number): Pointer {
  const pointer = runtime(pdfium).wasmExports.malloc(Math.max(16, bytes));
  if (pointer === 0) throw new RangeError("Out of memory");
  return pointer;
}
