import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import type { BlobHTTPHeaders, BlockBlobClient } from "@azure/storage-blob";
import { chunksOf } from "@mediatap/core/storage";
import { failureOf } from "./failures.ts";

/** Bytes of a block, and of the memory that an upload uses. */
const BLOCK_BYTES = 4 * 1024 * 1024;
/** Milliseconds that each request of an upload may take. */
const REQUEST_TIMEOUT_MS = 60_000;

export interface UploadOptions {
  readonly blobHTTPHeaders?: BlobHTTPHeaders;
  readonly metadata: Record<string, string>;
  /** Fails with `nameTaken()` if there is a blob. */
  readonly isNew?: boolean;
}

/**
 * Writes a blob. Its blocks are staged, and committed after the last one: until then readers see the blob that was
 * there before, or none. A body that fails leaves no blob; Azure removes its blocks after a week.
 */
export async function upload(
  blob: BlockBlobClient,
  body: Readable | Uint8Array,
  { isNew, ...more }: UploadOptions,
): Promise<void> {
  const options = { ...more, ...(isNew && { conditions: { ifNoneMatch: "*" } }) };
  const write = randomUUID();
  const ids: string[] = [];
  for await (const { bytes, isLast } of chunksOf(body, BLOCK_BYTES)) {
    if (isLast && ids.length === 0) {
      return runRequest((abortSignal) => blob.upload(bytes, bytes.length, { ...options, abortSignal }));
    }
    // All of a blob are equally long, and none is that of another upload to the same name.
    const id = Buffer.from(`${write}-${String(ids.length).padStart(5, "0")}`).toString("base64");
    ids.push(id);
    await runRequest((abortSignal) => blob.stageBlock(id, bytes, bytes.length, { abortSignal }));
  }
  return runRequest((abortSignal) => blob.commitBlockList(ids, { ...options, abortSignal }));
}

/** Makes a request of Azure's client; failures as MediaErrors. */
export async function runRequest(request: (abortSignal: AbortSignal) => Promise<unknown>): Promise<void> {
  try {
    await request(AbortSignal.timeout(REQUEST_TIMEOUT_MS));
  } catch (error) {
    throw failureOf(error);
  }
}
