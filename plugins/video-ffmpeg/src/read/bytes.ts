import { type FileHandle, open } from "node:fs/promises";
import { MediaError, type RenderContext, type Source } from "@mediatap/core";
import { BLOCK } from "./blocks.ts";
import { placeOf } from "./input.ts";
import { loopback } from "./loopback.ts";

/** A source for who reads parts of it by himself. */
export interface Bytes {
  readonly size: number;
  /**
   * `length` bytes from `start` on. Rejects with `UNIDENTIFIED` where the file does not have them, else with what the origin's
   * failure is.
   */
  read(start: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** Opens a source: its local file, or parts of it at its origin, which are kept for all who read. */
export async function openBytes(source: Source, context: RenderContext): Promise<Bytes> {
  const place = await placeOf(source, context);
  if (place.file === undefined) return blockBytes(place.blocks, context);
  let handle: FileHandle | undefined;
  try {
    handle = await open(place.file, "r");
    const { size } = await handle.stat();
    return fileBytes(handle, size, place.release);
  } catch (error) {
    await handle?.close();
    place.release();
    throw error;
  }
}

function fileBytes(handle: FileHandle, size: number, release: () => void): Bytes {
  return {
    size,
    async read(start, length) {
      assertWithin(size, start, length);
      const buffer = Buffer.allocUnsafe(length);
      for (let at = 0; at < length; ) {
        const { bytesRead } = await handle.read(buffer, at, length - at, start + at);
        if (bytesRead === 0) throw cutOff();
        at += bytesRead;
      }
      return buffer;
    },
    async close() {
      await handle.close();
      release();
    },
  };
}

function blockBytes(
  file: Extract<Awaited<ReturnType<typeof placeOf>>, { readonly blocks: object }>["blocks"],
  { signal }: RenderContext,
): Bytes {
  const { size } = file;
  return {
    size,
    async read(start, length) {
      assertWithin(size, start, length);
      if (length === 0) return Buffer.alloc(0);
      const last = Math.floor((start + length - 1) / BLOCK);
      // Nothing behind the last block that is wanted is read ahead.
      const reader = loopback().blocks.reader({ ...file, size: Math.min(size, (last + 1) * BLOCK) });
      signal.addEventListener("abort", reader.leave, { once: true });
      try {
        signal.throwIfAborted();
        const parts: Buffer[] = [];
        for (let index = Math.floor(start / BLOCK); index <= last; index++) {
          const block = await reader.read(index);
          const from = index * BLOCK;
          parts.push(block.subarray(Math.max(0, start - from), start + length - from));
        }
        return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length);
      } catch (error) {
        throw signal.aborted ? signal.reason : error;
      } finally {
        signal.removeEventListener("abort", reader.leave);
        reader.leave();
      }
    },
    close: async () => {},
  };
}

function assertWithin(size: number, start: number, length: number): void {
  if (!(start >= 0 && length >= 0 && start + length <= size)) throw cutOff();
}

const cutOff = () => new MediaError("UNIDENTIFIED", "The video is cut off", { status: 400 });
