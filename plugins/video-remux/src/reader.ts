import { MediaError, type Source } from "@mediatap/core";

/** Reads ranges of a file. */
export interface Reader {
  readonly size: number;
  /** `length` bytes from `start` on. Rejects with `UNIDENTIFIED` if the file does not have them. */
  read(start: number, length: number): Promise<Buffer>;
}

/** Reads ranges of a source. */
export function readerOf(source: Source, signal: AbortSignal): Reader {
  const { size = 0 } = source.metadata;
  return {
    size,
    async read(start, length) {
      if (!(start >= 0 && length >= 0 && start + length <= size)) throw truncated();
      if (length === 0) return Buffer.alloc(0);
      const buffer = Buffer.allocUnsafe(length);
      let bytes = 0;
      const stream: AsyncIterable<Uint8Array> = await source.again(
        { start, end: start + length - 1 },
        signal,
      );
      for await (const chunk of stream) {
        if (bytes + chunk.length > length) throw truncated();
        buffer.set(chunk, bytes);
        bytes += chunk.length;
      }
      if (bytes !== length) throw truncated();
      return buffer;
    },
  };
}

const truncated = () => new MediaError("UNIDENTIFIED", "The video is truncated", { status: 400 });
