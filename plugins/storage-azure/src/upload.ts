import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import type { BlobHTTPHeaders, BlockBlobClient } from "@azure/storage-blob";
import { failureOf } from "./failures.ts";

/** Bytes of a block, and of what an upload holds in memory. */
const BLOCK = 4 * 1024 * 1024;
/** Milliseconds that each request of an upload may take. */
const PATIENCE = 60_000;

export interface UploadOptions {
  readonly blobHTTPHeaders: BlobHTTPHeaders;
  readonly metadata: Record<string, string>;
}

/**
 * Writes a blob. Its blocks are staged, and committed after the last one: until then readers see the blob that was
 * there before, or none. A body that fails leaves no blob; Azure removes its blocks after a week.
 */
export async function upload(
  blob: BlockBlobClient,
  body: Readable | Uint8Array,
  options: UploadOptions,
): Promise<void> {
  const write = randomUUID();
  const ids: string[] = [];
  for await (const block of blocksOf(body)) {
    const isLast = block.length < BLOCK;
    if (isLast && ids.length === 0) {
      return answered((abortSignal) => blob.upload(block, block.length, { ...options, abortSignal }));
    }
    if (block.length === 0) continue;
    // All of a blob are equally long, and none is that of another upload to the same name.
    const id = Buffer.from(`${write}-${String(ids.length).padStart(5, "0")}`).toString("base64");
    ids.push(id);
    await answered((abortSignal) => blob.stageBlock(id, block, block.length, { abortSignal }));
  }
  return answered((abortSignal) => blob.commitBlockList(ids, { ...options, abortSignal }));
}

/** Makes a request of Azure's client; failures as MediaErrors. */
export async function answered(request: (abortSignal: AbortSignal) => Promise<unknown>): Promise<void> {
  try {
    await request(AbortSignal.timeout(PATIENCE));
  } catch (error) {
    throw failureOf(error);
  }
}

/** A body in blocks of equal length, then a shorter one, which may be empty. */
async function* blocksOf(body: Readable | Uint8Array): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body instanceof Uint8Array ? [body] : (body as AsyncIterable<Uint8Array>)) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + BLOCK - length);
      held.push(part);
      length += part.length;
      at += part.length;
      if (length < BLOCK) continue;
      yield Buffer.concat(held);
      held = [];
      length = 0;
    }
  }
  yield Buffer.concat(held);
}
