import { hash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import {
  type FileMetadata,
  type FolderEntry,
  isForFewer,
  NOT_MODIFIED,
  nameTaken,
  type Storage,
} from "@mediatap/core/storage";
import type { StorageSetup } from "@mediatap/test";

export interface File extends FileMetadata {
  readonly bytes: Buffer;
  readonly etag: string;
}

const CHUNK = 64 * 1024;
/** All that `describeStorage` can try. */
export const CAN = {
  conditional: true,
  size: true,
  metadata: true,
  private: true,
  write: true,
  newNames: true,
  exclusiveNames: true,
  writeMetadata: true,
  listFolder: true,
};

/** What a mutant makes of the storage: fields take the place of the right ones. */
export type Mutation = (storage: Required<Storage>, files: Map<string, File>) => Partial<Storage>;

/** A storage in memory that keeps every promise, changed by a mutation. */
export function memoryPlace(mutate: Mutation = () => ({})): StorageSetup {
  const files = new Map<string, File>();
  const put = async (
    path: string,
    bytes: Uint8Array,
    { type, cacheControl, private: isPrivate }: FileMetadata = {},
  ) => {
    files.set(path, {
      bytes: Buffer.from(bytes),
      etag: `"${hash("sha1", bytes)}"`,
      size: bytes.length,
      ...(type !== undefined && { type }),
      ...(cacheControl !== undefined && { cacheControl }),
      ...(isPrivate && { private: true }),
    });
  };
  const storage = {
    async open(path, { range, ifNoneMatch, held, signal }) {
      signal.throwIfAborted();
      const file = files.get(path);
      if (!file) return undefined;
      const { bytes, ...metadata } = file;
      if (ifNoneMatch === file.etag && !(held && isForFewer(metadata, held))) return NOT_MODIFIED;
      const part = range ? bytes.subarray(range.start, range.end + 1) : bytes;
      return {
        ...metadata,
        body() {
          const body = Readable.from(chunksOf(part));
          signal.addEventListener("abort", () => body.destroy(signal.reason as Error), { once: true });
          return body;
        },
      };
    },
    keepsPrivate: true,
    async write(path, body, { isNew = false, ...metadata }) {
      const bytes = body instanceof Uint8Array ? body : await buffer(body as Readable);
      if (isNew && files.has(path)) throw nameTaken();
      await put(path, bytes, metadata);
    },
    remove: async (path) => void files.delete(path),
    async *list(prefix) {
      for (const path of [...files.keys()]) if (path.startsWith(prefix)) yield path;
    },
    async listFolder(folder, { limit = 100, cursor = "0", signal }) {
      signal.throwIfAborted();
      const entries = entriesOf(files, folder === "" ? "" : `${folder}/`);
      const end = Number(cursor) + limit;
      return {
        entries: entries.slice(Number(cursor), end),
        ...(end < entries.length && { next: String(end) }),
      };
    },
  } satisfies Storage as unknown as Required<Storage>;
  return { storage: { ...storage, ...mutate(storage, files) }, put, close: async () => {} };
}

/** What lies directly below a prefix. */
function entriesOf(files: ReadonlyMap<string, File>, prefix: string): FolderEntry[] {
  const entries = new Map<string, FolderEntry>();
  for (const [path, { bytes, private: isPrivate = false }] of files) {
    if (!path.startsWith(prefix)) continue;
    const [name = "", ...below] = path.slice(prefix.length).split("/");
    const isFolder = below.length > 0;
    entries.set(
      isFolder ? `${name}/` : name,
      isFolder ? { name, kind: "folder" } : { name, kind: "file", size: bytes.length, private: isPrivate },
    );
  }
  return [...entries.values()];
}

/** Piece by piece, with a moment between two of them as a network has it. */
async function* chunksOf(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += CHUNK) {
    yield bytes.subarray(at, at + CHUNK);
    await new Promise(setImmediate);
  }
}
