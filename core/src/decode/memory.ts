import { Readable } from "node:stream";
import { MediaError } from "../model/errors.ts";
import type { Source, SourceMetadata } from "../model/source.ts";

/** A source whose bytes are in memory: what a tap of `decode` made of another one, whose metadata it keeps. */
export function memorySource(metadata: SourceMetadata, bytes: Uint8Array): Source {
  const stream: Source["stream"] = async (range) =>
    Readable.from([range ? bytes.subarray(range.start, range.end + 1) : bytes], { objectMode: false });
  return {
    metadata: { ...metadata, size: bytes.byteLength },
    peek: async (length) => bytes.subarray(0, length),
    async bytes(limit) {
      if (bytes.byteLength <= limit) return bytes;
      throw new MediaError("ELIMIT", `Expected a file of at most ${limit} bytes`);
    },
    stream,
    again: stream,
    close: async () => {},
  };
}
