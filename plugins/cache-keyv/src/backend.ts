import { hash, randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { bodyOf } from "@mediatap/core";
import { type CacheBackend, type CacheEntry, decodeMetadata, encodeMetadata } from "@mediatap/core/cache";
import { createKeyvJournal } from "./journal.ts";
import type { Link } from "./link.ts";

export interface BackendOptions {
  /** Prefix of all keys. */
  readonly namespace: string;
  /** Milliseconds for which an entry is stored. */
  readonly ttl: number;
}

interface EpochEntry extends CacheEntry {
  readonly epoch: string;
}

/**
 * Entries in a Keyv store. Each entry is one value, so that metadata and body always belong together. Values are text, because many
 * stores accept nothing else:
 *
 *     epoch of the journal ⏎ metadata (two lines) ⏎ body, base64
 */
export function keyvBackend(link: Link, { namespace, ttl }: BackendOptions): CacheBackend {
  const journal = createKeyvJournal(link, namespace, ttl);
  const nameOf = (key: string) => `${namespace}:rendition-2:${hash("sha256", key, "base64url")}`;

  return {
    async get(key, { signal }) {
      // The core has given up waiting: that counts as a timeout.
      const onAbort = () => link.reportTimeout();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        const [value, ...state] = await link.getMany([nameOf(key), ...journal.names()]);
        const entry = parse(value);
        const { epoch, version } = journal.stateOf(state);
        if (!entry || entry.epoch !== epoch) return { journal: version };
        return { ...entry, journal: version };
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    async put(key, metadata, body) {
      const name = nameOf(key);
      const bytes = body
        ? (body.bytes ?? (await buffer(await body.stream())))
        : await previousBytes(name, metadata.etag);
      if (body && bytes?.byteLength !== body.length)
        throw new Error("a body was shorter or longer than announced");
      const epoch = await journal.epoch();
      const reference = bytes && { version: newVersion(), length: bytes.byteLength, sum: crc32(bytes) };
      const text = encodeMetadata({ metadata, ...(reference && { body: reference }) });
      await link.set(name, `${epoch}\n${text}\n${bytes ? asBuffer(bytes).toString("base64") : ""}`, ttl);
    },
    delete: (key) => link.delete(nameOf(key)),
    journal: journal.journal,
    close: () => link.close(),
  };

  /** Metadata without a body keeps the stored body if both have the same ETag. */
  async function previousBytes(name: string, etag: string | undefined): Promise<Uint8Array | undefined> {
    if (etag === undefined) return undefined;
    const previous = parse(await link.get(name));
    return previous?.metadata.etag === etag ? previous.body?.bytes : undefined;
  }
}

const newVersion = () => randomBytes(16).toString("hex");

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** `undefined`: no entry, damaged, or of another release. */
function parse(value: unknown): EpochEntry | undefined {
  if (typeof value !== "string") return undefined;
  const [epochEnd, bodyStart] = [value.indexOf("\n"), value.lastIndexOf("\n")];
  const file = decodeMetadata(value.slice(epochEnd + 1, bodyStart));
  if (!file) return undefined;
  const entry = { epoch: value.slice(0, epochEnd), metadata: file.metadata };
  if (!file.body) return entry;
  const bytes = Buffer.from(value.slice(bodyStart + 1), "base64");
  if (bytes.byteLength !== file.body.length || crc32(bytes) !== file.body.sum) return undefined;
  return { ...entry, body: bodyOf(bytes) };
}
