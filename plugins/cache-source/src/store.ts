import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { PluginApi, SourceFacts } from "@mediatap/core";
import type { OpenOptions, Storage, StorageEntry } from "@mediatap/core/storage";
import type { Bans } from "./bans.ts";
import { writeBytes } from "./bytes.ts";
import { bytesPath, type Owner, parsePath, recordPath } from "./names.ts";
import {
  type CopyRecord,
  entryFacts,
  isSame,
  keptFacts,
  readRecord,
  sourceFacts,
  writtenRecord,
} from "./record.ts";

/** A storage that can be written to. */
export type WritableStorage = Storage & Required<Pick<Storage, "write" | "remove" | "list">>;

/** Milliseconds that the storage has to say whether there is a copy. */
const PATIENCE = 3_000;

/** Milliseconds that the end of a server waits for what is being written. */
const LAST = 5_000;

/** What belongs to the process: copies that are being written, and what was purged meanwhile. */
export interface Writing {
  readonly names: Set<string>;
  readonly bans: Bans;
  /** When something was purged last, as of `monotonicNow()`. */
  purged: number;
}

export interface StoreParts {
  readonly storage: WritableStorage;
  readonly writing: Writing;
  readonly logger: PluginApi["logger"];
  /** Largest original that is kept, in bytes. */
  readonly maxFileBytes: number;
  /** Milliseconds for which the storage is left alone after a failure. */
  readonly rest: number;
  /** Milliseconds for which bytes that were replaced may still be read. */
  readonly grace: number;
  readonly onSaved: (name: string, record: CopyRecord) => void;
}

/**
 * Copies in a storage. Each is two files: the bytes, under a name that no other version has, and a record that names
 * them. The bytes are written first, so a copy is there once its record is, and whole.
 */
