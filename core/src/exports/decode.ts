// What decoders need beside the root: threads, sources in memory, memoized inspection, coalescing, TIFF and SVG, and the likeness of pictures.

export type { Luma } from "../decode/likeness.ts";
export { likeness } from "../decode/likeness.ts";
export { memoizeInspector } from "../decode/memoize.ts";
export { memorySource } from "../decode/memory.ts";
export { isSvg, isSvgSource, xmlText } from "../decode/svg.ts";
export type { ThreadProgram, ThreadTools } from "../decode/thread.ts";
export { inThread } from "../decode/thread.ts";
export type { TiffLayout } from "../decode/tiff.ts";
export { createTiff } from "../decode/tiff.ts";
export { createCoalescer } from "../util/coalescer.ts";
