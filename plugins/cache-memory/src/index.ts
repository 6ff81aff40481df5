import { Readable } from "node:stream";
import {
  bodyOf,
  type Delivered,
  isBanned,
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

interface Store {
  readonly records: LRUCache<string, RenditionRecord>;
  readonly bodies: LRUCache<string, Uint8Array>;
  close(): void;
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
    apply({ hooks, shared }) {
      const { records, bodies } = shared<Store>(NAME, () => createStore(maxBytes, maxEntryBytes, maxRecords));

      hooks.lookup.tap(NAME, ({ key, needsBody, isFresh, offer, fill }) => {
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

      hooks.store.tap(NAME, (record, body) => keep({ record, ...(body && { body }) }));

      function keep({ record, body }: Delivered): void {
        const known = records.get(record.key);
        records.set(record.key, record);
        if (body?.settled && body.bytes && body.length <= maxEntryBytes)
          bodies.set(record.key, ownCopy(body.bytes));
        else if (known?.etag !== record.etag) bodies.delete(record.key);
      }

      hooks.purge.tap(NAME, (ban) => {
        for (const [key, record] of records.entries()) {
          if (!isBanned(record, ban)) continue;
          records.delete(key);
          bodies.delete(key);
        }
      });
    },
  };
}

function createStore(maxSize: number, maxEntrySize: number, max: number): Store {
  const records = new LRUCache<string, RenditionRecord>({ max });
  const bodies = new LRUCache<string, Uint8Array>({
    maxSize,
    maxEntrySize,
    sizeCalculation: (bytes) => Math.max(1, bytes.byteLength),
  });
  return {
    records,
    bodies,
    close() {
      records.clear();
      bodies.clear();
    },
  };
}

/** The bytes without what else their buffer holds: a slice must not keep a whole download alive. */
function ownCopy(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes);
}

export default cacheMemory;
