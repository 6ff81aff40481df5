import { addAbortListener } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { type ByteRange, MediaError } from "@mediatap/core";
import { createCoalescer } from "@mediatap/core/decode";
import type { Temp } from "../process/temp.ts";
import { type CachedFile, TempCache } from "./temp-cache.ts";

/** Bytes that are fetched and kept as one. */
export const BLOCK_BYTES = 512 * 1024;
/** Blocks that are fetched at the same time for a reader that continues. */
const MAX_READ_AHEAD = 4;
/**
 * Time before a reader that continues gets more. Programs seek in a file, and what they leave unread fills the
 * system's buffers: without a pause megabytes are fetched and never used.
 */
const PAUSE_MS = 15;

/** A file at an origin that supports ranges. */
export interface BlockFile {
  /** Identifies the file and its version. */
  readonly key: string;
  readonly size: number;
  /** The bytes of a range, from the origin, until the signal ends it. */
  open(range: ByteRange, signal: AbortSignal): Promise<Readable>;
  /** `limits.tempBytes`. */
  readonly tempBytes: number;
}

interface Block extends CachedFile {
  /** Until it is written. */
  buffer?: Buffer;
}

/** Blocks of files at origins: fetched on demand, once for all readers, and kept in temporary files until space is needed. */
export class Blocks {
  readonly #temp: Temp;
  readonly #cache: TempCache<Block>;
  readonly #fetches = createCoalescer<Buffer>();

  constructor(temp: Temp) {
    this.#temp = temp;
    this.#cache = new TempCache(temp);
  }

  /** The bytes from `start` to `end`. Rejects with the origin's failure. Nothing after them is fetched if `exact`. */
  async *read(
    file: BlockFile,
    { start, end }: ByteRange,
    signal: AbortSignal,
    exact = false,
  ): AsyncGenerator<Buffer> {
    const [first, last] = [Math.floor(start / BLOCK_BYTES), Math.floor(end / BLOCK_BYTES)];
    const limit = exact ? last : Math.ceil(file.size / BLOCK_BYTES) - 1;
    const readerGone = new AbortController();
    const reading = AbortSignal.any([signal, readerGone.signal]);
    let readAhead = 1;
    try {
      for (let index = first; index <= last; index++) {
        let block = await this.#load(nameOf(file, index));
        if (!block && index > first && !this.#fetches.has(nameOf(file, index))) {
          await delay(PAUSE_MS);
          readAhead = Math.min(MAX_READ_AHEAD, readAhead * 2);
        }
        block ??= await this.#fetch(file, index, Math.min(limit, index + readAhead - 1), reading);
        const from = index * BLOCK_BYTES;
        yield block.subarray(Math.max(0, start - from), end + 1 - from);
      }
    } finally {
      readerGone.abort();
    }
  }

  close(): void {
    this.#cache.close();
  }

  async #load(name: string): Promise<Buffer | undefined> {
    for (let cached = this.#cache.get(name); cached; cached = this.#cache.get(name)) {
      if (cached.buffer) return cached.buffer;
      const block = await readFile(cached.path).catch(() => undefined);
      if (block?.length === cached.bytes) return block;
      this.#cache.delete(name, cached);
    }
    return undefined;
  }

  /** A block; following ones up to `last` are fetched in the background, until the reader leaves. */
  #fetch(file: BlockFile, index: number, last: number, signal: AbortSignal): Promise<Buffer> {
    const [block, ...prefetched] = Array.from({ length: last - index + 1 }, (_, at) => {
      const name = nameOf(file, index + at);
      if (at > 0 && this.#cache.has(name)) return undefined;
      return this.#fetches.run(name, { signal }, (signal) => this.#download(file, index + at, signal));
    });
    for (const pending of prefetched) pending?.catch(() => {});
    return block as Promise<Buffer>;
  }

  async #download(file: BlockFile, index: number, signal: AbortSignal): Promise<Buffer> {
    const start = index * BLOCK_BYTES;
    const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, file.size - start));
    const body = await file.open({ start, end: start + block.length - 1 }, signal);
    using _ = addAbortListener(signal, () => body.destroy());
    let length = 0;
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      const slice = chunk.subarray(0, block.length - length);
      block.set(slice, length);
      length += slice.length;
      if (length === block.length) break;
    }
    signal.throwIfAborted();
    if (length < block.length) {
      throw new MediaError("UNIDENTIFIED", "The origin's response is truncated", { outage: true });
    }
    this.#store(nameOf(file, index), block, file.tempBytes);
    return block;
  }

  /** A block for which there is no space, or that cannot be written, is fetched again when it is needed again. */
  #store(name: string, buffer: Buffer, limit: number): void {
    try {
      this.#temp.acquire(buffer.length, limit);
    } catch {
      return;
    }
    const block: Block = { path: this.#temp.newPath(), bytes: buffer.length, buffer };
    this.#cache.set(name, block);
    writeFile(block.path, buffer, { mode: 0o600, flag: "wx" }).then(
      () => {
        delete block.buffer;
        // It was evicted meanwhile.
        if (this.#cache.get(name) !== block) rm(block.path, { force: true }).catch(() => {});
      },
      () => this.#cache.delete(name, block),
    );
  }
}

const nameOf = ({ key }: BlockFile, index: number) => `${index} ${key}`;
