import { addAbortSignal, Readable } from "node:stream";
import type { Plugin } from "@mediatap/core";
import { NOT_MODIFIED, type Storage } from "@mediatap/core/storage";

const NAME = "storage-example";
const PIECE = 64 * 1024;

/** A file of the place. */
export interface StoredFile {
  readonly bytes: Uint8Array;
  /** Another one for other bytes, with its quotes. */
  readonly etag: string;
}

/** Reads originals from a map. Replace it by requests to your place. */
export function exampleStorage(files: ReadonlyMap<string, StoredFile>): Storage {
  return {
    async open(path, { range, ifNoneMatch, signal }) {
      signal.throwIfAborted();
      const file = files.get(path);
      if (!file) return undefined;
      const { bytes, etag } = file;
      if (ifNoneMatch === etag) return NOT_MODIFIED;
      const part = range ? bytes.subarray(range.start, range.end + 1) : bytes;
      return { size: bytes.length, etag, body: () => addAbortSignal(signal, Readable.from(pieces(part))) };
    },
  };
}

/** What your place sends as a stream. */
function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

/** Origins of the type `EXAMPLE`. */
export function storageExample(files: ReadonlyMap<string, StoredFile> = new Map()): Plugin {
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.storage.for("EXAMPLE").tap(NAME, () => exampleStorage(files));
    },
  };
}

export default storageExample;
