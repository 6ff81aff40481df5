import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import {
  type Ban,
  bodyOf,
  type CacheContents,
  type Delivered,
  isBanned,
  measureCache,
  type Plugin,
  parseOptions,
  type RenditionRecord,
} from "@mediatap/core";
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
  /** Largest body that is kept, in bytes; left out: an eighth of the budget. */
  maxEntryBytes: z.int().positive().optional(),
  /** How many records are kept; they outlive their bodies. */
  maxRecords: z.int().positive().default(50_000),
});

/** Options of `cacheMemory`. */
export type CacheMemoryOptions = z.input<typeof schema>;

interface Size {
  readonly maxBytes: number;
  readonly maxEntryBytes: number;
  readonly maxRecords: number;
}

interface Contents {
  readonly records: LRUCache<string, RenditionRecord>;
  readonly bodies: LRUCache<string, Uint8Array>;
}

const toStream = (bytes: Uint8Array) => Readable.from([bytes]);

/**
 * Keeps renditions in this process's memory, within a budget; the least recently used go first. Records are kept apart
 * from bodies, so that a 304 needs no body. It belongs to the process: a new configuration finds it warm.
 */
export function cacheMemory(options: CacheMemoryOptions = {}): Plugin {
  const {
    maxBytes,
    maxEntryBytes = Math.ceil(maxBytes / 8),
    maxRecords,
  } = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply(api) {
      const { hooks, shared, workers } = api;
      const size = {
        maxBytes: Math.ceil(maxBytes / workers),
        maxEntryBytes: Math.ceil(maxEntryBytes / workers),
        maxRecords: Math.ceil(maxRecords / workers),
      };
      const store = shared(NAME, () => createStore(size));
      /** Bans that came while a body was read, for each that is. */
      const reading = new Set<Ban[]>();
      hooks.start.tap(NAME, () => store.fit(size));
      measureCache(api, { cache: NAME, read: store.contents });

      hooks.lookup.tap(NAME, ({ key, needsBody, isFresh, offer, fill }) => {
        const { records, bodies } = store;
        const record = records.get(key);
        const bytes = record && bodies.get(key);
        if (record && (bytes || !needsBody)) {
          const entry = bytes ? { record, body: bodyOf(bytes, toStream) } : { record };
          if (isFresh(record)) return { ...entry, cache: NAME };
          offer(entry);
        }
        fill(keep);
        return undefined;
      });

      hooks.store.tapPromise(NAME, async (record, body) => {
        const isFile = body?.settled && !body.bytes && body.length <= store.bodies.maxEntrySize;
        if (!isFile) return keep({ record, ...(body && { body }) });
        const bans: Ban[] = [];
        reading.add(bans);
        try {
          const bytes = await buffer(await body.stream());
          const isWhole = bytes.byteLength === body.length;
          if (!bans.some((ban) => isBanned(record, ban))) put(record, isWhole ? bytes : undefined);
        } finally {
          reading.delete(bans);
        }
      });

      /** What a cache further down has in a file stays there. */
      function keep({ record, body }: Delivered): void {
        const fits = body?.settled && body.bytes && body.length <= store.bodies.maxEntrySize;
        put(record, fits && body.bytes ? ownCopy(body.bytes) : undefined);
      }

      function put(record: RenditionRecord, bytes: Uint8Array | undefined): void {
        const { records, bodies } = store;
        const known = records.get(record.key);
        records.set(record.key, record);
        if (bytes) bodies.set(record.key, bytes);
        else if (known?.etag !== record.etag) bodies.delete(record.key);
      }

      hooks.purge.tap(NAME, (ban) => {
        for (const bans of reading) bans.push(ban);
        const { records, bodies } = store;
        for (const [key, record] of records.entries()) {
          if (!isBanned(record, ban)) continue;
          records.delete(key);
          bodies.delete(key);
        }
      });
    },
  };
}

function createStore(first: Size) {
  let size = first;
  let evictions = 0;
  const onEvict = () => {
    evictions++;
  };
  let contents = emptyOf(first, onEvict);
  return {
    contents(): CacheContents {
      const { records, bodies } = contents;
      return { bytes: bodies.calculatedSize, maxBytes: size.maxBytes, entries: records.size, evictions };
    },
    get records() {
      return contents.records;
    },
    get bodies() {
      return contents.bodies;
    },
    /** Takes on another size, and what fits into it along; the least recently used stay behind. */
    fit(other: Size): void {
      if (JSON.stringify(other) === JSON.stringify(size)) return;
      const old = contents;
      size = other;
      contents = emptyOf(other, onEvict);
      contents.records.load(old.records.dump());
      contents.bodies.load(old.bodies.dump());
    },
    close(): void {
      contents.records.clear();
      contents.bodies.clear();
    },
  };
}

/** `onEvict`: a body had to go for others. */
function emptyOf({ maxBytes, maxEntryBytes, maxRecords }: Size, onEvict: () => void): Contents {
  return {
    records: new LRUCache<string, RenditionRecord>({ max: maxRecords }),
    bodies: new LRUCache<string, Uint8Array>({
      maxSize: maxBytes,
      maxEntrySize: maxEntryBytes,
      sizeCalculation: (bytes) => Math.max(1, bytes.byteLength),
      dispose: (_bytes, _key, reason) => {
        if (reason === "evict") onEvict();
      },
    }),
  };
}

/** The bytes without what else their buffer holds: a slice must not keep a whole download alive. */
function ownCopy(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes);
}

export default cacheMemory;
