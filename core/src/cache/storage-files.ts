import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import type { CompleteBody } from "../model/rendition.ts";
import type { FileMetadata, OpenOptions, Storage, StorageEntry } from "../model/source.ts";
import { type BodyReference, decodeMetadata, encodeMetadata, type MetadataFile } from "./stored-file.ts";

/** A storage that can be written to. */
export type WritableStorage = Storage & Required<Pick<Storage, "write" | "remove" | "list">>;

const MAX_METADATA_BYTES = 1024 * 1024;

const NEVER = new AbortController().signal;

/** Files of an entry whose name is its key. */
const FILE = /^[0-9a-f]{2}\/([0-9a-f]{64}-[0-9a-f]{64})\.(?:json|([0-9a-f]{32}))$/;

/** The files of an entry. */
interface FilesOfKey {
  hasMetadata: boolean;
  readonly versions: string[];
}

/** `nameOf` for entries whose name is their key: `list` finds them. */
export const keyAsName = (key: string) => `${key.slice(0, 2)}/${key}`;

/**
 * Entries as files of a storage. Each is two files: the body, under a name that no other version has, and the metadata, which
 * names it. The body is written first, so an entry is there once its metadata is, and whole.
 */
export function createStorageFiles(storage: WritableStorage, nameOf: (key: string) => string) {
  const metadataPath = (key: string) => `${nameOf(key)}.json`;
  const bodyPath = (key: string, { version }: Pick<BodyReference, "version">) => `${nameOf(key)}.${version}`;

  const verifying = new Map<string, Promise<boolean>>();

  async function open(path: string, options: Partial<OpenOptions> = {}): Promise<StorageEntry | undefined> {
    const entry = await storage.open(path, { signal: NEVER, ...options });
    return typeof entry === "object" ? entry : undefined;
  }

  /** The file without its bytes. */
  async function head(path: string, signal: AbortSignal = NEVER): Promise<StorageEntry | undefined> {
    const entry = await open(path, { signal, head: true });
    await entry?.close?.();
    return entry;
  }

  /** `undefined`: not here, damaged, or the metadata of another key. */
  async function read(key: string, signal: AbortSignal = NEVER): Promise<MetadataFile | undefined> {
    const entry = await open(metadataPath(key), { signal });
    const found = entry && decodeMetadata((await readComplete(entry, MAX_METADATA_BYTES)).toString());
    return found?.metadata.key === key ? found : undefined;
  }

  async function write(key: string, file: MetadataFile): Promise<void> {
    const text = Buffer.from(encodeMetadata(file));
    await own(storage.write(metadataPath(key), text, { size: text.byteLength, type: "text/plain" }));
  }

  async function verify(path: string, { sum }: BodyReference): Promise<boolean> {
    const entry = await open(path);
    if (!entry) return false;
    let found = 0;
    try {
      for await (const chunk of await entry.body()) found = crc32(chunk, found);
    } finally {
      await entry.close?.();
    }
    return found === sum;
  }

  return {
    open,
    head,
    bodyPath,
    read,
    write,
    /** Changes the metadata of an entry, unless it is that of another body by now. */
    async change(
      key: string,
      { version }: Pick<BodyReference, "version">,
      change: Partial<MetadataFile>,
    ): Promise<void> {
      const file = await read(key);
      if (file?.body?.version === version) await write(key, { ...file, ...change });
    },
    /** The entity tag that the storage gave a body. While it is the same, nobody has changed the body. */
    async sealOf(key: string, reference: BodyReference): Promise<string | undefined> {
      const entry = await head(bodyPath(key, reference));
      if (!entry) throw new Error("the storage did not store what was written");
      const { length } = reference;
      if ((entry.size ?? length) !== length) throw new Error("the storage stored another number of bytes");
      return entry.etag;
    },
    /**
     * Whether a body has the checksum that it was written with: somebody has touched it, or moved the whole storage. Goes on although
     * the lookup does not wait for it: the next one finds the new entity tag.
     */
    isIntact(key: string, reference: BodyReference): Promise<boolean> {
      const path = bodyPath(key, reference);
      const running = verifying.get(path);
      if (running) return running;
      const work = verify(path, reference).finally(() => verifying.delete(path));
      verifying.set(path, work);
      return work;
    },
    /** Writes a body. If it cannot be read, or has another length than announced, nothing is left of it. */
    async writeBody(
      key: string,
      body: CompleteBody | Readable,
      { size: length, ...metadata }: FileMetadata,
    ): Promise<BodyReference> {
      const version = randomBytes(16).toString("hex");
      const path = bodyPath(key, { version });
      if (!(body instanceof Readable) && body.bytes) {
        await own(storage.write(path, body.bytes, { ...metadata, size: body.length }));
        return { version, length: body.length, sum: crc32(body.bytes) };
      }
      const source = body instanceof Readable ? body : await body.stream();
      let sum = 0;
      let size = 0;
      let unreadable: unknown;
      async function* metered() {
        try {
          for await (const chunk of source) {
            sum = crc32(chunk, sum);
            size += chunk.byteLength;
            yield chunk;
          }
        } catch (error) {
          unreadable = error;
          throw error;
        }
      }
      try {
        const stream = Readable.from(metered(), { objectMode: false });
        await own(
          storage.write(path, stream, { ...metadata, ...(length !== undefined && { size: length }) }),
        );
        if (length !== undefined && size !== length) {
          throw new Error("a body was shorter or longer than announced");
        }
      } catch (error) {
        await storage.remove(path).catch(() => {});
        throw unreadable ?? error;
      }
      return { version, length: size, sum };
    },
    /** Deletes an entry. The metadata first, so that nobody finds a body that is about to go. */
    async remove(key: string, body: BodyReference | undefined): Promise<void> {
      await storage.remove(metadataPath(key));
      if (body) await storage.remove(bodyPath(key, body));
    },
    removeBody: (key: string, body: Pick<BodyReference, "version">) => storage.remove(bodyPath(key, body)),
    /** Removes a body that has lain there for so many milliseconds. */
    async removeOld(key: string, version: string, milliseconds: number): Promise<void> {
      const path = bodyPath(key, { version });
      const entry = await head(path, AbortSignal.timeout(30_000));
      if (entry && Date.now() - (entry.lastModified ?? Date.now()) > milliseconds) await storage.remove(path);
    },
    /** The entries whose keys begin so, if their names are their keys. */
    async list(stem: string): Promise<Map<string, FilesOfKey>> {
      const found = new Map<string, FilesOfKey>();
      for await (const path of storage.list(stem === "" ? "" : keyAsName(stem))) {
        const [, key, version] = FILE.exec(path) ?? [];
        if (key === undefined) continue;
        const files = found.get(key) ?? { hasMetadata: false, versions: [] };
        found.set(key, files);
        if (version === undefined) files.hasMetadata = true;
        else files.versions.push(version);
      }
      return found;
    },
  };
}

export type StorageFiles = ReturnType<typeof createStorageFiles>;

/** A failure of the storage itself: a MediaError would be taken for one of the body that is read. */
function own(work: Promise<unknown>): Promise<unknown> {
  return work.catch((cause: unknown) =>
    Promise.reject(new Error("the storage cannot be written to", { cause })),
  );
}

/** All bytes of a file; none if they are more than `limit`. */
export async function readComplete(entry: StorageEntry, limit: number): Promise<Buffer> {
  try {
    if ((entry.size ?? 0) > limit) return Buffer.of();
    return await buffer(await entry.body());
  } finally {
    await entry.close?.();
  }
}
