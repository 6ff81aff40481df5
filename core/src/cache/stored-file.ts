import { crc32 } from "node:zlib";
import { z } from "zod";
import type { StoredMetadata } from "../plugin/cache-backend.ts";

// Metadata as backends that store text or files write it:
//
//     head, JSON ⏎ metadata, JSON

const FORMAT = 2;

const head = z.strictObject({
  format: z.literal(FORMAT),
  /** CRC-32 of the metadata. */
  sum: z.number(),
  body: z
    .strictObject({
      /** Names the body; random, new with each write. */
      version: z.string().regex(/^[0-9a-f]{32}$/),
      length: z.int().min(0),
      /** CRC-32 of the body. */
      sum: z.number(),
      /** Entity tag that the storage gave the body. While it stays the same, nobody has changed the body. */
      seal: z.string().optional(),
    })
    .optional(),
  /** When the entry was last used, in milliseconds since 1970, accurate to an hour. Left out: not recorded. */
  used: z.number().optional(),
});

/** Which bytes belong to the metadata. */
export type BodyReference = NonNullable<z.output<typeof head>["body"]>;

export interface MetadataFile {
  readonly metadata: StoredMetadata;
  readonly body?: BodyReference | undefined;
  readonly used?: number | undefined;
}

export function encodeMetadata({ metadata, body, used }: MetadataFile): string {
  const text = JSON.stringify(metadata);
  return `${JSON.stringify({ format: FORMAT, sum: crc32(text), body, used })}\n${text}`;
}

/** `undefined`: damaged, or of another release. */
export function decodeMetadata(text: string): MetadataFile | undefined {
  const end = text.indexOf("\n");
  try {
    const { sum, body, used } = head.parse(JSON.parse(text.slice(0, end)));
    const rest = text.slice(end + 1);
    if (crc32(rest) !== sum) return undefined;
    return { metadata: JSON.parse(rest) as StoredMetadata, body, used };
  } catch {
    return undefined;
  }
}
