import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { crc32 } from "node:zlib";
import type { CompleteBody } from "@mediatap/core";
import { ownerText, type StoredMetadata, thisOwner } from "@mediatap/core/cache";
import { FILE_MODE, inFolder } from "./folder.ts";
import { BLOCK_BYTES, encodeHead, headLength, MAX_RECORD_BYTES, sumsOf } from "./format.ts";
import type { CachePaths } from "./names.ts";

type Handle = fs.promises.FileHandle;

/** Writes entries, each under a temporary name that is replaced by its own when the file is complete. */
export function createWriter(paths: CachePaths) {
  const writer = ownerText(thisOwner());

  /**
   * Writes an entry, or replaces it. Resolves with the bytes of its file; `undefined`: its metadata is too long.
   * Throws as the file system does.
   */
  return async function write(
    name: string,
    metadata: StoredMetadata,
    body: CompleteBody | undefined,
  ): Promise<number | undefined> {
    const text = Buffer.from(JSON.stringify(metadata));
    if (text.byteLength > MAX_RECORD_BYTES) return undefined;
    const version = randomBytes(16);
    const temporary = `${paths.entry(name)}.${writer}.${randomBytes(6).toString("hex")}.tmp`;
    try {
      const handle = await inFolder(paths.shardOf(name), () => fs.promises.open(temporary, "wx", FILE_MODE));
      let size: number;
      try {
        size = await writeAll(handle, { version, record: text }, body);
      } finally {
        await handle.close();
      }
      await fs.promises.rename(temporary, paths.entry(name));
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
    const head = encodeHead({ ...parts, bodyLength, sums: body?.bytes ? sumsOf(body.bytes) : [] });
    await writeAt(handle, body?.bytes ? [head, body.bytes] : [head], 0);
    return head.byteLength + (bodyLength ?? 0);
  }
  // The head contains the checksums of the body, so it is written last.
  const start = headLength(parts.record.byteLength, bodyLength);
  const sums: number[] = [];
  let at = 0;
  for await (const block of blocks(await body.stream())) {
    sums.push(crc32(block));
    await writeAt(handle, [block], start + at);
    at += block.byteLength;
  }
  if (at !== bodyLength) throw new Error("the body is not as long as was promised");
  await writeAt(handle, [encodeHead({ ...parts, bodyLength, sums })], 0);
  return start + at;
}

async function writeAt(handle: Handle, parts: Uint8Array[], position: number): Promise<void> {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const { bytesWritten } = await handle.writev(parts, position);
  // A disk that is nearly full writes only a part.
  if (bytesWritten !== length) throw Object.assign(new Error("the disk is full"), { code: "ENOSPC" });
}

/** The bytes in blocks of one size, except for the last one. */
async function* blocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let buffered: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    buffered = Buffer.concat([buffered, chunk]);
    for (; buffered.byteLength >= BLOCK_BYTES; buffered = buffered.subarray(BLOCK_BYTES))
      yield buffered.subarray(0, BLOCK_BYTES);
  }
  if (buffered.byteLength > 0) yield buffered;
}
