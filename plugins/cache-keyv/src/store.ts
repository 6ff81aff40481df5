import { hash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import {
  type Ban,
  type Body,
  bodyOf,
  createCacheBreaker,
  createTurns,
  type Delivered,
  isBanned,
  isMediaError,
  isOnlyConfirmed,
  type KnownEntry,
  type PluginApi,
  type RenditionRecord,
  type SettledBody,
  within,
} from "@mediatap/core";
import { LRUCache } from "lru-cache";
import { type Entry, parseEntry, writtenEntry } from "./entry.ts";
import { isLate, type Link } from "./link.ts";
import { createPurges } from "./purges.ts";

export type Logger = PluginApi["logger"];

export interface StoreOptions {
  /** What all keys begin with. */
  readonly namespace: string;
  readonly maxEntryBytes: number;
  /** Milliseconds for which an entry is kept. */
  readonly ttl: number;
  /** Milliseconds that a lookup may take. */
  readonly timeout: number;
  readonly private: boolean;
  /** Milliseconds for which a store that failed is left alone. */
  readonly rest: number;
}

/** Entries that are written at one time, and bytes that may wait for that; what is more is not kept. */
const WRITERS = 8;
const BEHIND = 32 * 1024 * 1024;

/** Bytes that an entry counts for besides its body. */
const RECORD = 1000;

/** Milliseconds that the writing of an entry may take, and the end of a server waits for it. */
const PATIENCE = 2_000;

/** Milliseconds that the start waits for a connection, … */
const START = 1_000;
/** … and `mediatap doctor` for each of three answers. */
const PROBE = 1_500;

const toStream = (bytes: Uint8Array) => Readable.from([bytes]);

/** What is known of an entry in the store without asking for it. */
interface Known extends KnownEntry {
  readonly version: string;
}

/** The entries of a store, as one process sees them. */
export function createStore(link: Link, options: StoreOptions, logger: Logger) {
  const { namespace, maxEntryBytes, ttl, timeout, rest } = options;
  const purges = createPurges({ link, namespace, ttl, logger, forget: (key) => link.delete(nameOf(key)) });
  const known = new LRUCache<string, Known>({ max: 5000 });
  // They live for a minute, and nobody could tell how many there will be.
  const failures = new LRUCache<string, RenditionRecord>({ max: 10_000 });
  const reading = createCacheBreaker({
    rest,
    onFailure: (err) => logger.warn({ err }, "the store of the cache does not answer, and is passed over"),
    onRecovery: () => logger.info("the store of the cache answers again"),
  });
  const writing = createCacheBreaker({
    rest,
    onFailure: (err) => logger.warn({ err }, "the store of the cache cannot be written to; nothing is kept"),
    onRecovery: () => logger.info("the store of the cache can be written to again"),
  });
  const pending = new Set<Promise<void>>();
  const inTurn = createTurns({ places: WRITERS, most: BEHIND });

  const nameOf = (key: string) => `${namespace}:rendition-1:${hash("sha256", key, "base64url")}`;

  async function find(key: string): Promise<Delivered | undefined> {
    const failure = failures.get(key);
    if (failure) return { record: failure };
    const name = nameOf(key);
    const entry = await reading.run(() => inTime(timeout, read(name, key)));
    if (!entry || purges.isOwed(entry.record)) return undefined;
    const record = recordOf(name, entry);
    return entry.body ? { record, body: bodyOf(entry.body, toStream) } : { record };
  }

  /** The entry of a key, if it is there, whole, and not purged. */
  async function read(name: string, key: string): Promise<Entry | undefined> {
    const entry = parseEntry(await link.get(name));
    if (entry?.record.key === key && (await purges.holds(entry))) return entry;
    known.delete(name);
    return undefined;
  }

  async function inTime<T>(milliseconds: number, work: Promise<T>): Promise<T> {
    try {
      return await within(milliseconds, work);
    } catch (error) {
      if (isLate(error)) link.late();
      throw error;
    }
  }

  /** The record of an entry, as it was confirmed last. */
  function recordOf(name: string, { version, record, body }: Entry): RenditionRecord {
    const before = known.get(name);
    if (before?.version === version) return before.record;
    known.set(name, { version, record, freshUntil: record.freshUntil, hasBody: body !== undefined });
    return record;
  }

  async function keep(record: RenditionRecord, body: Body | undefined): Promise<void> {
    const name = nameOf(record.key);
    if (record.error) {
      failures.set(record.key, record);
      // An outage says nothing of what is there.
      if (!record.error.outage && known.has(name)) await remove(name);
      return;
    }
    failures.delete(record.key);
    if (record.private && !options.private) return await remove(name);
    const before = known.get(name);
    if (isOnlyConfirmed(before, record, body)) {
      known.set(name, { ...before, record });
      return;
    }
    const kept = body?.settled && body.length <= maxEntryBytes ? body : undefined;
    const since = purges.now();
    await inTurn(RECORD + (kept?.length ?? 0), () =>
      writing.run(() => inTime(PATIENCE, write(name, record, kept, since))),
    );
  }

  async function write(
    name: string,
    record: RenditionRecord,
    body: SettledBody | undefined,
    since: number,
  ): Promise<void> {
    known.delete(name);
    const bytes = body ? await bytesOf(body) : await bodyBefore(name, record);
    if (bytes === GONE) return;
    const seen = await purges.see(record);
    if (!seen || purges.isPurged(record, since)) return;
    const { value, version } = writtenEntry(record, bytes, seen);
    await link.set(name, value, ttl);
    if (purges.isPurged(record, since)) return await link.delete(name);
    known.set(name, { version, record, freshUntil: record.freshUntil, hasBody: bytes !== undefined });
  }

  async function bytesOf(body: SettledBody): Promise<Uint8Array | typeof GONE> {
    if (body.bytes) return body.bytes;
    try {
      const bytes = await buffer(await body.stream());
      return bytes.byteLength === body.length ? bytes : GONE;
    } catch (error) {
      // It could not be read: no fault of the store.
      if (isMediaError(error)) return GONE;
      throw error;
    }
  }

  /** A record that comes alone, as a confirmation does, keeps the body that belongs to it. */
  async function bodyBefore(name: string, record: RenditionRecord): Promise<Uint8Array | undefined> {
    if (record.etag === undefined) return undefined;
    const entry = await read(name, record.key);
    return entry?.record.etag === record.etag ? entry.body : undefined;
  }

  async function remove(name: string): Promise<void> {
    known.delete(name);
    await writing.run(() => inTime(PATIENCE, link.delete(name)));
  }

  return {
    find,
    /** Bans of originals and of URLs are for others. */
    async purge(ban: Ban): Promise<void> {
      if (ban.kind === "original" || ban.kind === "url") return;
      for (const [key, record] of failures.entries()) if (isBanned(record, ban)) failures.delete(key);
      for (const [name, { record }] of known.entries()) if (isBanned(record, ban)) known.delete(name);
      await purges.add(ban);
    },
    /** Keeps an entry; resolves once it is there, or given up. */
    store(record: RenditionRecord, body: Body | undefined): Promise<void> {
      const work = keep(record, body).finally(() => pending.delete(work));
      pending.add(work);
      return work;
    },
    /** Connects; a store that takes its time does not hold up the start. */
    async start(tenants: readonly string[]): Promise<void> {
      purges.know(tenants);
      void link.connected.then((works) => {
        if (!works) logger.warn(`${link.trouble()}; the cache is not used until it is`);
      });
      await reading.run(() => within(START, link.get(`${namespace}:start`)));
    },
    /** What `mediatap doctor` tries: milliseconds that it took to write, read and remove a value. */
    async probe(): Promise<number> {
      const started = performance.now();
      const name = `${namespace}:doctor-${randomBytes(6).toString("hex")}`;
      const value = "mediatap doctor was here";
      const inTime = <T>(work: Promise<T>) =>
        within(PROBE, work).catch((error: unknown) => {
          throw isLate(error) ? new Error(link.trouble()) : error;
        });
      await inTime(link.set(name, value, 60_000));
      const found = await inTime(link.get(name));
      if (found !== value) throw new Error("What was written is read as something else");
      await inTime(link.delete(name));
      return performance.now() - started;
    },
    async close(): Promise<void> {
      await within(PATIENCE, Promise.all([...pending, purges.close()])).catch(() => undefined);
      await link.close();
    },
  };
}

export type Store = ReturnType<typeof createStore>;

/** The body cannot be had any more. */
const GONE = Symbol("gone");
