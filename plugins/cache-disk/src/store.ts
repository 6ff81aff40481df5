import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { Readable } from "node:stream";
import {
  type Ban,
  type Body,
  bodyOf,
  changed,
  codeOf,
  createCacheBreaker,
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
import { createBans, type Moment } from "./bans.ts";
import { createBudget } from "./budget.ts";
import { Damaged, type Head } from "./format.ts";
import { nameOf, placesIn } from "./names.ts";
import { createOwed } from "./owed.ts";
import { createReader, type Entry, type Known as KnownFile } from "./read.ts";
import { costOf } from "./sweep.ts";
import { createSweeper } from "./sweeper.ts";
import { createWriter } from "./write.ts";

export type Logger = PluginApi["logger"];

export interface StoreOptions {
  /** The folder, absolute. */
  readonly path: string;
  readonly maxBytes: number;
  readonly maxEntryBytes: number;
  /** Milliseconds that a lookup may take. */
  readonly timeout: number;
  /** Milliseconds for which a disk that failed is left alone. */
  readonly rest: number;
}

/** Entries that are written at one time, and bytes that may wait for that; what is more is not kept. */
const WRITERS = 4;
const BEHIND = 64 * 1024 * 1024;

/** Milliseconds that the end of a server waits for what is being written. */
const LAST = 5_000;

const toStream = (bytes: Uint8Array) => Readable.from([bytes]);

/** What is known of an entry on the disk without reading it. */
interface Known extends KnownFile, KnownEntry {
  readonly record: RenditionRecord;
}

/** The entries of a folder, as one process sees them. */
export function createStore(options: StoreOptions, logger: Logger) {
  const { path, maxBytes, maxEntryBytes, timeout, rest } = options;
  const places = placesIn(path);
  const bans = createBans(places.bans);
  const reader = createReader();
  const writer = createWriter(places, bans);
  const sweeper = createSweeper(path);
  const budget = createBudget(sweeper, maxBytes, logger);
  const known = new LRUCache<string, Known>({ max: 5000 });
  // They live for a minute: not worth a file.
  const failures = new LRUCache<string, RenditionRecord>({ max: 10_000 });
  const reading = createCacheBreaker({
    rest,
    onFailure: (err) => logger.warn({ err }, "the cache's folder cannot be read, and is passed over"),
    onRecovery: () => logger.info("the cache's folder can be read again"),
  });
  const writing = createCacheBreaker({
    rest,
    onFailure: (err) => logger.warn({ err }, "the cache's folder cannot be written to; nothing is kept"),
    onRecovery: () => logger.info("the cache's folder can be written to again"),
  });
  const owed = createOwed({ remove: removeBanned, rest });
  const pending = new Set<Promise<void>>();
  const turns: (() => void)[] = [];
  let writers = 0;
  let behind = 0;
  let damaged = 0;

  async function find(key: string): Promise<Delivered | undefined> {
    const failure = failures.get(key);
    if (failure) return { record: failure };
    const name = nameOf(key);
    const isOwed = owed.now();
    const entry = await reading.run(() => within(timeout, readEntry(name, key)));
    if (!entry) return undefined;
    const { head, bytes } = entry;
    const record = recordOf(name, head);
    if (isOwed(record)) return undefined;
    budget.used(name);
    const { bodyLength } = head;
    if (bytes) return { record, body: bodyOf(bytes, toStream) };
    return bodyLength === undefined ? { record } : { record, body: longBody(name, head, bodyLength) };
  }

  /** The entry of a key. What is in its place and is none is removed: the next request finds a new one. */
  async function readEntry(name: string, key: string): Promise<Entry | undefined> {
    try {
      const entry = await reader.read(places.entry(name), known.get(name));
      if (!entry) known.delete(name);
      if (!entry || entry.head.record.key === key) return entry;
      throw new Damaged();
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      await discard(name);
      return undefined;
    }
  }

  async function discard(name: string): Promise<void> {
    known.delete(name);
    logger.warn({ name, damaged: ++damaged }, "an entry of the cache was damaged, and is removed");
    await fs.promises.rm(places.entry(name), { recursive: true, force: true }).catch(() => undefined);
  }

  /** The record of an entry, as it was confirmed last. */
  function recordOf(name: string, { version, record, size, bodyLength }: Head): RenditionRecord {
    const before = known.get(name);
    if (before?.version === version) return before.record;
    const { freshUntil } = record;
    known.set(name, { version, record, size, freshUntil, hasBody: bodyLength !== undefined });
    return record;
  }

  /** A body that is sent from its file; it may have gone, or been replaced, by then. */
  function longBody(name: string, { version, record: { etag } }: Head, length: number): SettledBody {
    const isSame = (now: Head) =>
      now.version === version ||
      (etag !== undefined && now.record.etag === etag && now.bodyLength === length);
    const onFailure = (error: unknown) => onBroken(name, error);
    return {
      settled: true,
      length,
      async stream(range) {
        const stream = await reader.stream(places.entry(name), { isSame, onFailure, range }).catch(onFailure);
        if (!stream) throw changed();
        return stream;
      },
    };
  }

  async function onBroken(name: string, err: unknown): Promise<void> {
    if (err instanceof Damaged) await discard(name);
    else logger.warn({ err, name }, "an entry of the cache could not be read");
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
    const before = known.get(name);
    if (isOnlyConfirmed(before, record, body)) {
      known.set(name, { ...before, record });
      return;
    }
    const kept = body?.settled && body.length <= maxEntryBytes ? body : undefined;
    const earlier = bans.last();
    // What is read from a file while it is written takes no memory while it waits.
    const size = await inTurn(kept?.bytes?.byteLength ?? 0, () => write(name, record, kept, earlier));
    if (size !== undefined) await budget.added(size);
  }

  /** Bytes that were written; `undefined`: none. */
  async function write(
    name: string,
    record: RenditionRecord,
    body: SettledBody | undefined,
    earlier: Moment,
  ): Promise<number | undefined> {
    try {
      const kept = body ?? (await bodyBefore(name, record));
      const written = await writer.write(name, record, kept, earlier);
      if (!written) return undefined;
      known.set(name, {
        ...written,
        record,
        freshUntil: record.freshUntil,
        hasBody: kept !== undefined,
      });
      return written.size;
    } catch (error) {
      known.delete(name);
      // The body could not be read: no fault of the disk.
      if (isMediaError(error)) return undefined;
      throw error;
    }
  }

  /** A record that comes alone, as a confirmation does, keeps the body that belongs to it. */
  async function bodyBefore(name: string, record: RenditionRecord): Promise<SettledBody | undefined> {
    if (record.etag === undefined) return undefined;
    const entry = await readEntry(name, record.key);
    if (entry?.head.record.etag !== record.etag || entry.head.bodyLength === undefined) return undefined;
    return entry.bytes ? bodyOf(entry.bytes, toStream) : longBody(name, entry.head, entry.head.bodyLength);
  }

  async function remove(name: string): Promise<void> {
    known.delete(name);
    await fs.promises.rm(places.entry(name), { force: true });
  }

  /** Does the work when it is its turn, unless too much waits already or the disk fails. */
  async function inTurn<T>(size: number, work: () => Promise<T>): Promise<T | undefined> {
    const cost = costOf(size + 1);
    if (behind + cost > BEHIND) return undefined;
    behind += cost;
    if (writers >= WRITERS) await new Promise<void>((resolve) => turns.push(resolve));
    else writers++;
    try {
      return await writing.run(work);
    } finally {
      behind -= cost;
      const next = turns.shift();
      if (next) next();
      else writers--;
    }
  }

  /** Bans of originals and of URLs are for others. */
  async function purge(ban: Ban): Promise<void> {
    if (ban.kind === "original" || ban.kind === "url") return;
    for (const [key, record] of failures.entries()) if (isBanned(record, ban)) failures.delete(key);
    for (const [name, { record }] of known.entries()) if (isBanned(record, ban)) known.delete(name);
    const noted = await bans.add(ban).catch((error: unknown) => error);
    await owed.add(ban);
    if (noted !== undefined) throw noted;
  }

  async function removeBanned(ban: Ban): Promise<void> {
    if (ban.kind === "key") await remove(nameOf(ban.value));
    else if (ban.kind === "all" && ban.tenant === undefined) await putAside();
    else await sweeper.ask({ what: "purge", ban });
  }

  /** All entries are gone at once, for all processes; the count that follows removes what is put aside. */
  async function putAside(): Promise<void> {
    const trash = `${path}/trash-${randomBytes(6).toString("hex")}`;
    await fs.promises.rename(places.version, trash).catch((error: unknown) => {
      if (codeOf(error) !== "ENOENT") throw error;
    });
    budget.start();
  }

  return {
    find,
    purge,
    contents: budget.contents,
    /** Keeps an entry; resolves once it is there, or given up, and the budget holds. */
    store(record: RenditionRecord, body: Body | undefined): Promise<void> {
      const work = keep(record, body).finally(() => pending.delete(work));
      pending.add(work);
      return work;
    },
    start(): void {
      budget.start();
      void bans.now().catch(() => undefined);
    },
    async close(): Promise<void> {
      owed.close();
      await within(
        LAST,
        Promise.all(pending).then(() => budget.close()),
      ).catch(() => undefined);
      await sweeper.close();
    },
  };
}

export type Store = ReturnType<typeof createStore>;
