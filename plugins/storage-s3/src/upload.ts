import type { Readable } from "node:stream";
import type { CompletedPart } from "@aws-sdk/client-s3";
import { chunksOf, type FileMetadata } from "@mediatap/core/storage";
import type { Sdk } from "./client.ts";
import { answered, invalidAnswer } from "./failures.ts";

/** Bytes that are kept in memory and sent at a time; S3 accepts no part below 5 MiB. */
export const PART_BYTES = 8 * 1024 * 1024;

/**
 * Sends an object's bytes, in parts where they are many. The object comes to be with the last request: where the body
 * breaks off, nothing of it stays, and what was there before does.
 */
export async function upload(
  { commands, client, common }: Sdk,
  key: string,
  body: Readable | Uint8Array,
  metadata: FileMetadata,
  partBytes: number,
): Promise<void> {
  const at = { ...common, Key: key };
  const headers = headersOf(metadata);
  const parts: CompletedPart[] = [];
  let UploadId: string | undefined;
  try {
    for await (const { bytes, isLast } of chunksOf(body, partBytes)) {
      const content = { ...at, Body: bytes, ContentLength: bytes.length };
      if (isLast && UploadId === undefined) {
        await answered(client.send(new commands.PutObjectCommand({ ...content, ...headers })));
        return;
      }
      const create = new commands.CreateMultipartUploadCommand({ ...at, ...headers });
      UploadId ??= (await answered(client.send(create))).UploadId;
      if (UploadId === undefined) throw invalidAnswer();
      const PartNumber = parts.length + 1;
      const part = new commands.UploadPartCommand({ ...content, UploadId, PartNumber });
      const { ETag } = await answered(client.send(part));
      if (ETag === undefined) throw invalidAnswer();
      parts.push({ PartNumber, ETag });
    }
    const complete = { ...at, UploadId, MultipartUpload: { Parts: parts } };
    await answered(client.send(new commands.CompleteMultipartUploadCommand(complete)));
  } catch (error) {
    // Parts that nobody completes or aborts are kept, and cost money.
    if (UploadId !== undefined) {
      await client.send(new commands.AbortMultipartUploadCommand({ ...at, UploadId })).catch(() => undefined);
    }
    throw error;
  }
}

/** Metadata as S3 keeps it beside an object. */
function headersOf({ type, cacheControl, private: isPrivate }: FileMetadata) {
  return {
    ...(type !== undefined && { ContentType: type }),
    ...(cacheControl !== undefined && { CacheControl: cacheControl }),
    ...(isPrivate && { Metadata: { isprivatefile: "true" } }),
  };
}
