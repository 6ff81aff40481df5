import { hash, randomBytes } from "node:crypto";
import { Readable, Transform } from "node:stream";
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { bodyOf, type SettledBody } from "../model/rendition.ts";
import type { Storage, StorageEntry } from "../model/source.ts";
import type { CacheBackend, CacheEntry, StoredMetadata } from "./backend.ts";
import { createStorageJournal } from "./storage-journal.ts";
import { type BodyReference, decodeMetadata, encodeMetadata, type MetadataFile } from "./stored-file.ts";

/** A storage that can be written to. */
export type WritableStorage = Storage & Required<Pick<Storage, "write" | "remove" | "list">>;

/** Bodies up to this size are read whole and checked before they are delivered; larger ones while they are. */
const MAX_CHECKED_BYTES = 4 * 1024 * 1024;

const MAX_METADATA_BYTES = 1024 * 1024;

/**
 * Entries as files of a storage. Each is two files: the body, under a name that no other version has, and the metadata, which
 * names it. The body is written first, so an entry is there once its metadata is, and whole. Names are hashes: nothing of a
 * URL gets into the name of a file.
 */
export function createStorageBackend(storage: WritableStorage, prefix: string): CacheBackend {
  const stemOf = (key: string) => {
    const sum = hash("sha256", key, "hex");
    return `${prefix}${sum.slice(0, 2)}/${sum}`;
  };
  const metadataPath = (key: string) => `${stemOf(key)}.json`;
  const bodyPath = (key: string, { version }: BodyReference) => `${stemOf(key)}.${version}`;

  async function open(path: string, signal: AbortSignal): Promise<StorageEntry | undefined> {
    const entry = await storage.open(path, { signal });
    return typeof entry === "object" ? entry : undefined;
  }

  async function read(key: string, signal: AbortSignal): Promise<MetadataFile | undefined> {
    const entry = await open(metadataPath(key), signal);
    const found = entry && decodeMetadata((await readWhole(entry, MAX_METADATA_BYTES)).toString());
    return found?.metadata.key === key ? found : undefined;
  }

  async function get(
    key: string,
    options: { signal: AbortSignal; body: boolean },
  ): Promise<CacheEntry | undefined> {
    const found = await read(key, options.signal);
    if (!found?.body || !options.body) return found && { metadata: found.metadata };
    const body = await openBody(key, found.body, options.signal);
    return body && { metadata: found.metadata, body };
  }

  /** `undefined`: the bytes are gone, or are not those that were written. */
  async function openBody(
    key: string,
    reference: BodyReference,
    signal: AbortSignal,
  ): Promise<SettledBody | undefined> {
    const path = bodyPath(key, reference);
    const { length, sum } = reference;
    if (length <= MAX_CHECKED_BYTES) {
      const entry = await open(path, signal);
      const bytes = entry && (await readWhole(entry, length));
      if (!bytes || bytes.byteLength !== length || crc32(bytes) !== sum) return undefined;
      return bodyOf(bytes, (part) => Readable.from([part]));
    }
    const entry = await storage.open(path, { signal, head: true });
    if (typeof entry !== "object") return undefined;
    await entry.close?.();
    if ((entry.size ?? length) !== length) return undefined;
    return {
      settled: true,
      length,
      async stream(range) {
        const signal = new AbortController().signal;
        const opened = await storage.open(path, { signal, ...(range && { range }) });
        if (typeof opened !== "object") throw new Error("a stored body has gone");
        const body = await opened.body();
        return range
          ? body
          : checked(body, reference, () => void Promise.resolve(remove(key)).catch(() => {}));
      },
    };
  }

  async function put(key: string, metadata: StoredMetadata, body: SettledBody | undefined): Promise<void> {
    const before = await read(key, new AbortController().signal);
    const isSame = metadata.etag !== undefined && before?.metadata.etag === metadata.etag;
    const reference = body ? await writeBody(key, body) : isSame ? before?.body : undefined;
    const text = Buffer.from(encodeMetadata({ metadata, ...(reference && { body: reference }) }));
    await own(storage.write(metadataPath(key), text, { size: text.byteLength, type: "text/plain" }));
    if (before?.body && before.body.version !== reference?.version)
      await storage.remove(bodyPath(key, before.body));
  }

  async function writeBody(key: string, body: SettledBody): Promise<BodyReference> {
    const { length } = body;
    const version = randomBytes(16).toString("hex");
    const path = bodyPath(key, { version, length, sum: 0 });
    if (body.bytes) {
      await own(storage.write(path, body.bytes, { size: length }));
      return { version, length, sum: crc32(body.bytes) };
    }
    let sum = 0;
    let size = 0;
    const source = await body.stream();
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
    await own(storage.write(path, Readable.from(metered(), { objectMode: false }), { size: length })).catch(
      (error: unknown) => Promise.reject(unreadable ?? error),
    );
    if (size !== length) throw new Error("a body was shorter or longer than announced");
    return { version, length, sum };
  }

  /** The metadata first, so that nobody finds a body that is about to go. */
  async function remove(key: string): Promise<void> {
    const before = await read(key, new AbortController().signal);
    await storage.remove(metadataPath(key));
    if (before?.body) await storage.remove(bodyPath(key, before.body));
  }

  return { get, put, delete: remove, journal: createStorageJournal(storage, `${prefix}purges-1/`) };
}

/** A failure of the storage itself: a MediaError would be taken for one of the body that is read. */
function own(work: Promise<unknown>): Promise<unknown> {
  return work.catch((cause: unknown) =>
    Promise.reject(new Error("the storage cannot be written to", { cause })),
  );
}

async function readWhole(entry: StorageEntry, limit: number): Promise<Buffer> {
  try {
    if ((entry.size ?? 0) > limit) return Buffer.of();
    return await buffer(await entry.body());
  } finally {
    await entry.close?.();
  }
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
