import { buffer } from "node:stream/consumers";
import type { SourceFacts } from "@mediatap/core";
import { type EntryFacts, type StorageEntry, updatedFacts } from "@mediatap/core/storage";
import { z } from "zod";

/** Longest file of a record that is read. */
const MOST = 64 * 1024;

const time = z.int().min(0);

const schema = z.strictObject({
  format: z.literal(1),
  /** Part of the name of the file with the bytes: facts and bytes cannot be of two versions. */
  version: z.string().regex(/^[0-9a-f]{32}$/),
  size: z.int().min(0),
  sha256: z.string(),
  /** The entity tag that the storage gave the bytes: as long as it stays, nobody has touched them. */
  seal: z.string().optional(),
  /** When the origin answered last: with these bytes, or that they are still right. */
  checked: time,
  /** When it was used last, give or take an hour. */
  used: time,
  facts: z.strictObject({
    origin: z.string(),
    path: z.string(),
    host: z.string().optional(),
    type: z.string().optional(),
    etag: z.string().optional(),
    lastModified: z.number().optional(),
    cacheControl: z.string().optional(),
    cdnCacheControl: z.string().optional(),
    expiresIn: z.number().optional(),
    tags: z.array(z.string()).readonly().optional(),
    freshFor: z.number().optional(),
    private: z.boolean().optional(),
    canonical: z.string().optional(),
  }),
});

/** What is known of a copy: the origin's facts, and which bytes they belong to. Times in milliseconds since 1970. */
export type CopyRecord = z.output<typeof schema>;

/** The record in a file. `undefined`: it is broken, or of another release. */
export async function readRecord(entry: StorageEntry): Promise<CopyRecord | undefined> {
  if ((entry.size ?? 0) > MOST) return undefined;
  const bytes = await buffer(await entry.body());
  try {
    return schema.parse(JSON.parse(bytes.toString()));
  } catch {
    return undefined;
  }
}

export function writtenRecord(record: CopyRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

/** The facts of an original as a record keeps them. */
export function keptFacts({
  size: _,
  fetched: __,
  copy: ___,
  age: ____,
  ...facts
}: SourceFacts): CopyRecord["facts"] {
  return facts;
}

/** What the origin said of the bytes of a copy. */
export function entryFacts({ facts, size }: CopyRecord): EntryFacts {
  const { origin: _, path: __, host: ___, ...said } = facts;
  return withoutHoles({ ...said, size });
}

/** The facts of a copy as those of its original. */
export function sourceFacts(record: CopyRecord): SourceFacts {
  return withoutHoles({ ...record.facts, size: record.size, fetched: record.checked });
}

/** A record whose origin has confirmed the bytes, and what it said of them then. */
export function confirmedRecord(record: CopyRecord, said: EntryFacts, now = Date.now()): CopyRecord {
  const facts = keptFacts(updatedFacts(sourceFacts(record), said, now));
  return { ...record, checked: now, used: now, facts };
}

/** Whether two answers speak of the same bytes, as far as their origin lets us know. */
export function isSame(a: SourceFacts, b: SourceFacts): boolean {
  if (a.etag !== undefined && b.etag !== undefined) return a.etag === b.etag;
  return a.lastModified === b.lastModified && (b.size === undefined || a.size === b.size);
}

/** Fields that are there but `undefined`, as zod types them, are none. */
function withoutHoles<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
