import { Readable } from "node:stream";
import type { Logger } from "pino";
import { isMediaError } from "../model/errors.ts";
import { type ActiveRule, matchesRule } from "../model/purge-rule.ts";
import type { CompleteBody, RenditionRecord } from "../model/rendition.ts";
import type {
  CacheBackend,
  CacheEntry,
  CacheMiss,
  CacheOptions,
  GetOptions,
  JournalRule,
  OriginalsBackend,
  StoredMetadata,
} from "../plugin/cache-backend.ts";
import { wrap } from "../plugin/errors.ts";
import { resultCheckOf } from "../plugin/results.ts";
import type { Clock } from "../util/clock.ts";
import type { MaybePromise } from "../util/maybe.ts";
import { withTimeout } from "../util/timeout.ts";
import { createCacheBreaker } from "./breaker.ts";
import { createKnownEntries } from "./known-entries.ts";
import { createSharedJournal } from "./shared-journal.ts";
import { createWriteQueue } from "./write-queue.ts";

const MB = 1024 * 1024;

const checkEntry = resultCheckOf("cache");

/** Bytes that an entry counts for in the write queue, besides its body. */
const METADATA_BYTES = 1_000;

/** Milliseconds after which the journal is read for rules whose announcement was lost. */
const REFRESH_INTERVAL_MS = 30_000;

/** Milliseconds for which the rules of a backend without a journal are kept: longer than any write takes. */
const OWN_RULES_TTL_MS = 10 * 60_000;

/** Milliseconds that a start, if the backend names no other time, and a stop wait for it. */
const START_TIMEOUT_MS = 2_000;
const STOP_TIMEOUT_MS = 5_000;

const WRITE_TIMEOUT_MS = 10_000;

/** Rules that are for others: entries of originals match no key or tag; a URL is for CDNs. */
const IGNORED_RULES = {
  renditions: new Set<string>(["original", "url"]),
  originals: new Set<string>(["key", "tag", "url"]),
};

/** What the parts of a process share, as a tier needs it. */
export interface TierParts {
  /** The plugin that registered the backend; its name in logs and in `Cache-Status`. */
  readonly name: string;
  readonly backend: CacheBackend;
  /** What it stores. @default "renditions" */
  readonly stores?: keyof typeof IGNORED_RULES;
  readonly options: CacheOptions;
  readonly log: Logger;
  readonly clock: Clock;
  /** Milliseconds for which a backend that failed is left alone. */
  readonly cooldown: number;
  /** Whether an entry has been purged in this process since a moment (`PurgeRules.now()`). */
  readonly isPurged: (metadata: RenditionRecord, since: number) => boolean;
  /** Another process has purged this, and its announcement was lost. */
  readonly onRule?: (rule: JournalRule) => void;
}

export interface TierEntry {
  readonly metadata: RenditionRecord;
  readonly body?: CompleteBody;
}

/** How a backend reads for a client that waits. Its signal is made on first use: most backends return without reading it. */
class Get implements GetOptions {
  readonly body: boolean;
  readonly #client: { readonly signal: AbortSignal };
  #timeoutController: AbortController | undefined;
  #signal: AbortSignal | undefined;

  constructor(client: { readonly signal: AbortSignal }, body: boolean) {
    this.#client = client;
    this.body = body;
  }

  get signal(): AbortSignal {
    this.#timeoutController ??= new AbortController();
    this.#signal ??= AbortSignal.any([this.#client.signal, this.#timeoutController.signal]);
    return this.#signal;
  }

  /** It has taken too long. */
  abort(): void {
    this.#timeoutController ??= new AbortController();
    this.#timeoutController.abort();
  }
}

