import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { bodyOf, type CompleteBody, changed, codeOf, type PluginApi } from "@mediatap/core";
import type { CacheBackend, CacheEntry, PurgeRule, StoredMetadata } from "@mediatap/core/cache";
import { createBudget } from "./budget.ts";
import { Damaged, type Head } from "./format.ts";
import { createDiskJournal } from "./journal.ts";
import { isEntry, nameOf, pathsIn } from "./names.ts";
import { createReader, type Entry, isShort } from "./read.ts";
import { createRecent, isLocal } from "./recent.ts";
import { createWriter } from "./write.ts";

/** Heads that are read at once. */
const CONCURRENT_HEADS = 16;

/** Milliseconds of a read that no memory answered. */
const SLOW_READ_MS = 5;

export interface DiskOptions {
  /** The folder, absolute. */
  readonly path: string;
  readonly maxBytes: number;
}

/** Entries as files of a folder that processes can share. */
export function createDiskBackend(
  { path, maxBytes }: DiskOptions,
  logger: PluginApi["logger"],
): CacheBackend {
  const paths = pathsIn(path);
  const reader = createReader();
  const write = createWriter(paths);
  const budget = createBudget(path, maxBytes, logger);
  const journal = createDiskJournal(paths);
  const recent = createRecent();
  let isOnThisMachine = false;
  let damaged = 0;

  /** The entry of a key. Anything else under its name is removed, so that the next request writes a new entry. */
  async function read(name: string, key: string): Promise<Entry | undefined> {
    try {
      const entry = await reader.read(paths.entry(name));
      if (entry && entry.head.record.key !== key) throw new Damaged();
      return entry;
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      await discard(name);
      return undefined;
    }
  }

  async function discard(name: string): Promise<void> {
    logger.warn({ name, damaged: ++damaged }, "an entry of the cache was damaged and is deleted");
    await fs.promises.rm(paths.entry(name), { recursive: true, force: true }).catch(() => undefined);
  }

  function bodyIn(name: string, { head, bytes }: Entry): CompleteBody | undefined {
    if (bytes) return bodyOf(bytes);
    return head.bodyLength === undefined ? undefined : fileBody(name, head, head.bodyLength);
  }

  /** A body that is sent from its file, which can have been removed or replaced by then. */
  function fileBody(name: string, { version, record: { etag } }: Head, length: number): CompleteBody {
    const isSame = (current: Head) =>
      current.version === version ||
      (etag !== undefined && current.record.etag === etag && current.bodyLength === length);
    const onFailure = async (err: unknown) => {
      if (err instanceof Damaged) await discard(name);
      else logger.warn({ err, name }, "reading an entry of the cache failed");
    };
    return {
      complete: true,
      length,
      async stream(range) {
        const stream = await reader.stream(paths.entry(name), { isSame, onFailure, range }).catch(onFailure);
        if (!stream) throw changed();
        return stream;
      },
    };
  }

  /** Metadata without a body, as after a revalidation, keeps the stored body if both have the same ETag. */
  async function previousBody(
    name: string,
    { key, etag }: StoredMetadata,
  ): Promise<CompleteBody | undefined> {
    if (etag === undefined) return undefined;
    const entry = await read(name, key);
    return entry?.head.record.etag === etag ? bodyIn(name, entry) : undefined;
  }

  /** A recent entry. When one takes long, all others are read without blocking the process first. */
  function readNow(name: string): Entry | undefined {
    const begun = performance.now();
    const entry = reader.readNow(paths.entry(name));
    if (performance.now() - begun > SLOW_READ_MS) recent.clear();
    return entry;
  }

  async function find(name: string, key: string) {
    const entry = await read(name, key);
    return entry ? found(name, entry) : { journal: journal.version() };
  }

  function found(name: string, entry: Entry): CacheEntry {
    budget.used(name);
    if (isShort(entry.head)) recent.add(name);
    const body = bodyIn(name, entry);
    // The version is that after the read, so that purges during it are noticed, too.
    return { metadata: entry.head.record, ...(body && { body }), journal: journal.version() };
  }

  /** Removes all entries in one step, for all processes; the next count deletes their files. */
  async function moveToTrash(): Promise<void> {
    const trash = `${path}/trash-${randomBytes(6).toString("hex")}`;
    await fs.promises.rename(paths.entries, trash).catch((error: unknown) => {
      if (codeOf(error) !== "ENOENT") throw error;
    });
    budget.start();
  }

  return {
    get(key) {
      const name = nameOf(key);
      const entry = isOnThisMachine && recent.has(name) ? readNow(name) : undefined;
      return entry?.head.record.key === key ? found(name, entry) : find(name, key);
    },
    async put(key, metadata, body) {
      const name = nameOf(key);
      const size = await write(name, metadata, body ?? (await previousBody(name, metadata)));
      if (size !== undefined) await budget.added(size);
    },
    async delete(key) {
      const name = nameOf(key);
      await fs.promises.rm(paths.entry(name), { force: true });
    },
    async deleteMatching({ kind, tenant }: PurgeRule) {
      if (kind === "all" && tenant === undefined) await moveToTrash();
    },
    async *entries(signal) {
      for (const shard of await filesIn(paths.entries)) {
        const names = (await filesIn(`${paths.entries}/${shard}`)).filter(isEntry);
        for (let at = 0; at < names.length; at += CONCURRENT_HEADS) {
          signal.throwIfAborted();
          const heads = names.slice(at, at + CONCURRENT_HEADS).map((name) => reader.head(paths.entry(name)));
          // A damaged entry is handled when it is read.
          for (const head of await Promise.allSettled(heads)) {
            if (head.status === "fulfilled" && head.value) yield head.value.record;
          }
        }
      }
    },
    journal,
    contents: budget.contents,
    async start() {
      budget.start();
      isOnThisMachine = await isLocal(path);
    },
    close: budget.close,
  };
}

/** Names in a folder; none if it does not exist. */
async function filesIn(folder: string): Promise<readonly string[]> {
  return await fs.promises.readdir(folder).catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return [];
    throw error;
  });
}
