import type { Readable } from "node:stream";
import type { CompletedPart } from "@aws-sdk/client-s3";
import { chunksOf, type FileMetadata, nameTaken, type WriteMetadata } from "@mediatap/core/storage";
import type { Sdk } from "./client.ts";
import {
  failureOf,
  invalidResponse,
  isRefusedCondition,
  isUnknownCondition,
  withFailures,
} from "./failures.ts";

/** Bytes that are buffered and sent at once; S3 accepts no part below 5 MiB. */
export const PART_BYTES = 8 * 1024 * 1024;

/**
 * Sends an object's bytes, in parts if they are many. The object is created with the last request: if the body
 * breaks off, nothing of it stays, and the previous object does.
 */
export async function upload(
  { commands, client, common }: Sdk,
  key: string,
  body: Readable | Uint8Array,
  { isNew, ...metadata }: WriteMetadata,
  partBytes: number,
): Promise<void> {
  const at = { ...common, Key: key };
  const headers = headersOf(metadata);
  const parts: CompletedPart[] = [];
  let UploadId: string | undefined;

  /** Sends the request with which the object appears. */
  async function complete(send: (condition: { readonly IfNoneMatch?: "*" }) => Promise<unknown>) {
    if (!isNew) return await withFailures(send({}));
    try {
      return await send({ IfNoneMatch: "*" });
    } catch (error) {
      if (isRefusedCondition(error)) throw nameTaken(error);
      if (!isUnknownCondition(error)) throw failureOf(error);
      return await withFailures(send({}));
    }
  }

  try {
    for await (const { bytes, isLast } of chunksOf(body, partBytes)) {
      const content = { ...at, Body: bytes, ContentLength: bytes.length };
      if (isLast && UploadId === undefined) {
        const put = { ...content, ...headers };
        await complete((condition) => client.send(new commands.PutObjectCommand({ ...put, ...condition })));
        return;
      }
      const create = new commands.CreateMultipartUploadCommand({ ...at, ...headers });
      UploadId ??= (await withFailures(client.send(create))).UploadId;
      if (UploadId === undefined) throw invalidResponse();
      const PartNumber = parts.length + 1;
      const part = new commands.UploadPartCommand({ ...content, UploadId, PartNumber });
      const { ETag } = await withFailures(client.send(part));
      if (ETag === undefined) throw invalidResponse();
      parts.push({ PartNumber, ETag });
    }
    const completeInput = { ...at, UploadId, MultipartUpload: { Parts: parts } };
    await complete((condition) =>
      client.send(new commands.CompleteMultipartUploadCommand({ ...completeInput, ...condition })),
    );
  } catch (error) {
    // Parts that are neither completed nor aborted stay stored, and cost money.
    if (UploadId !== undefined) {
      await client.send(new commands.AbortMultipartUploadCommand({ ...at, UploadId })).catch(() => undefined);
    }
    throw error;
  }
}

/** Metadata as S3 stores it with an object. */
function headersOf({ type, cacheControl, private: isPrivate }: FileMetadata) {
  return {
    ...(type !== undefined && { ContentType: type }),
    ...(cacheControl !== undefined && { CacheControl: cacheControl }),
    ...(isPrivate && { Metadata: { isprivatefile: "true" } }),
  };
}
