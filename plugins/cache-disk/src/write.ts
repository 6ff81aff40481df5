import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { crc32 } from "node:zlib";
import type { CompleteBody } from "@mediatap/core";
import { ownerText, type StoredMetadata, thisOwner } from "@mediatap/core/cache";
import { FILE, inFolder } from "./folder.ts";
import { BLOCK, headLength, LONGEST_RECORD, sumsOf, writtenHead } from "./format.ts";
import type { Places } from "./names.ts";

type Handle = fs.promises.FileHandle;

/** Writes entries, each under a name of its own that becomes the right one when all of it is there. */
export function createWriter(places: Places) {
  const writer = ownerText(thisOwner());

  /**
   * Writes an entry in the place of what was there. Resolves with the bytes of its file; `undefined`: its metadata is too long.
   * Throws as the file system does.
   */
  return async function write(
    name: string,
    metadata: StoredMetadata,
    body: CompleteBody | undefined,
  ): Promise<number | undefined> {
    const text = Buffer.from(JSON.stringify(metadata));
    if (text.byteLength > LONGEST_RECORD) return undefined;
    const version = randomBytes(16);
    const temporary = `${places.entry(name)}.${writer}.${randomBytes(6).toString("hex")}.tmp`;
    try {
      const handle = await inFolder(places.shardOf(name), () => fs.promises.open(temporary, "wx", FILE));
      let size: number;
      try {
        size = await writeAll(handle, { version, record: text }, body);
      } finally {
        await handle.close();
      }
      await fs.promises.rename(temporary, places.entry(name));
      return size;
    } catch (error) {
      await fs.promises.rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  };
}

/** Resolves with the bytes of the file. */
async function writeAll(
  handle: Handle,
  parts: { readonly version: Uint8Array; readonly record: Uint8Array },
  body: CompleteBody | undefined,
): Promise<number> {
  const bodyLength = body?.length;
  if (!body || body.bytes) {
    const head = writtenHead({ ...parts, bodyLength, sums: body?.bytes ? sumsOf(body.bytes) : [] });
    await writeAt(handle, body?.bytes ? [head, body.bytes] : [head], 0);
    return head.byteLength + (bodyLength ?? 0);
  }
  // The head tells the sums of what comes behind it, so it is written last.
  const start = headLength(parts.record.byteLength, bodyLength);
  const sums: number[] = [];
  let at = 0;
  for await (const block of blocks(await body.stream())) {
    sums.push(crc32(block));
    await writeAt(handle, [block], start + at);
    at += block.byteLength;
  }
  if (at !== bodyLength) throw new Error("the body is not as long as was promised");
  await writeAt(handle, [writtenHead({ ...parts, bodyLength, sums })], 0);
  return start + at;
}

async function writeAt(handle: Handle, parts: Uint8Array[], position: number): Promise<void> {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const { bytesWritten } = await handle.writev(parts, position);
  // A disk that is nearly full takes less than it was given.
  if (bytesWritten !== length) throw Object.assign(new Error("the disk is full"), { code: "ENOSPC" });
}

/** The bytes in blocks of one size, the last one excepted. */
async function* blocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.byteLength >= BLOCK; rest = rest.subarray(BLOCK)) yield rest.subarray(0, BLOCK);
  }
  if (rest.byteLength > 0) yield rest;
}
