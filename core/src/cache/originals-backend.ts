import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { changed } from "../model/errors.ts";
import { matchesRule } from "../model/purge-rule.ts";
import type { CompleteBody } from "../model/rendition.ts";
import type { StorageEntry } from "../model/source.ts";
import type { OriginalsBackend } from "../plugin/cache-backend.ts";
import { originalKeyPrefix } from "./original-key.ts";
import { createStorageBudget } from "./storage-budget.ts";
import { createStorageFiles, keyAsName, type WritableStorage } from "./storage-files.ts";
import type { BodyReference, MetadataFile } from "./stored-file.ts";

export interface OriginalsOptions {
  /** Budget of all bodies together, in bytes. Left out: no limit. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds for which a body that was replaced can still be read. */
  readonly grace: number;
  readonly log: Logger;
}

/**
 * Originals as files of a storage, unchanged: a local file is read in place. The entity tag that the storage gave a body
 * shows that nobody has changed it; after another one, the checksum decides.
 */
export function createOriginalsBackend(
  storage: WritableStorage,
  { maxBytes, grace, log }: OriginalsOptions,
): OriginalsBackend {
  const files = createStorageFiles(storage, keyAsName);
  const budget = maxBytes === undefined ? undefined : createStorageBudget(files, maxBytes, log);
  /** The last change of each key that is being changed: the next one waits for it. */
  const changes = new Map<string, Promise<void>>();
  const replaced = new Map<NodeJS.Timeout, () => Promise<void>>();

  /** `undefined`: the bytes are gone, or are not those that were written. */
  async function openBody(
    key: string,
    file: MetadataFile & { readonly body: BodyReference },
    signal: AbortSignal,
  ): Promise<CompleteBody | undefined> {
    const { length, seal } = file.body;
    const path = files.bodyPath(key, file.body);
    const entry = await files.open(path, { signal });
    if (!entry) return undefined;
    const isRight =
      (entry.size ?? length) === length && (entry.etag === seal || (await files.isIntact(key, file.body)));
    if (!isRight || entry.file !== undefined) await entry.close?.();
    if (!isRight) return undefined;
    if (entry.etag !== seal) rewrite(key, file.body, { body: { ...file.body, seal: entry.etag } });
    return bodyIn(path, length, entry);
  }

  /** A body that is opened already serves its first reader. */
  function bodyIn(path: string, length: number, entry: StorageEntry): CompleteBody {
    const { file } = entry;
    let first = file === undefined ? entry : undefined;
    const take = () => {
      const taken = first;
      first = undefined;
      return taken;
    };
    return {
      complete: true,
      length,
      ...(file !== undefined && { file }),
      async stream(range) {
        const taken = take();
        if (range) await taken?.close?.();
        const own = range ? undefined : taken;
        const opened = own ?? (await files.open(path, { range }));
        if (!opened) throw changed();
        return await opened.body();
      },
      close: async () => await take()?.close?.(),
    };
  }

  async function store(
    key: string,
    file: MetadataFile,
    body: CompleteBody | Readable,
  ): Promise<MetadataFile> {
    const { length, private: isPrivate } = file.metadata;
    const metadata = { ...(length !== undefined && { size: length }), ...(isPrivate && { private: true }) };
    const reference = await files.writeBody(key, body, metadata);
    const { length: size } = reference;
    try {
      const seal = await files.sealOf(key, reference);
      const stored = { ...file, metadata: { ...file.metadata, length: size }, body: { ...reference, seal } };
      await inOrder(key, () => files.write(key, stored));
      return stored;
    } catch (error) {
      await files.removeBody(key, reference).catch(() => {});
      throw error;
    }
  }

  /** Whoever has just opened the old bytes can read them to the end. */
  function removeLater(key: string, body: BodyReference): void {
    const removal = () => inBackground(key, () => files.removeBody(key, body));
    const timer = setTimeout(() => {
      replaced.delete(timer);
      void removal();
    }, grace).unref();
    replaced.set(timer, removal);
  }

  function rewrite(key: string, body: BodyReference, change: Partial<MetadataFile>): void {
    void inBackground(key, () => files.change(key, body, change));
  }

  /** A failure is logged. */
  function inBackground(key: string, change: () => Promise<void>): Promise<void> {
    return inOrder(key, change).catch((err: unknown) =>
      log.warn({ err }, "a saved copy could not be changed"),
    );
  }

  async function inOrder(key: string, change: () => Promise<void>): Promise<void> {
    const done = (changes.get(key) ?? Promise.resolve()).then(change);
    const finished = done
      .catch(() => {})
      .then(() => {
        if (changes.get(key) === finished) changes.delete(key);
      });
    changes.set(key, finished);
    await done;
  }

  return {
    async get(key, { body: isNeeded, signal }) {
      const file = await files.read(key, signal);
      const { metadata, body: reference } = file ?? {};
      if (!file || !metadata || !reference) return undefined;
      const body = isNeeded ? await openBody(key, { ...file, body: reference }, signal) : undefined;
      if (isNeeded && !body) {
        const { origin, path = "" } = metadata.sources[0] ?? {};
        log.warn({ origin, path: path.slice(0, 500) }, "a saved copy was damaged and is deleted");
        await inBackground(key, async () => {
          const now = await files.read(key);
          if (now?.body?.version === reference.version) await files.remove(key, reference);
        });
        return undefined;
      }
      const used = budget?.used(key, file);
      if (used) rewrite(key, reference, { used });
      return { metadata, ...(body && { body }) };
    },
    async put(key, metadata, body) {
      const file = { metadata, used: Date.now() };
      if (!body) {
        return await inOrder(key, async () => {
          const before = await files.read(key);
          if (before?.metadata.etag === metadata.etag) await files.write(key, { ...before, ...file });
        });
      }
      const before = await files.read(key);
      const stored = await store(key, file, body);
      if (before?.body) removeLater(key, before.body);
      budget?.added(key, stored);
    },
    delete: (key) => inOrder(key, async () => await files.remove(key, (await files.read(key))?.body)),
    async deleteMatching(rule) {
      const { kind, value, tenant } = rule;
      const isOfPath = kind === "source" || kind === "original";
      for (const [key, { hasMetadata, versions }] of await files.list(
        isOfPath ? originalKeyPrefix(value) : "",
      )) {
        const isAll = kind === "all" && tenant === undefined;
        const file = hasMetadata && !isAll ? await files.read(key) : undefined;
        // Bodies without metadata may be of an entry that is being written, which the rule does not match.
        const isMatched = file ? matchesRule(file.metadata, rule) : hasMetadata || isOfPath || isAll;
        if (!isMatched) continue;
        await inOrder(key, async () => {
          await files.remove(key, undefined);
          for (const version of versions) await files.removeBody(key, { version });
        });
      }
    },
    contents: () => budget?.contents(),
    async close() {
      await budget?.close();
      for (const timer of replaced.keys()) clearTimeout(timer);
      for (const removal of replaced.values()) void removal();
      await Promise.all(changes.values());
    },
  };
}