export function createStore(parts: StoreParts) {
  const { storage, writing, logger, maxFileBytes, rest, grace, onSaved } = parts;
  const pending = new Set<Promise<unknown>>();
  const superseded = new Map<NodeJS.Timeout, () => Promise<void>>();
  let restUntil = 0;

  const isResting = () => performance.now() < restUntil;

  /** The record of a copy; `undefined` also where the storage fails: the origin has the file. */
  async function read(name: string, owner: Owner, signal: AbortSignal): Promise<CopyRecord | undefined> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
    const record = await unlessItFails(signal, () => peek(name, patience));
    if (record === undefined || (record !== BROKEN && isOwn(record, owner))) return record;
    await discard(name, undefined, owner);
    return undefined;
  }

  async function peek(name: string, signal: AbortSignal): Promise<CopyRecord | typeof BROKEN | undefined> {
    const entry = await storage.open(recordPath(name), { signal });
    if (typeof entry !== "object") return undefined;
    return (await readRecord(entry).finally(() => entry.close?.())) ?? BROKEN;
  }

  /** A storage that fails has no copies, and is left alone for a while: nobody waits for it. */
  async function unlessItFails<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
    if (isResting()) return undefined;
    try {
      return await work();
    } catch (err) {
      if (signal.aborted) throw err;
      restUntil = performance.now() + rest;
      logger.warn({ err }, "the storage of saved copies failed");
      return undefined;
    }
  }

  /** The bytes that a record speaks of; `undefined` where they are not there any more, or not the same. */
  const open = (name: string, record: CopyRecord, options: OpenOptions) =>
    unlessItFails(options.signal, () => openBytes(name, record, options));

  async function openBytes(
    name: string,
    record: CopyRecord,
    options: OpenOptions,
  ): Promise<StorageEntry | undefined> {
    const entry = await storage.open(bytesPath(name, record.version), options);
    if (typeof entry !== "object") return undefined;
    const rightSize = entry.size === undefined || entry.size === record.size;
    if (rightSize && (entry.etag === record.seal || (await isIntact(name, record, entry, options.signal)))) {
      const { file } = entry;
      return {
        ...entryFacts(record),
        ...(file !== undefined && { file }),
        body: () => entry.body(),
        close: () => entry.close?.(),
      };
    }
    await entry.close?.();
    await discard(name, record, record.facts);
    return undefined;
  }

  /** Somebody touched the bytes, or moved the whole place: the checksum tells. */
  async function isIntact(name: string, record: CopyRecord, { etag }: StorageEntry, signal: AbortSignal) {
    const entry = await storage.open(bytesPath(name, record.version), { signal });
    if (typeof entry !== "object") return false;
    const hash = createHash("sha256");
    try {
      for await (const chunk of await entry.body()) hash.update(chunk);
    } finally {
      await entry.close?.();
    }
    if (hash.digest("hex") !== record.sha256) return false;
    const { seal: _, ...rest } = record;
    behind(write(name, { ...rest, ...(etag !== undefined && { seal: etag }) }));
    return true;
  }

  async function discard(
    name: string,
    record: CopyRecord | undefined,
    { origin, path }: Pick<Owner, "origin" | "path">,
  ) {
    logger.warn({ origin, path: path.slice(0, 500) }, "a saved copy was damaged and is deleted");
    await remove(name, record?.version).catch((err: unknown) => logger.warn({ err }, FAILED));
  }

  /** Writes a copy while its original is read. `since`: the moment at which it was opened, as of the bans. */
  async function save(name: string, facts: SourceFacts, body: Readable, since: number): Promise<void> {
    if (writing.names.has(name) || isResting()) {
      body.destroy();
      return;
    }
    writing.names.add(name);
    try {
      const before = await read(name, facts, new AbortController().signal);
      if (before && (await isKept(name, before, facts))) {
        await write(name, { ...before, checked: facts.fetched });
      } else await saveAnew(name, facts, body, since, before);
    } finally {
      body.destroy();
      writing.names.delete(name);
    }
  }

  /** The same bytes are there already: another process was first, or the origin knows no conditions. */
  async function isKept(name: string, record: CopyRecord, facts: SourceFacts): Promise<boolean> {
    if (facts.etag === undefined && facts.lastModified === undefined) return false;
    if (!isSame(sourceFacts(record), facts)) return false;
    const entry = await open(name, record, { signal: new AbortController().signal, head: true });
    await entry?.close?.();
    return entry !== undefined;
  }

  async function saveAnew(
    name: string,
    facts: SourceFacts,
    body: Readable,
    since: number,
    before: CopyRecord | undefined,
  ): Promise<void> {
    const written = await writeBytes({ storage, name, facts, body, maxFileBytes });
    if ("givenUp" in written) {
      logger.debug({ origin: facts.origin, reason: written.givenUp }, "a copy was cancelled");
      return;
    }
    const times = { checked: facts.fetched, used: Date.now() };
    const record: CopyRecord = { format: 1, ...written, ...times, facts: keptFacts(facts) };
    await write(name, record).catch(async (error: unknown) => {
      await storage.remove(bytesPath(name, record.version)).catch(() => {});
      throw error;
    });
    // A purge could not see what was not yet there.
    if (writing.bans.isBanned(facts, since)) return await remove(name, record.version);
    if (before) supersede(bytesPath(name, before.version));
    onSaved(name, record);
  }

  async function write(name: string, record: CopyRecord): Promise<void> {
    const bytes = writtenRecord(record);
    await storage.write(recordPath(name), bytes, { size: bytes.byteLength });
  }

  /** Who has just opened the old bytes may read them to the end. */
  function supersede(path: string): void {
    const removal = () => storage.remove(path).catch((err: unknown) => logger.warn({ err }, FAILED));
    const timer = setTimeout(() => {
      superseded.delete(timer);
      behind(removal());
    }, grace).unref();
    superseded.set(timer, removal);
  }

  /** Forgets a copy: first the record, so that nobody finds bytes that are about to go. */
  async function remove(name: string, version: string | undefined): Promise<void> {
    await storage.remove(recordPath(name));
    if (version !== undefined) await storage.remove(bytesPath(name, version));
  }

  /** Work that no answer waits for, but the end of the server. */
  function behind(work: Promise<unknown>): void {
    const noted = work
      .catch((err: unknown) => logger.warn({ err }, FAILED))
      .finally(() => pending.delete(noted));
    pending.add(noted);
  }

  return {
    storage,
    read,
    open,
    remove,
    /** The record under a name, whosesoever it is. Throws where the storage fails. */
    async peek(name: string, signal: AbortSignal): Promise<CopyRecord | undefined> {
      const record = await peek(name, signal);
      return record === BROKEN ? undefined : record;
    },
    /** The file is gone where it came from. */
    async forget(name: string, { version }: CopyRecord): Promise<void> {
      await remove(name, version).catch((err: unknown) => logger.warn({ err }, FAILED));
    },
    /** The bytes of an original become a copy; resolves once it is there. */
    save(name: string, facts: SourceFacts, body: Readable, since: number): Promise<void> {
      const work = save(name, facts, body, since);
      behind(work.catch(() => {}));
      return work;
    },
    /** Notes that the origin confirmed a copy, or that it was used; in the background. */
    update(name: string, record: CopyRecord): void {
      if (!writing.names.has(name)) behind(write(name, record));
    },
    /** All files of copies whose names begin so. */
    async *files(stem: string) {
      for await (const path of storage.list(stem)) {
        const parsed = parsePath(path);
        if (parsed) yield { path, ...parsed };
      }
    },
    async stop(): Promise<void> {
      for (const [timer, removal] of superseded) {
        clearTimeout(timer);
        behind(removal());
      }
      superseded.clear();
      const late = new Promise<void>((resolve) => setTimeout(resolve, LAST).unref());
      await Promise.race([Promise.all(pending), late]);
    },
  };
}

/** A file in the place of a record that is none. */
const BROKEN = Symbol("broken");

export type CopyStore = ReturnType<typeof createStore>;

const FAILED = "a saved copy could not be changed";

function isOwn({ facts }: CopyRecord, { origin, path, host }: Owner): boolean {
  return facts.origin === origin && facts.path === path && facts.host === host;
}
