import { hash, randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { bodyOf } from "@mediatap/core";
import { type CacheBackend, type CacheEntry, decodeMetadata, encodeMetadata } from "@mediatap/core/cache";
import { createKeyvJournal } from "./journal.ts";
import type { Link } from "./link.ts";

export interface BackendOptions {
  /** What all keys begin with. */
  readonly namespace: string;
  /** Milliseconds for which an entry is kept. */
  readonly ttl: number;
}

interface Found extends CacheEntry {
  readonly epoch: string;
}

/**
 * Entries in a store of Keyv's, each one value, so that metadata and body are always of one version; text, because many
 * stores keep nothing else:
 *
 *     epoch of the journal ⏎ metadata (two lines) ⏎ body, base64
 */
export function keyvBackend(link: Link, { namespace, ttl }: BackendOptions): CacheBackend {
  const journal = createKeyvJournal(link, namespace, ttl);
  const nameOf = (key: string) => `${namespace}:rendition-2:${hash("sha256", key, "base64url")}`;

  return {
    async get(key, { signal }) {
      // The core has given up: that counts as an answer that did not come.
      const late = () => link.late();
      signal.addEventListener("abort", late, { once: true });
      try {
        const [value, ...state] = await link.getMany([nameOf(key), ...journal.names()]);
        const entry = parse(value);
        const { epoch, version } = journal.stateOf(state);
        if (!entry || entry.epoch !== epoch) return { journal: version };
        return { ...entry, journal: version };
      } finally {
        signal.removeEventListener("abort", late);
      }
    },
    async put(key, metadata, body) {
      const name = nameOf(key);
      const bytes = body
        ? (body.bytes ?? (await buffer(await body.stream())))
        : await bytesBefore(name, metadata.etag);
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

  /** Metadata that comes alone keeps the body that belongs to it. */
  async function bytesBefore(name: string, etag: string | undefined): Promise<Uint8Array | undefined> {
    if (etag === undefined) return undefined;
    const before = parse(await link.get(name));
    return before?.metadata.etag === etag ? before.body?.bytes : undefined;
  }
}

const newVersion = () => randomBytes(16).toString("hex");

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** `undefined`: no entry, damaged, or of another release. */
function parse(value: unknown): Found | undefined {
  if (typeof value !== "string") return undefined;
  const [epochEnd, bodyStart] = [value.indexOf("\n"), value.lastIndexOf("\n")];
  const file = decodeMetadata(value.slice(epochEnd + 1, bodyStart));
  if (!file) return undefined;
  const found = { epoch: value.slice(0, epochEnd), metadata: file.metadata };
  if (!file.body) return found;
  const bytes = Buffer.from(value.slice(bodyStart + 1), "base64");
  if (bytes.byteLength !== file.body.length || crc32(bytes) !== file.body.sum) return undefined;
  return { ...found, body: bodyOf(bytes) };
}
