import { Readable } from "node:stream";
import { MediaError, type RenderContext, type Source } from "@mediatap/core";
import { BLOCK, type BlockFile } from "./blocks.ts";
import { placeOf } from "./input.ts";
import { loopback } from "./loopback.ts";

/**
 * Runs `work` with a source whose ranges are cheap to read: it has a local file, or its `again` reads the blocks that are kept
 * for all readers.
 */
export async function withRanges<T>(
  source: Source,
  context: RenderContext,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  if (source.file !== undefined) return work(source);
  const place = await placeOf(source, context);
  if (place.file === undefined) return work(blockSource(source, place.blocks));
  try {
    return await work({ ...source, file: place.file });
  } finally {
    place.release();
  }
}

const blockSource = (source: Source, blocks: BlockFile): Source => ({
  ...source,
  facts: { ...source.facts, size: blocks.size },
  async again({ start, end } = { start: 0, end: blocks.size - 1 }, signal = new AbortController().signal) {
    if (!(start >= 0 && start <= end && end < blocks.size)) {
      throw new MediaError("UNIDENTIFIED", "The video is truncated", { status: 400 });
    }
    return Readable.from(readBlocks(blocks, start, end, signal));
  },
});

async function* readBlocks(file: BlockFile, start: number, end: number, signal: AbortSignal) {
  const last = Math.floor(end / BLOCK);
  // Nothing after the last block is read ahead.
  const reader = loopback().blocks.reader({ ...file, size: Math.min(file.size, (last + 1) * BLOCK) });
  signal.addEventListener("abort", reader.leave, { once: true });
  try {
    signal.throwIfAborted();
    for (let index = Math.floor(start / BLOCK); index <= last; index++) {
      const block = await reader.read(index);
      const from = index * BLOCK;
      yield block.subarray(Math.max(0, start - from), end + 1 - from);
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", reader.leave);
    reader.leave();
  }
}
