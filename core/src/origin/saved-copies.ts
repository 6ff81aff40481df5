import { randomUUID } from "node:crypto";
import { addAbortSignal, type Readable } from "node:stream";
import type { Logger } from "pino";
import { policyOfOriginal } from "../cache/freshness.ts";
import { type OriginalId, originalKey } from "../cache/original-key.ts";
import type { PurgeRules } from "../cache/purge-rules.ts";
import type { Tier, TierEntry } from "../cache/tier.ts";
import type { Conditions } from "../hooks.ts";
import type { Asset } from "../model/asset.ts";
import { isForFewer, isStorable, sharedControlOf } from "../model/control.ts";
import { codeOf } from "../model/errors.ts";
import { tenantOf } from "../model/purge-rule.ts";
import type { RenderContext } from "../model/render-context.ts";
import type { CompleteBody, RenditionRecord } from "../model/rendition.ts";
import {
  type FileMetadata,
  NOT_MODIFIED,
  type OpenOptions,
  type Source,
  type SourceMetadata,
  type Storage,
  type StorageEntry,
  updatedMetadata,
} from "../model/source.ts";
import type { OriginalsPolicy } from "../plugin/cache-backend.ts";
import type { ClusterLocks } from "../plugin/locks.ts";
import { withTimeout } from "../util/timeout.ts";
import type { FetchResult } from "./attempts.ts";
import type { OriginEntry } from "./entry.ts";
import { isVideoPath } from "./reader/metadata.ts";
import { type ByteBudget, createSource, sameFile } from "./source.ts";
import { createTee, type Tee } from "./tee.ts";

/** Milliseconds for which a copy that another machine writes is waited for; then this machine fetches, too. */
const WAIT_TIMEOUT_MS = 5_000;

const CLOSE_TIMEOUT_MS = 5_000;

/** Failures after which no copy is used: the origin has decided. */
const FINAL_CODES = new Set(["EACCES", "ELIMIT", "ENOENT"]);

const never = new AbortController().signal;

type Origin = Pick<OriginEntry, "name" | "storage" | "fingerprint">;

interface SavedCopiesParts {
  /** The plugin that registered the cache. */
  readonly plugin: string;
  readonly origins: ReadonlyMap<string, Origin>;
  readonly budget: ByteBudget;
  readonly purgeRules: Pick<PurgeRules, "now" | "timeOfOriginal">;
  readonly locks: Pick<ClusterLocks, "isUsed" | "acquire">;
  readonly log: Logger;
}

interface Lookup {
  readonly asset: Asset;
  readonly conditions: Conditions;
  readonly context: RenderContext;
  /** The endpoint follows the directives of its origins. */
  readonly usesOriginControl: boolean;
}

/** The right to download an original, or the copy that another machine has made meanwhile. */
export interface CopyClaim {
  readonly copy?: Source;
  release(): void;
}

/** The copy that was found for a request. */
interface FoundCopy {
  readonly origin: string;
  /** Its lifetime has ended: `validate` it before it is used. */
  readonly isDue: boolean;
  /** `undefined`: its bytes are lost. */
  serve(): Promise<FetchResult>;
  /** Asks its origin whether it is still right. Rejects if the origin fails and the copy must not be used. */
  validate(fetch: (conditions: Conditions) => Promise<FetchResult>): Promise<FetchResult>;
  /** An earlier origin has the file. */
  passOver(): void;
}

