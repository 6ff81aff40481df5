import type { Readable } from "node:stream";
import type { CompletedPart } from "@aws-sdk/client-s3";
import { chunksOf, type FileMetadata, nameTaken, type WriteMetadata } from "@mediatap/core/storage";
import type { Sdk } from "./client.ts";
import { answered, failureOf, invalidAnswer, isRefusedCondition, isUnknownCondition } from "./failures.ts";

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
  { isNew, ...metadata }: WriteMetadata,
  partBytes: number,
): Promise<void> {
  const at = { ...common, Key: key };
  const headers = headersOf(metadata);
  const parts: CompletedPart[] = [];
  let UploadId: string | undefined;

  /** Sends the request with which the object appears. */
  async function complete(send: (condition: { readonly IfNoneMatch?: "*" }) => Promise<unknown>) {
    if (!isNew) return await answered(send({}));
    try {
      return await send({ IfNoneMatch: "*" });
    } catch (error) {
      if (isRefusedCondition(error)) throw nameTaken(error);
      if (!isUnknownCondition(error)) throw failureOf(error);
      return await answered(send({}));
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
      UploadId ??= (await answered(client.send(create))).UploadId;
      if (UploadId === undefined) throw invalidAnswer();
      const PartNumber = parts.length + 1;
      const part = new commands.UploadPartCommand({ ...content, UploadId, PartNumber });
      const { ETag } = await answered(client.send(part));
      if (ETag === undefined) throw invalidAnswer();
      parts.push({ PartNumber, ETag });
    }
    const whole = { ...at, UploadId, MultipartUpload: { Parts: parts } };
    await complete((condition) =>
      client.send(new commands.CompleteMultipartUploadCommand({ ...whole, ...condition })),
    );
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
