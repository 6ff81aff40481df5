import { randomBytes } from "node:crypto";
import { Readable, Transform } from "node:stream";
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import {
  type Ban,
  type Body,
  bodyOf,
  createCacheBreaker,
  createTurns,
  type Delivered,
  isBanned,
  isFromFuture,
  isOnlyConfirmed,
  type KnownEntry,
  type PluginApi,
  type RenditionRecord,
  type SettledBody,
  type Storage,
  type StorageEntry,
  within,
} from "@mediatap/core";
import { LRUCache } from "lru-cache";
import { createBans } from "./bans.ts";
import { type Entry, parseEntry, writtenEntry } from "./entry.ts";
import { bodyPath, recordPath, stemOf } from "./names.ts";

/** A storage that can be written to. */
export type WritableStorage = Storage & Required<Pick<Storage, "write" | "remove" | "list">>;

export interface StoreParts {
  readonly storage: WritableStorage;
  readonly logger: PluginApi["logger"];
  /** What all names begin with. */
  readonly prefix: string;
  /** Milliseconds that a lookup may take. */
  readonly timeout: number;
  readonly maxEntryBytes: number;
  /** Milliseconds for which an entry is kept. */
  readonly ttl: number;
  readonly private: boolean;
  /** Milliseconds for which a storage that failed is left alone. */
  readonly rest: number;
}

/** Bodies up to this size are read whole and checked before they are delivered; larger ones while they are. */
const SMALL = 4 * 1024 * 1024;

/** Largest record that is read. */
const LARGEST_RECORD = 1024 * 1024;

/** Entries that are written at one time, and bytes that may wait for that; what is more is not kept. */
const WRITERS = 8;
const BEHIND = 64 * 1024 * 1024;

/** Bytes that an entry counts for besides its body. */
const RECORD = 1000;

/** Milliseconds that the writing of an entry may take at 1 MB a second and more, and the end of a server waits for it. */
const PATIENCE = 10_000;

/** Milliseconds that the start waits for the storage. */
const START = 2_000;

/** What is known of an entry in the storage without asking for it. */
interface Known extends KnownEntry {
  readonly entry: Entry;
}

