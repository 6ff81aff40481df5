import type { Readable } from "node:stream";
import type { RuntimeInfo } from "../hooks.ts";
import type { PurgeRule } from "../model/purge-rule.ts";
import type { CompleteBody, RenditionRecord } from "../model/rendition.ts";
import type { MaybePromise } from "../util/maybe.ts";

/** How near a cache is. Lookups ask the nearest tier first, and fill it with what a farther one has. */
export const CACHE_TIERS = ["memory", "disk", "network", "storage"] as const;
export type CacheTier = (typeof CACHE_TIERS)[number];

/** Metadata as a backend stores it: plain data, to be written as JSON. */
export interface StoredMetadata extends RenditionRecord {
  /** Ids of the rules of the backend's journal that match the entry and were known before it was written. */
  readonly purges?: readonly string[];
}

/** What a backend has under a key. */
export interface CacheEntry {
  readonly metadata: StoredMetadata;
  /** Left out: only the metadata is stored, or the body was not asked for. */
  readonly body?: CompleteBody;
  /** Version of the backend's journal at the moment of the read, if reading it costs nothing extra. */
  readonly journal?: string;
}

/** A backend has nothing under a key, and knows the version of its journal. */
export interface CacheMiss {
  readonly metadata?: undefined;
  readonly journal: string;
}

/** What a cache holds at this moment. */
export interface CacheContents {
  /** Bytes of its entries, as its budget counts them. */
  readonly bytes: number;
  /** Its budget. */
  readonly maxBytes: number;
  /** Left out: not known without a search. */
  readonly entries?: number;
  /** Entries that had to go for others since the process began. */
  readonly evictions: number;
}

export interface GetOptions {
  /** Aborted when the answer would come too late. */
  readonly signal: AbortSignal;
  /** `false`: metadata is enough (304, revalidation, purge, explain). */
  readonly body: boolean;
}

/**
 * A place that stores entries. All it has to do is to store them whole and give them back whole; freshness, visibility, write
 * queues, timeouts, circuit breaking, purging and filling nearer tiers are the core's. Errors may be thrown: the core
 * logs them, counts a miss, and leaves the backend alone for a while.
 */
export interface CacheBackend {
  /** `undefined`: not here, or damaged. An entry whose body was lost comes without it. */
  get(key: string, options: GetOptions): MaybePromise<CacheEntry | CacheMiss | undefined>;
  /**
   * Stores an entry, whole or not at all. Without a body the metadata is replaced, and the body that is there is kept if its
   * metadata has the same `etag`; otherwise it is dropped.
   */
  put(key: string, metadata: StoredMetadata, body: CompleteBody | undefined): MaybePromise<void>;
  delete(key: string): MaybePromise<void>;
  /** Deletes what a rule matches, or makes it unreachable. Left out: the journal decides when an entry is read. */
  deleteMatching?(rule: PurgeRule): MaybePromise<void>;
  /** For a backend that several machines or processes share. */
  readonly journal?: PurgeJournal;
  /** The metadata of all entries, in any order, for reports. Left out: it cannot list them. */
  entries?(signal: AbortSignal): AsyncIterable<StoredMetadata>;
  /** What it holds, for metrics. `undefined`: not known yet. */
  contents?(): CacheContents | undefined;
  /** Connects. A backend that takes its time does not hold up the start. */
  start?(): Promise<void>;
  close?(): MaybePromise<void>;
}

/**
 * A backend that stores originals, too. Their bytes are written while they are read; `metadata.length` is their number, if
 * it is known before. What a stream that fails has brought must not become an entry.
 */
export interface OriginalsBackend extends CacheBackend {
  put(key: string, metadata: StoredMetadata, body: CompleteBody | Readable | undefined): MaybePromise<void>;
}

/** A purge rule in a journal. */
export interface JournalRule extends PurgeRule {
  /** Sorts by time; unique among all machines. */
  readonly id: string;
}

/** The purge rules of a backend, where every process that uses it finds them. */
export interface PurgeJournal {
  /** Adds a rule, and drops those that it replaces for every reader. Resolves once every reader would find it. */
  add(rule: JournalRule, replaces: readonly string[]): Promise<void>;
  /** All rules. */
  read(): Promise<{ readonly rules: readonly JournalRule[]; readonly version?: string }>;
}

/** How the core uses a backend. */
export interface CacheOptions {
  readonly tier: CacheTier;
  /** Milliseconds that a read may take. Left out: it answers at once, from this process's memory. */
  readonly timeout?: number;
  /** Milliseconds that its start may take; then it is bypassed at first. @default 2000 */
  readonly startTimeout?: number;
  /** Milliseconds that a write may take. @default 10_000, and one more for each kilobyte */
  readonly writeTimeout?: number;
  /** Largest body, in bytes; of a larger one only the metadata is stored. */
  readonly maxEntryBytes: number;
  /** Entries that are written at one time. @default 8 */
  readonly writers?: number;
  /** Bytes of entries that are written or wait for it; what is more is not stored. @default 64 MB */
  readonly queueBytes?: number;
  /** Milliseconds after which an entry is a miss. @default never */
  readonly ttl?: number;
  /** Whether it stores what only clients with a signature may see. @default true */
  readonly private?: boolean;
}

/** Which originals a cache stores, and for how long. */
export interface OriginalsPolicy {
  /** Whether it stores the files of an origin. */
  stores(origin: string): boolean;
  /** Largest file that it stores, in bytes. */
  readonly maxFileBytes: number;
  /** Milliseconds after which an entry is revalidated. */
  readonly revalidate: number;
  /** Milliseconds after that for which an entry is used if its origin fails. */
  readonly staleIfError: number;
}

/** A cache of originals as a plugin registers it; a configuration has at most one. */
export interface OriginalsRegistration extends Omit<CacheOptions, "maxEntryBytes"> {
  readonly originals: true;
  /** Opens the backend, once per configuration, when the server starts. May throw `ECONFIG`. */
  open(runtime: RuntimeInfo): { readonly backend: OriginalsBackend; readonly policy: OriginalsPolicy };
}

/** A cache of renditions as a plugin registers it. */
export interface CacheRegistration extends CacheOptions {
  readonly originals?: undefined;
  /**
   * What makes the backend another one, as plain data: path, address, budget. A configuration that is loaded with the same settings
   * takes over the open backend. Left out: each configuration opens its own, because it uses what ends with the configuration, such as
   * the storage of an origin.
   */
  readonly settings?: unknown;
  /** Opens the backend when the server starts. May throw `ECONFIG`. */
  open(runtime: RuntimeInfo): CacheBackend;
}
