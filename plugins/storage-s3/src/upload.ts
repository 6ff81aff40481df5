import type { Readable } from "node:stream";
import type { CompletedPart, S3Client } from "@aws-sdk/client-s3";
import type { EntryFacts } from "@mediatap/core";
import type { Sdk } from "./bucket.ts";
import { failureOf, invalidAnswer } from "./failures.ts";

/** Bytes that are held and sent at a time; the least that S3 takes for a part is 5 MiB. */
export const PART_BYTES = 8 * 1024 * 1024;

export interface Upload {
  readonly sdk: Sdk;
  readonly client: S3Client;
  /** Bucket and key. */
  readonly at: { readonly Bucket: string; readonly Key: string; readonly RequestPayer?: "requester" };
  readonly body: Readable | Uint8Array;
  readonly facts: EntryFacts;
  readonly partBytes: number;
}

/**
 * Sends an object's bytes, in parts where they are many. The object comes to be with the last request: where the body
 * breaks off, nothing of it stays, and what was there before does.
 */
export async function upload({ sdk, client, at, body, facts, partBytes }: Upload): Promise<void> {
  const headers = headersOf(facts);
  const put = (Body: Buffer) =>
    answered(client.send(new sdk.PutObjectCommand({ ...at, ...headers, Body, ContentLength: Body.length })));
  const parts: CompletedPart[] = [];
  let UploadId: string | undefined;
  try {
    let held: Buffer | undefined;
    for await (const chunk of chunksOf(body, partBytes)) {
      if (held) await send(held);
      held = chunk;
    }
    const last = held ?? Buffer.alloc(0);
    if (UploadId === undefined) return void (await put(last));
    await send(last);
    const MultipartUpload = { Parts: parts };
    await answered(client.send(new sdk.CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload })));
  } catch (error) {
    // Parts that nobody completes or aborts are kept, and cost money.
    if (UploadId !== undefined) {
      await client.send(new sdk.AbortMultipartUploadCommand({ ...at, UploadId })).catch(() => undefined);
    }
    throw error;
  }

  async function send(Body: Buffer): Promise<void> {
    UploadId ??= (await answered(client.send(new sdk.CreateMultipartUploadCommand({ ...at, ...headers }))))
      .UploadId;
    if (UploadId === undefined) throw invalidAnswer();
    const PartNumber = parts.length + 1;
    const part = { ...at, UploadId, PartNumber, Body, ContentLength: Body.length };
    const { ETag } = await answered(client.send(new sdk.UploadPartCommand(part)));
    if (ETag === undefined) throw invalidAnswer();
    parts.push({ PartNumber, ETag });
  }
}

/** Facts as S3 keeps them beside an object. */
function headersOf({ type, cacheControl, private: isPrivate }: EntryFacts) {
  return {
    ...(type !== undefined && { ContentType: type }),
    ...(cacheControl !== undefined && { CacheControl: cacheControl }),
    ...(isPrivate && { Metadata: { isprivatefile: "true" } }),
  };
}

/** The answer; failures as MediaErrors. */
export async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    const failure = failureOf(cause);
    throw "error" in failure ? failure.error : invalidAnswer(cause);
  }
}

/** The body in chunks of the same length, but for the last one. */
async function* chunksOf(body: Readable | Uint8Array, length: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const piece of body instanceof Uint8Array ? [body] : (body as AsyncIterable<Uint8Array>)) {
    held.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
    size += piece.length;
    if (size < length) continue;
    let rest = Buffer.concat(held);
    for (; rest.length >= length; rest = rest.subarray(length)) yield rest.subarray(0, length);
    held = [rest];
    size = rest.length;
  }
  if (size > 0) yield Buffer.concat(held);
}