/** The entries of a storage, as one process sees them. */
export function createStore(parts: StoreParts) {
  const { storage, logger, prefix, timeout, maxEntryBytes, ttl, rest } = parts;
  const bans = createBans({ storage, prefix, ttl, logger });
  /** Entries that were read or written here, as the storage has them. */
  const known = new LRUCache<string, Known>({ max: 5_000 });
  // They live for a minute, and nobody could tell how many there will be.
  const failures = new LRUCache<string, RenditionRecord>({ max: 10_000 });
  const pending = new Set<Promise<void>>();
  const inTurn = createTurns({ places: WRITERS, most: BEHIND });
  /** Keys that were purged while something was written. */
  let purgedKeys: string[] = [];
  const reading = createCacheBreaker({
    rest,
    onFailure: (err) => logger.warn({ err }, "the storage of renditions does not answer, and is passed over"),
    onRecovery: () => logger.info("the storage of renditions answers again"),
  });
  const writing = createCacheBreaker({
    rest,
    onFailure: (err) =>
      logger.warn({ err }, "the storage of renditions cannot be written to; nothing is kept"),
    onRecovery: () => logger.info("the storage of renditions can be written to again"),
  });

  async function find(key: string): Promise<Delivered | undefined> {
    const failure = failures.get(key);
    if (failure) return { record: failure };
    return await reading.run(() => inTime((signal) => findEntry(key, signal)));
  }

  /** What takes too long is ended. */
  async function inTime<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const end = new AbortController();
    try {
      return await within(timeout, work(end.signal));
    } catch (error) {
      end.abort();
      throw error;
    }
  }

  async function findEntry(key: string, signal: AbortSignal): Promise<Delivered | undefined> {
    await bans.load();
    const entry = await read(key, signal);
    if (!entry) return undefined;
    const before = known.get(key);
    const record =
      before?.entry.version === entry.version && before.entry.written === entry.written
        ? before.record
        : entry.record;
    const body = entry.version === null ? undefined : await open(entry, signal);
    // What is broken is to be written again.
    if (entry.version !== null && !body) {
      known.delete(key);
      return undefined;
    }
    known.set(key, knownOf(entry, record));
    return body ? { record, body } : { record };
  }

  /** The entry of a key, if it is there, whole, and not purged. */
  async function read(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    const file = await openFile(recordPath(stemOf(prefix, key)), signal);
    const entry = file && parseEntry(await readWhole(file, LARGEST_RECORD));
    if (entry?.record.key === key && holds(entry)) return entry;
    known.delete(key);
    return undefined;
  }

  function holds({ record, bans: seen, written }: Entry): boolean {
    // One from the future would outlive the bans that speak of it.
    if (Date.now() - written > ttl || isFromFuture({ stored: written }) || bans.isOwed(record)) return false;
    return bans.of(record).every((stamp) => seen.includes(stamp));
  }

  async function openFile(path: string, signal: AbortSignal): Promise<StorageEntry | undefined> {
    const file = await storage.open(path, { signal });
    return typeof file === "object" ? file : undefined;
  }

  /** The body of an entry; `undefined` where it is not there any more, or not the one. */
  async function open(entry: Entry, signal: AbortSignal): Promise<SettledBody | undefined> {
    const path = bodyPath(stemOf(prefix, entry.record.key), entry.version ?? "");
    const { length } = entry;
    if (length <= SMALL) {
      const file = await openFile(path, signal);
      const bytes = file && (await readWhole(file, length));
      if (!bytes || bytes.byteLength !== length || crc32(bytes) !== entry.body) return undefined;
      return bodyOf(bytes, (part) => Readable.from([part]));
    }
    const head = await storage.open(path, { signal, head: true });
    if (typeof head !== "object") return undefined;
    await head.close?.();
    if ((head.size ?? length) !== length) return undefined;
    return {
      settled: true,
      length,
      async stream(range) {
        const file = await storage.open(path, {
          signal: new AbortController().signal,
          ...(range && { range }),
        });
        if (typeof file !== "object") throw new Error("a rendition is not where it was");
        const body = await file.body();
        return range ? body : checked(body, entry, () => void remove(entry.record.key));
      },
    };
  }

  async function keep(record: RenditionRecord, body: Body | undefined): Promise<void> {
    const { key } = record;
    if (record.error) {
      failures.set(key, record);
      // An outage says nothing of what is there.
      if (!record.error.outage && known.has(key)) await remove(key);
      return;
    }
    failures.delete(key);
    if (record.private && !parts.private) return await remove(key);
    const before = known.get(key);
    if (isOnlyConfirmed(before, record, body)) {
      known.set(key, { ...before, record });
      return;
    }
    const kept = body?.settled && body.length <= maxEntryBytes ? body : undefined;
    const since = purgedKeys;
    const patience = PATIENCE + (kept?.length ?? 0) / 1000;
    await inTurn(RECORD + (kept?.bytes ? kept.length : 0), () =>
      writing.run(() => within(patience, write(record, kept, since))),
    );
  }

  /** The body first: an entry is there once its record is, and whole. */
  async function write(
    record: RenditionRecord,
    body: SettledBody | undefined,
    since: string[],
  ): Promise<void> {
    const { key } = record;
    const stem = stemOf(prefix, key);
    const seen = bans.of(record);
    const before = await read(key, new AbortController().signal);
    known.delete(key);
    const made = body ? await writeBody(stem, body) : bodyBefore(before, record);
    const entry: Entry = { record, bans: [...seen], written: Date.now(), ...made };
    const bytes = writtenEntry(entry);
    await storage.write(recordPath(stem), bytes, { size: bytes.byteLength, type: "text/plain" });
    if (since !== purgedKeys && purgedKeys.includes(key)) return await forget(key);
    known.set(key, knownOf(entry, record));
    if (before?.version && before.version !== entry.version)
      await storage.remove(bodyPath(stem, before.version));
  }

  async function writeBody(stem: string, body: SettledBody) {
    const version = randomBytes(16).toString("hex");
    const { length } = body;
    if (body.bytes) {
      await storage.write(bodyPath(stem, version), body.bytes, { size: length });
      return { version, length, body: crc32(body.bytes) };
    }
    let sum = 0;
    let size = 0;
    const source = await body.stream();
    async function* metered() {
      for await (const chunk of source) {
        sum = crc32(chunk, sum);
        size += chunk.byteLength;
        yield chunk;
      }
    }
    await storage.write(bodyPath(stem, version), Readable.from(metered(), { objectMode: false }), {
      size: length,
    });
    if (size !== length) throw new Error("a rendition has not all its bytes");
    return { version, length, body: sum };
  }

  async function remove(key: string): Promise<void> {
    await writing.run(() => within(PATIENCE, forget(key)));
  }

  /** First the record, so that nobody finds a body that is about to go. */
  async function forget(key: string): Promise<void> {
    const stem = stemOf(prefix, key);
    const entry = known.get(key)?.entry;
    known.delete(key);
    await storage.remove(recordPath(stem));
    if (entry?.version) await storage.remove(bodyPath(stem, entry.version));
  }

  return {
    storage,
    find,
    /** Bans of originals and of URLs are for others. */
    async purge(ban: Ban): Promise<void> {
      if (ban.kind === "original" || ban.kind === "url") return;
      for (const [key, record] of failures.entries()) if (isBanned(record, ban)) failures.delete(key);
      if (ban.kind !== "key") return await bans.purge(ban);
      // Another array, so that those who write see that there was a purge.
      purgedKeys = pending.size > 0 ? [...purgedKeys, ban.value] : [ban.value];
      await forget(ban.value);
    },
    /** Keeps an entry; resolves once it is there, or given up. */
    store(record: RenditionRecord, body: Body | undefined): Promise<void> {
      const work = keep(record, body).finally(() => pending.delete(work));
      pending.add(work);
      return work;
    },
    /** Learns what was purged; a storage that takes its time does not hold up the start. */
    async start(): Promise<void> {
      await reading.run(() => within(START, bans.start()));
    },
    async stop(): Promise<void> {
      bans.close();
      await within(PATIENCE, Promise.all(pending)).catch(() => undefined);
    },
  };
}

