import { buffer } from "node:stream/consumers";
import { bodyOf, type CompleteBody, type Plugin, parseOptions } from "@mediatap/core";
import { type CacheBackend, matchesRule, type StoredMetadata } from "@mediatap/core/cache";
import { LRUCache } from "lru-cache";
import { z } from "zod";

const NAME = "cache-memory";
const MB = 1024 * 1024;

const schema = z.strictObject({
  /** Budget of the bodies, in bytes. */
  maxBytes: z
    .int()
    .positive()
    .default(128 * MB),
  /** Largest body that is stored, in bytes. Left out: an eighth of the budget. */
  maxEntryBytes: z.int().positive().optional(),
  /** How many entries are stored without their body, too; metadata outlives bodies. */
  maxRecords: z.int().positive().default(50_000),
});

/** Options of `cacheMemory`. */
export type CacheMemoryOptions = z.input<typeof schema>;

interface Budget {
  readonly maxBytes: number;
  readonly maxEntryBytes: number;
  readonly maxRecords: number;
}

/**
 * Stores renditions in this process's memory, within a budget; the least recently used are evicted. It belongs to the process: a
 * new configuration finds it warm.
 */
export function cacheMemory(options: CacheMemoryOptions = {}): Plugin {
  const checked = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ cache, shared, cluster: { workers } }) {
      const budget: Budget = {
        maxBytes: Math.ceil(checked.maxBytes / workers),
        maxEntryBytes: Math.ceil((checked.maxEntryBytes ?? checked.maxBytes / 8) / workers),
        maxRecords: Math.ceil(checked.maxRecords / workers),
      };
      const { maxEntryBytes } = budget;
      const store = shared(NAME, () => createStore(budget));
      cache({
        tier: "memory",
        settings: budget,
        maxEntryBytes,
        open() {
          store.fit(budget);
          return store;
        },
      });
    },
  };
}

/** Metadata is separate from bodies, so that a 304 needs no body. */
function createStore(first: Budget) {
  let { maxBytes } = first;
  let evictions = 0;
  const onEvict = () => {
    evictions++;
  };
  let { metadata, bodies } = tablesOf(first, onEvict);

  function put(key: string, entry: StoredMetadata, bytes: Uint8Array | undefined): void {
    const previous = metadata.get(key);
    metadata.set(key, entry);
    if (bytes) bodies.set(key, bytes);
    else if (previous?.etag !== entry.etag) bodies.delete(key);
  }

  return {
    get(key) {
      const entry = metadata.get(key);
      const bytes = entry && bodies.get(key);
      return entry && (bytes ? { metadata: entry, body: bodyOf(bytes) } : { metadata: entry });
    },
    put(key, entry, body) {
      if (!body || body.bytes) return put(key, entry, body?.bytes && ownCopy(body.bytes));
      return read(body).then((bytes) => put(key, entry, bytes));
    },
    delete(key) {
      metadata.delete(key);
      bodies.delete(key);
    },
    deleteMatching(rule) {
      for (const [key, entry] of metadata.entries()) {
        if (!matchesRule(entry, rule)) continue;
        metadata.delete(key);
        bodies.delete(key);
      }
    },
    async *entries() {
      yield* [...metadata.values()];
    },
    contents: () => ({ bytes: bodies.calculatedSize, maxBytes, entries: metadata.size, evictions }),
    /** Applies another budget; the least recently used entries that do not fit are evicted. */
    fit(budget: Budget): void {
      const previous = { metadata: metadata.dump(), bodies: bodies.dump() };
      maxBytes = budget.maxBytes;
      ({ metadata, bodies } = tablesOf(budget, onEvict));
      metadata.load(previous.metadata);
      bodies.load(previous.bodies);
    },
  } satisfies CacheBackend & { fit(budget: Budget): void };
}

function tablesOf({ maxBytes, maxEntryBytes, maxRecords }: Budget, onEvict: () => void) {
  return {
    // A size of one each: `max` would reserve space for all entries at the start.
    metadata: new LRUCache<string, StoredMetadata>({ maxSize: maxRecords, sizeCalculation: () => 1 }),
    bodies: new LRUCache<string, Uint8Array>({
      maxSize: maxBytes,
      maxEntrySize: maxEntryBytes,
      sizeCalculation: (bytes) => Math.max(1, bytes.byteLength),
      dispose: (_bytes, _key, reason) => reason === "evict" && onEvict(),
    }),
  };
}

/** `undefined`: the stream was shorter than announced. */
async function read(body: CompleteBody): Promise<Uint8Array | undefined> {
  const bytes = await buffer(await body.stream());
  return bytes.byteLength === body.length ? bytes : undefined;
}

/**
 * The bytes in a buffer of their exact size: a slice must not keep a whole download alive, and the memory that libvips
 * allocates is larger than the buffer, by 20 KB for a small picture.
 */
function ownCopy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

export default cacheMemory;