/** Copies of originals, in the tier of a plugin: which are stored, when they are revalidated, and when a stale one is used. */
export function createSavedCopies(parts: SavedCopiesParts) {
  const { plugin, origins, budget, purgeRules, locks, log } = parts;
  /** Copies that are being written, by key. */
  const writing = new Map<string, Promise<void>>();
  let tier: Tier | undefined;
  let policy: OriginalsPolicy = { stores: () => false, maxFileBytes: 0, revalidate: 0, staleIfError: 0 };

  function keyOf(id: OriginalId): string | undefined {
    const origin = origins.get(id.origin);
    return origin && policy.stores(origin.name) ? originalKey(id, origin.fingerprint) : undefined;
  }

  async function read(id: OriginalId, body: boolean, signal: AbortSignal): Promise<Copy | undefined> {
    const key = keyOf(id);
    const entry = key === undefined ? undefined : await tier?.find(key, body, { signal });
    return entry && copyOf(entry);
  }

  /** The copy of the first of these origins that has one. */
  async function find(candidates: readonly Origin[], lookup: Lookup): Promise<FoundCopy | undefined> {
    const { asset, conditions, context } = lookup;
    const started = performance.now();
    const isConditional = conditions.ifNoneMatch !== undefined || conditions.ifModifiedSince !== undefined;
    const needsBody = !conditions.head && !isConditional;
    const copies = await Promise.all(
      candidates.map(({ name, storage }) =>
        read(originalIdOf(name, storage, asset), needsBody, context.signal),
      ),
    );
    const [copy, ...others] = copies.filter((found) => found !== undefined);
    for (const { body } of others) await body?.close?.();
    /** The copy is used, or not: then its body is closed. */
    const end = (outcome: string, isServed = false) => {
      if (!isServed) void copy?.body?.close?.();
      const duration = performance.now() - started;
      context.spans.add(plugin, duration, outcome);
      const line = {
        origin: copy?.metadata.origin,
        path: asset.path.slice(0, 500),
        outcome,
        key: context.key,
      };
      log.debug({ ...line, ms: Math.round(duration) }, "a saved copy was looked up");
    };
    if (copy) return foundCopy(copy, lookup, end);
    end("miss");
    return undefined;
  }

  function foundCopy(
    copy: Copy,
    { conditions, context, usesOriginControl }: Lookup,
    end: (outcome: string, isServed?: boolean) => void,
  ): FoundCopy {
    const { origin } = copy.metadata;
    const { revalidate, staleIfError } = usesOriginControl ? strictest(policy, copy.metadata) : policy;

    async function serve(outcome: string, { metadata, record, body }: Copy = copy): Promise<FetchResult> {
      if (clientHasIt(metadata, conditions)) {
        const { origin: _, path: __, host: ___, fetched: ____, ...reported } = aged(metadata);
        conditions.onNotModified?.(reported);
        end(outcome);
        return NOT_MODIFIED;
      }
      const needed = conditions.head || body ? body : await bodyOf(record);
      const isLost = !conditions.head && !needed;
      end(isLost ? "miss" : outcome, true);
      if (isLost) return undefined;
      const stale = outcome === "stale" && { stale: true, freshFor: context.limits.failureLifetime };
      // A stale one counts as new, so that its origin is not asked again at once.
      const known = stale ? metadata : aged(metadata);
      return sourceOf({ metadata: known, record, ...(needed && { body: needed }) }, stale || {});
    }

    /** The body that was not needed before. */
    async function bodyOf({ etag }: RenditionRecord): Promise<CompleteBody | undefined> {
      const found = await read(copy.metadata, true, context.signal);
      if (found?.record.etag === etag) return found?.body;
      await found?.body?.close?.();
      return undefined;
    }

    async function validate(fetch: (conditions: Conditions) => Promise<FetchResult>): Promise<FetchResult> {
      const { etag, lastModified } = copy.metadata;
      const since = purgeRules.now();
      let reported: FileMetadata = {};
      let result: FetchResult;
      try {
        result = await fetch({
          origin,
          onNotModified: (metadata) => {
            reported = metadata;
          },
          ifNoneMatch: etag,
          ifModifiedSince: lastModified,
          held: copy.metadata,
          head: conditions.head,
        });
      } catch (error) {
        if (context.signal.aborted) throw error;
        // A copy from the future, before the clock was set back, is due since now.
        const overdue = Math.max(0, Date.now() - copy.metadata.fetched - revalidate);
        // If the client has the copy already, its cache decides whether to use it.
        const isUseless = FINAL_CODES.has(codeOf(error) ?? "") || overdue >= staleIfError;
        if (!isUseless && !clientHasIt(copy.metadata, conditions))
          return (await serve("stale")) ?? Promise.reject(error);
        end("failed");
        throw error;
      }
      if (result === NOT_MODIFIED) {
        const metadata = updatedMetadata(copy.metadata, reported);
        const record = { ...copy.record, ...recordFieldsOf(metadata) };
        void tier?.put(record, undefined, since);
        return await serve("confirmed", { ...copy, metadata, record });
      }
      if (result === undefined) await tier?.remove(copy.record.key);
      end(result === undefined ? "gone" : "replaced");
      return result;
    }

    return {
      origin,
      isDue: isDue(copy.metadata, revalidate),
      serve: () => serve("hit"),
      validate,
      passOver: () => end("passed over"),
    };
  }

  function sourceOf(
    { metadata, body }: Copy,
    { stale, ...more }: { readonly stale?: boolean; readonly freshFor?: number } = {},
  ): Source {
    const open = async (options: Pick<OpenOptions, "range" | "signal">) => entryOf(metadata, body, options);
    return createSource({
      entry: entryOf(metadata, body, { signal: never }),
      metadata: { ...metadata, ...more, copy: { by: plugin, ...(stale && { stale }) } },
      open,
      budget,
    });
  }

  /** Writes a copy while its original is read. `since`: the moment at which that was opened, as of the purge rules. */
  async function save(key: string, metadata: SourceMetadata, body: Readable, since: number): Promise<void> {
    const before = await read(metadata, true, never);
    await before?.body?.close?.();
    const hasValidator = metadata.etag !== undefined || metadata.lastModified !== undefined;
    // Another process was first, or the origin knows no conditions.
    if (before?.body && hasValidator && sameFile(before.metadata, metadata)) {
      await tier?.put({ ...before.record, ...recordFieldsOf(metadata) }, undefined, since);
      return;
    }
    await tier?.putStream(newMetadata(key, metadata), body, since);
    if (!body.errored) return;
    log.debug({ origin: metadata.origin, reason: body.errored.message }, "a copy was cancelled");
  }

  /** The tee of an original that is about to be read. `undefined`: it is not stored. */
  function tee(metadata: SourceMetadata, claim?: CopyClaim): Tee | undefined {
    const { maxFileBytes: maxBytes } = policy;
    const key = keyOf(metadata);
    if (key === undefined || !isStorable(metadata) || (metadata.size ?? 0) > maxBytes) return undefined;
    const since = purgeRules.now();
    async function write(body: Readable): Promise<void> {
      try {
        if (key === undefined || writing.has(key)) return;
        const work = save(key, metadata, body, since);
        writing.set(key, work);
        await work.finally(() => writing.delete(key));
      } finally {
        body.destroy();
        claim?.release();
      }
    }
    return createTee({ origin: metadata.origin, log, write, maxBytes });
  }

  /** One machine downloads an original that no cache has, and the others wait for its copy; not for videos. */
  async function claim(id: OriginalId, signal: AbortSignal): Promise<CopyClaim | undefined> {
    const key = keyOf(id);
    if (key === undefined || !locks.isUsed || isVideoPath(id.path)) return undefined;
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(WAIT_TIMEOUT_MS)]);
    const since = purgeRules.timeOfOriginal({ tenant: tenantOf(id.origin), path: id.path });
    const acquired = await locks.acquire(`copy ${key}`, { signal: timeout, since }).catch(() => undefined);
    signal.throwIfAborted();
    if (!acquired) return undefined;
    if (!("outcome" in acquired)) return { release: () => acquired.release("over") };
    const copy = await read(id, true, signal);
    return copy && { copy: sourceOf(copy), release: () => {} };
  }

  return {
    /** The backend has been opened. */
    open(opened: Tier, its: OriginalsPolicy): void {
      tier = opened;
      policy = its;
    },
    /** Waits for copies that are being written, and closes the backend. */
    async close(): Promise<void> {
      await withTimeout(CLOSE_TIMEOUT_MS, Promise.allSettled(writing.values())).catch(() => undefined);
      await tier?.close();
    },
    find,
    tee,
    claim,
    /** The file that this metadata describes, from its copy. `undefined`: there is none, or of another version. */
    async reopen(metadata: SourceMetadata, options: OpenOptions): Promise<StorageEntry | undefined> {
      const copy = await read(metadata, true, options.signal);
      if (!copy?.body) return undefined;
      if (sameFile(copy.metadata, metadata)) return entryOf(copy.metadata, copy.body, options);
      await copy.body.close?.();
      return undefined;
    },
  };
}

