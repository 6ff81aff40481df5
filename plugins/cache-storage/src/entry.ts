import { crc32 } from "node:zlib";
import type { RenditionRecord } from "@mediatap/core";
import { z } from "zod";

// The file of a record:
//
//     head, JSON ⏎ record, JSON

const head = z.strictObject({
  format: z.literal(1),
  /** Names the file of the body; random, new with each writing. `null`: there is none. */
  version: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable(),
  length: z.int().min(0),
  /** CRC-32 of the body. */
  body: z.number(),
  /** CRC-32 of the record. */
  sum: z.number(),
  /** Bans that speak of it and were known when it was written. */
  bans: z.array(z.string()),
  /** Milliseconds since 1970. */
  written: z.number(),
});

export interface Entry extends Omit<z.output<typeof head>, "format" | "sum"> {
  readonly record: RenditionRecord;
}

/** An entry as it is stored. */
export function writtenEntry({ record, ...more }: Entry): Buffer {
  const text = JSON.stringify(record);
  return Buffer.from(`${JSON.stringify({ format: 1, ...more, sum: crc32(text) })}\n${text}`);
}

/** The entry in a file; `undefined`: it is none, or of another release. */
export function parseEntry(bytes: Buffer): Entry | undefined {
  const text = bytes.toString();
  const end = text.indexOf("\n");
  try {
    const { format: _, sum, ...found } = head.parse(JSON.parse(text.slice(0, end)));
    const rest = text.slice(end + 1);
    return crc32(rest) === sum ? { ...found, record: JSON.parse(rest) as RenditionRecord } : undefined;
  } catch {
    return undefined;
  }
}
