import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { bodyOf, type CompleteBody } from "../model/rendition.ts";
import type { CacheBackend } from "../plugin/cache-backend.ts";
import { createStorageFiles, readComplete, type WritableStorage } from "./storage-files.ts";
import { createStorageJournal } from "./storage-journal.ts";
import type { BodyReference } from "./stored-file.ts";

/** Bodies up to this size are read whole and checked. For larger ones the storage's entity tag shows that nobody has changed them. */
const MAX_CHECKED_BYTES = 4 * 1024 * 1024;

/** Renditions as files of a storage. Names are hashes: nothing of a URL gets into the name of a file. */
export function createStorageBackend(storage: WritableStorage, prefix: string): CacheBackend {
  const files = createStorageFiles(storage, (key) => {
    const sum = hash("sha256", key, "hex");
    return `${prefix}${sum.slice(0, 2)}/${sum}`;
  });

  /** `undefined`: the bytes are gone, or are not those that were written. */
  async function openBody(
    key: string,
    reference: BodyReference,
    signal: AbortSignal,
  ): Promise<CompleteBody | undefined> {
    const path = files.bodyPath(key, reference);
    const { length, sum } = reference;
    if (length <= MAX_CHECKED_BYTES) {
      const entry = await files.open(path, { signal });
      const bytes = entry && (await readComplete(entry, length));
      if (!bytes || bytes.byteLength !== length || crc32(bytes) !== sum) return undefined;
      return bodyOf(bytes);
    }
    const entry = await files.head(path, signal);
    if (!entry || (entry.size ?? length) !== length) return undefined;
    if (entry.etag !== reference.seal) {
      void seal(key, reference, entry.etag).catch(() => {});
      return undefined;
    }
    return {
      complete: true,
      length,
      async stream(range) {
        const opened = await files.open(path, { range });
        if (!opened) throw new Error("a stored body has gone");
        return await opened.body();
      },
    };
  }

  /** Somebody has touched the body, or moved the whole storage: the next lookup finds it if it is intact. */
  async function seal(key: string, body: BodyReference, seal: string | undefined): Promise<void> {
    if (await files.isIntact(key, body)) await files.change(key, body, { body: { ...body, seal } });
    else await remove(key);
  }

  async function writeBody(key: string, body: CompleteBody): Promise<BodyReference> {
    const reference = await files.writeBody(key, body, { size: body.length });
    if (body.length <= MAX_CHECKED_BYTES) return reference;
    return { ...reference, seal: await files.sealOf(key, reference) };
  }

  async function remove(key: string): Promise<void> {
    const before = await files.read(key);
    await files.remove(key, before?.body);
  }

  return {
    async get(key, options) {
      const found = await files.read(key, options.signal);
      if (!found?.body || !options.body) return found && { metadata: found.metadata };
      const body = await openBody(key, found.body, options.signal);
      return body && { metadata: found.metadata, body };
    },
    async put(key, metadata, body) {
      const before = await files.read(key);
      const isSame = metadata.etag !== undefined && before?.metadata.etag === metadata.etag;
      const reference = body ? await writeBody(key, body) : isSame ? before?.body : undefined;
      await files.write(key, { metadata, body: reference });
      if (before?.body && before.body.version !== reference?.version) {
        await files.removeBody(key, before.body);
      }
    },
    delete: remove,
    journal: createStorageJournal(storage, `${prefix}purges-1/`),
  };
}