/** One backend with all that the core does around it. Nothing here throws: a cache never breaks delivery. */
export function createTier({
  name,
  backend,
  stores = "renditions",
  options,
  log,
  clock,
  cooldown,
  isPurged,
  onRule,
}: TierParts) {
  const {
    tier,
    timeout,
    startTimeout = START_TIMEOUT_MS,
    writeTimeout = WRITE_TIMEOUT_MS,
    maxEntryBytes,
    ttl,
  } = options;
  const isLocal = timeout === undefined;
  /** Without a journal, a backend may return what was being written when a purge came: this process keeps the rule. */
  const journal = backend.journal
    ? createSharedJournal(backend.journal, {
        clock,
        ...(ttl !== undefined && { ttl }),
        ...(onRule && { onRule }),
      })
    : isLocal
      ? undefined
      : createSharedJournal(undefined, { clock, ttl: OWN_RULES_TTL_MS });
  const known = createKnownEntries();
  /** Rules that the backend has not carried out yet: it failed. What they match is a miss. */
  const pending = new Map<ActiveRule, JournalRule | undefined>();
  const writes = new Set<Promise<void>>();
  const queue = createWriteQueue({ writers: options.writers ?? 8, maxBytes: options.queueBytes ?? 64 * MB });
  const reading = breaker("cannot be read and is bypassed", "can be read again");
  const writing = breaker("cannot be written to; nothing is stored", "can be written to again");
  let cancelTimer = () => {};
  let cancelRefresh = () => {};
  let isClosed = false;

  function breaker(down: string, up: string) {
    return createCacheBreaker({
      rest: cooldown,
      now: clock.monotonic,
      onFailure: (err) => log.warn({ err, cache: name }, `a cache ${down}`),
      onRecovery: () => log.info({ cache: name }, `a cache ${up}`),
    });
  }

  /** A backend in memory has no breaker: what it throws is a defect of its own. */
  function attempt<T>(work: () => MaybePromise<T>): MaybePromise<T | undefined> {
    const failed = (err: unknown) => {
      log.warn({ err: wrap(err, "cache", name), cache: name }, "a cache failed");
      return undefined;
    };
    try {
      const done = work();
      return done instanceof Promise ? done.catch(failed) : done;
    } catch (error) {
      return failed(error);
    }
  }

  /** The entry of a key, if the backend has it and no purge rule matches it. */
  function find(
    key: string,
    body: boolean,
    client: { readonly signal: AbortSignal },
  ): MaybePromise<TierEntry | undefined> {
    if (isLocal) {
      return attempt(() => {
        const entry = backend.get(key, new Get(client, body));
        return entry instanceof Promise ? entry.then(judge) : judge(entry);
      });
    }
    const options = new Get(client, body);
    const begun = reading.isClosed ? begin(options) : undefined;
    // What a backend has at hand needs neither a timer nor a promise.
    if (begun && !(begun instanceof Promise) && (!journal || journal.isCurrent(begun.journal))) {
      reading.worked();
      return attempt(() => judge(begun));
    }
    return reading.run(async () => {
      try {
        return judge(await withTimeout(timeout, read(begun ?? backend.get(key, options))));
      } catch (error) {
        options.abort();
        // The request has gone: no fault of the backend.
        if (client.signal.aborted) return undefined;
        throw error;
      }
    });

    function begin(options: GetOptions): MaybePromise<CacheEntry | CacheMiss | undefined> {
      try {
        return backend.get(key, options);
      } catch (error) {
        return Promise.reject(error);
      }
    }

    async function read(
      found: MaybePromise<CacheEntry | CacheMiss | undefined>,
    ): Promise<CacheEntry | CacheMiss | undefined> {
      const entry = await found;
      if (journal && entry && !journal.isCurrent(entry.journal)) await journal.read();
      return entry;
    }

    function judge(entry: CacheEntry | CacheMiss | undefined): TierEntry | undefined {
      if (entry === undefined || entry === null || isMiss(entry)) {
        if (!isLocal) known.forget(key);
        return undefined;
      }
      checkEntry?.(entry, [key]);
      const metadata = recordOf(entry.metadata);
      if (isVoid(entry.metadata)) {
        void entry.body?.close?.();
        return undefined;
      }
      return {
        metadata: isLocal ? metadata : known.latest(metadata, entry.body !== undefined),
        ...(entry.body && { body: entry.body }),
      };
    }
  }

  /** The metadata of all entries that no purge rule matches. `undefined`: the backend cannot list them. Throws as the backend does. */
  function entries(signal: AbortSignal): AsyncIterable<RenditionRecord> | undefined {
    const listed = backend.entries?.(signal);
    return listed && usable(listed);
  }

  async function* usable(listed: AsyncIterable<StoredMetadata>): AsyncGenerator<RenditionRecord, void> {
    if (journal && !journal.isCurrent(undefined)) await journal.read();
    for await (const stored of listed) if (!isVoid(stored)) yield recordOf(stored);
  }

  /** Whether an entry is expired, or purged. One from the future would outlive the rules that match it. */
  function isVoid(metadata: StoredMetadata): boolean {
    const age = ttl === undefined ? 0 : clock.now() - metadata.stored;
    if (age < 0 || (ttl !== undefined && age > ttl)) return true;
    if (pending.size > 0 && [...pending.keys()].some((rule) => matchesRule(metadata, rule))) return true;
    return journal?.allows(metadata) === false;
  }

  /** Stores an entry; resolves once that is done, or given up. */
  function put(metadata: RenditionRecord, body: CompleteBody | undefined, since: number): MaybePromise<void> {
    if (metadata.private && options.private === false) return remove(metadata.key);
    const storedBody = body && body.length <= maxEntryBytes ? body : undefined;
    if (isLocal) {
      if (isPurged(metadata, since)) return undefined;
      return attempt(() => {
        const done = backend.put(metadata.key, metadata, storedBody);
        return done instanceof Promise
          ? done.then(() => (isPurged(metadata, since) ? backend.delete(metadata.key) : undefined))
          : undefined;
      });
    }
    if (known.noteIfUnchanged(metadata, body !== undefined)) return undefined;
    const limit = writeTimeout + (storedBody?.length ?? 0) / 1000;
    const bytes = METADATA_BYTES + (storedBody?.bytes ? storedBody.length : 0);
    return track(
      queue(bytes, () => writing.run(() => withTimeout(limit, write(metadata, storedBody, since)))),
    );
  }

  /** Stores an original while it is read, however long that takes. */
  function putStream(metadata: RenditionRecord, body: Readable, since: number): Promise<void> {
    return track(writing.run(() => write(metadata, body, since)));
  }

  async function write(
    metadata: RenditionRecord,
    body: CompleteBody | Readable | undefined,
    since: number,
  ): Promise<void> {
    const { key } = metadata;
    known.forget(key);
    if (journal && !journal.isCurrent(undefined)) await journal.read();
    const purges = journal?.matching(metadata) ?? [];
    if (isPurged(metadata, since)) return;
    const stored: StoredMetadata = purges.length > 0 ? { ...metadata, purges } : metadata;
    try {
      await (backend as OriginalsBackend).put(key, stored, body);
    } catch (error) {
      // The body could not be read: no fault of the backend.
      if (isMediaError(error) || (body instanceof Readable && body.errored)) return;
      throw error;
    }
    if (isPurged(metadata, since)) await backend.delete(key);
    // The backend counts what came as a stream.
    else if (!(body instanceof Readable)) known.note(metadata, body !== undefined);
  }

  function remove(key: string): MaybePromise<void> {
    known.forget(key);
    if (isLocal) return attempt(() => backend.delete(key));
    return track(
      writing.run(async () => await withTimeout(writeTimeout, Promise.resolve(backend.delete(key)))),
    );
  }

  async function track(work: Promise<unknown>): Promise<void> {
    const done = work.then(() => {});
    writes.add(done);
    await done.finally(() => writes.delete(done));
  }

  /**
   * Carries a rule out. From the call on nothing that it matches is found; resolves once the backend has nothing of it any
   * more, or has failed: then it is tried again until it works.
   */
  function purge(rule: ActiveRule): MaybePromise<void> {
    if (IGNORED_RULES[stores].has(rule.kind)) return;
    known.forgetMatching(rule);
    const inJournal = journal && journalRule(rule);
    if (inJournal && rule.remote) journal.activate(inJournal);
    if (isLocal) return attempt(() => backend.deleteMatching?.(rule));
    pending.set(rule, inJournal);
    return carryOut(rule, inJournal).catch((err: unknown) => {
      log.warn({ err, cache: name }, "a purge of a cache failed and will be retried");
      retryLater();
    });
  }

  async function carryOut(rule: ActiveRule, inJournal: JournalRule | undefined): Promise<void> {
    if (journal && inJournal && !(rule.remote && backend.journal)) await journal.add(inJournal);
    if (rule.kind === "key") await backend.delete(rule.value);
    else await backend.deleteMatching?.(rule);
    pending.delete(rule);
  }

  function retryLater(): void {
    cancelTimer();
    cancelTimer = clock.after(cooldown, () => {
      void Promise.all([...pending].map(([rule, inJournal]) => carryOut(rule, inJournal))).catch(retryLater);
    });
  }

  /** Reads the journal: this process may have missed what others purged. */
  const refresh = () => reading.run(async () => journal?.read());

  function refreshLater(): void {
    if (isClosed) return;
    cancelRefresh = clock.after(REFRESH_INTERVAL_MS, () => void refresh().finally(refreshLater));
  }

  return {
    name,
    tier,
    find,
    entries,
    put,
    putStream,
    remove,
    purge,
    contents: () => backend.contents?.(),
    /** Whether the backend may have the entry of a key. */
    has: (key: string) => isLocal || known.has(key),
    async start(): Promise<void> {
      const connect = async () => {
        await backend.start?.();
        await journal?.read();
      };
      if (!isLocal) await reading.run(() => withTimeout(startTimeout, connect()));
      if (journal) refreshLater();
    },
    refresh,
    async close(): Promise<void> {
      isClosed = true;
      cancelTimer();
      cancelRefresh();
      await withTimeout(STOP_TIMEOUT_MS, Promise.all(writes)).catch(() => undefined);
      await backend.close?.();
    },
  };
}

export type Tier = ReturnType<typeof createTier>;

/** What a backend of another plugin returns may be anything. */
const isMiss = (entry: CacheEntry | CacheMiss): entry is CacheMiss =>
  typeof entry.journal === "string" && entry.metadata === undefined;

function journalRule({ id, kind, value, tenant }: ActiveRule): JournalRule {
  return { id, kind, value, ...(tenant !== undefined && { tenant }) };
}

/** The rendition's metadata in an entry; the same object if the backend returned that. */
function recordOf(stored: StoredMetadata): RenditionRecord {
  if (stored.purges === undefined) return stored;
  const { purges: _, ...record } = stored;
  return record;
}