export type SavedCopies = ReturnType<typeof createSavedCopies>;

/** A copy as the cache has it, and what is known of the source. */
interface Copy {
  readonly record: TierEntry["metadata"];
  readonly metadata: SourceMetadata;
  readonly body?: TierEntry["body"];
}

export function originalIdOf(origin: string, { forwardsHost = false }: Storage, asset: Asset): OriginalId {
  const { path, host } = asset;
  return { origin, path, ...(forwardsHost && host !== undefined && { host }) };
}

function copyOf({ metadata: record, body }: TierEntry): Copy | undefined {
  const { sources, length, stored } = record;
  const [source] = sources;
  if (!source) return undefined;
  const metadata = { ...source, ...(length !== undefined && { size: length }), fetched: stored };
  return { record, metadata, ...(body && { body }) };
}

function newMetadata(key: string, metadata: SourceMetadata): RenditionRecord {
  const { size, type = "application/octet-stream" } = metadata;
  return {
    key,
    engines: "",
    type,
    format: "original",
    // Names this download: some origins give no validators.
    etag: randomUUID(),
    ...(size !== undefined && { length: size }),
    ...recordFieldsOf(metadata),
    original: true,
  };
}

/** What is known of a copy once its origin has sent this metadata. */
function recordFieldsOf({ size: _, copy: __, ...metadata }: SourceMetadata) {
  const { fetched, private: isPrivate = false } = metadata;
  return { sources: [metadata], stored: fetched, freshUntil: fetched, private: isPrivate };
}