export type Store = ReturnType<typeof createStore>;

const knownOf = (entry: Entry, record: RenditionRecord): Known => ({
  entry,
  record,
  freshUntil: entry.record.freshUntil,
  hasBody: entry.version !== null,
});

/** A record that comes alone, as a confirmation does, keeps the body that belongs to it. */
function bodyBefore(before: Entry | undefined, { etag }: RenditionRecord) {
  if (!before || etag === undefined || before.record.etag !== etag)
    return { version: null, length: 0, body: 0 };
  const { version, length, body } = before;
  return { version, length, body };
}

async function readWhole(file: StorageEntry, most: number): Promise<Buffer> {
  try {
    if ((file.size ?? 0) > most) return Buffer.of();
    return await buffer(await file.body());
  } finally {
    await file.close?.();
  }
}

/** Breaks off before the end where the bytes are not those that were written. */
function checked(source: Readable, { length, body }: Entry, onDamage: () => void): Readable {
  let sum = 0;
  let size = 0;
  const check = new Transform({
    transform(chunk: Buffer, _, done) {
      sum = crc32(chunk, sum);
      size += chunk.byteLength;
      if (size < length || (size === length && sum === body)) return done(null, chunk);
      onDamage();
      done(new Error("a rendition is damaged"));
    },
    flush: (done) => done(size === length ? null : new Error("a rendition broke off")),
  });
  source.on("error", (error) => check.destroy(error));
  check.on("close", () => source.destroy());
  return source.pipe(check);
}
