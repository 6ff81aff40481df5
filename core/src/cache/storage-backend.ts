import { hash } from "node:crypto";
import { Readable, Transform } from "node:stream";
import { crc32 } from "node:zlib";
import { bodyOf, type CompleteBody } from "../model/rendition.ts";
import type { CacheBackend } from "./backend.ts";
import { createStorageFiles, readWhole, type WritableStorage } from "./storage-files.ts";
import { createStorageJournal } from "./storage-journal.ts";
import type { BodyReference } from "./stored-file.ts";

/** Bodies up to this size are read whole and checked before they are delivered; larger ones while they are. */
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
      const entry = await files.open(path, signal);
      const bytes = entry && (await readWhole(entry, length));
      if (!bytes || bytes.byteLength !== length || crc32(bytes) !== sum) return undefined;
      return bodyOf(bytes, (part) => Readable.from([part]));
    }
    const entry = await storage.open(path, { signal, head: true });
    if (typeof entry !== "object") return undefined;
    await entry.close?.();
    if ((entry.size ?? length) !== length) return undefined;
    return {
      complete: true,
      length,
      async stream(range) {
        const signal = new AbortController().signal;
        const opened = await storage.open(path, { signal, ...(range && { range }) });
        if (typeof opened !== "object") throw new Error("a stored body has gone");
        const body = await opened.body();
        return range ? body : checked(body, reference, () => void remove(key).catch(() => {}));
      },
    };
  }

  async function remove(key: string): Promise<void> {
    const before = await files.read(key, new AbortController().signal);
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
      const before = await files.read(key, new AbortController().signal);
      const isSame = metadata.etag !== undefined && before?.metadata.etag === metadata.etag;
      const reference = body
        ? await files.writeBody(key, body, { size: body.length })
        : isSame
          ? before?.body
          : undefined;
      await files.write(key, { metadata, body: reference });
      if (before?.body && before.body.version !== reference?.version) {
        await files.removeBody(key, before.body);
      }
    },
    delete: remove,
    journal: createStorageJournal(storage, `${prefix}purges-1/`),
  };
}

/** Breaks off before the end if the bytes are not those that were written. */
function checked(source: Readable, { length, sum: expected }: BodyReference, onDamage: () => void): Readable {
  let sum = 0;
  let size = 0;
  const check = new Transform({
    transform(chunk: Buffer, _, done) {
      sum = crc32(chunk, sum);
      size += chunk.byteLength;
      if (size < length || (size === length && sum === expected)) return done(null, chunk);
      onDamage();
      done(new Error("a stored body is damaged"));
    },
    flush: (done) => done(size === length ? null : new Error("a stored body broke off")),
  });
  source.on("error", (error) => check.destroy(error));
  check.on("close", () => source.destroy());
  return source.pipe(check);
}