/** The policy of a copy, no laxer than the directives of its origin. */
function strictest({ revalidate, staleIfError }: OriginalsPolicy, metadata: SourceMetadata) {
  const { lifetime = Number.POSITIVE_INFINITY, errorFor = staleIfError } = policyOfOriginal(metadata);
  return {
    revalidate: Math.min(revalidate, Math.max(0, lifetime - (metadata.age ?? 0))),
    staleIfError: Math.min(staleIfError, errorFor),
  };
}

/** A copy is a cache, too: its own time counts as `Age` of its origin's response (RFC 9111 §4.2.3). */
function aged(metadata: SourceMetadata, now = Date.now()): SourceMetadata {
  const age = (metadata.age ?? 0) + Math.max(0, now - metadata.fetched);
  return { ...metadata, fetched: now, ...(age > 0 && { age }) };
}

function isDue(metadata: SourceMetadata, revalidate: number): boolean {
  const age = Date.now() - metadata.fetched;
  // A clock that was set back must not make it fresh for ever.
  return age < 0 || age >= revalidate || sharedControlOf(metadata).noCache;
}

/** Whether the client has the copy already: the validators of its condition are those of the copy (RFC 9110 §13.2.2). */
function clientHasIt(metadata: SourceMetadata, { ifNoneMatch, ifModifiedSince, held }: Conditions): boolean {
  if (held && isForFewer(metadata, held)) return false;
  if (ifNoneMatch !== undefined) return ifNoneMatch === metadata.etag;
  const { lastModified } = metadata;
  return ifModifiedSince !== undefined && lastModified !== undefined && lastModified <= ifModifiedSince;
}

function entryOf(
  { origin: _, path: __, host: ___, fetched: ____, ...metadata }: SourceMetadata,
  body: CompleteBody | undefined,
  { range, signal }: Pick<OpenOptions, "range" | "signal">,
): StorageEntry {
  return {
    ...metadata,
    ...(body?.file !== undefined && { file: body.file }),
    async body() {
      if (!body) throw new Error("only the metadata was requested");
      return addAbortSignal(signal, await body.stream(range));
    },
    close: () => body?.close?.(),
  };
}
