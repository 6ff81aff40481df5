import { type FileHandle, open } from "node:fs/promises";
import { MediaError, type Source } from "@mediatap/core";

/** Reads parts of a file. */
export interface Reader {
  readonly size: number;
  /** `length` bytes from `start` on. Rejects with `UNIDENTIFIED` if the file does not have them. */
  read(start: number, length: number): Promise<Buffer>;
}

/** Runs `work` with a reader of a source: of its local file, or of ranges of it at its origin. */
export async function withReader<T>(
  source: Source,
  signal: AbortSignal,
  work: (reader: Reader) => Promise<T>,
): Promise<T> {
  if (source.file === undefined) return work(rangeReader(source, signal));
  const handle = await open(source.file, "r");
  try {
    return await work(fileReader(handle, (await handle.stat()).size));
  } finally {
    await handle.close();
  }
}

function fileReader(handle: FileHandle, size: number): Reader {
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
  };
}

function rangeReader(source: Source, signal: AbortSignal): Reader {
  const size = source.facts.size ?? 0;
  return {
    size,
    async read(start, length) {
      assertWithin(size, start, length);
      if (length === 0) return Buffer.alloc(0);
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of await source.again({ start, end: start + length - 1 }, signal)) {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > length) break;
      }
      if (bytes !== length) throw cutOff();
      return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length);
    },
  };
}

function assertWithin(size: number, start: number, length: number): void {
  if (!(start >= 0 && length >= 0 && start + length <= size)) throw cutOff();
}

const cutOff = () => new MediaError("UNIDENTIFIED", "The video is truncated", { status: 400 });
