import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import type { RenditionRecord } from "@mediatap/core";
import { z } from "zod";

// The value of an entry, record and body together, so that they are always of one version:
//
//     head, JSON ⏎ record, JSON ⏎ body, base64
//
// Text, since many stores keep nothing else.

const FORMAT = 1;

const head = z.strictObject({
  format: z.literal(FORMAT),
  /** Random, new with each writing. */
  version: z.string(),
  /** Values of the record's marks, in their order, when the entry was written. */
  marks: z.array(z.string()),
  /** Of the prefixes that were purged and fit, those that were known then. */
  purges: z.array(z.string()),
  /** Bytes of the body; `null`: there is none. */
  length: z.int().min(0).nullable(),
  /** CRC-32 of what follows the head. */
  sum: z.number(),
});

export interface Entry extends Omit<z.output<typeof head>, "format" | "sum"> {
  readonly record: RenditionRecord;
  readonly body: Buffer | undefined;
}

/** An entry as it is stored. */
export function writtenEntry(
  record: RenditionRecord,
  body: Uint8Array | undefined,
  seen: Pick<Entry, "marks" | "purges">,
): { readonly value: string; readonly version: string } {
  const version = randomBytes(12).toString("base64url");
  const rest = `${JSON.stringify(record)}\n${body ? asBuffer(body).toString("base64") : ""}`;
  const first = { format: FORMAT, version, ...seen, length: body?.byteLength ?? null, sum: crc32(rest) };
  return { value: `${JSON.stringify(first)}\n${rest}`, version };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The entry in a value; `undefined`: it is none, or of another release. */
export function parseEntry(value: unknown): Entry | undefined {
  if (typeof value !== "string") return undefined;
  const end = value.indexOf("\n");
  const rest = value.slice(end + 1);
  const recordEnd = rest.indexOf("\n");
  try {
    const { sum, format: _, ...found } = head.parse(JSON.parse(value.slice(0, end)));
    if (crc32(rest) !== sum) return undefined;
    const record = JSON.parse(rest.slice(0, recordEnd)) as RenditionRecord;
    const body = found.length === null ? undefined : Buffer.from(rest.slice(recordEnd + 1), "base64");
    return { ...found, record, body };
  } catch {
    return undefined;
  }
}
