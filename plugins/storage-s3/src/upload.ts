import type { Readable } from "node:stream";
import type { CompletedPart } from "@aws-sdk/client-s3";
import type { EntryFacts } from "@mediatap/core";
import type { Sdk } from "./client.ts";
import { answered, invalidAnswer } from "./failures.ts";

/** Bytes that are held and sent at a time; the least that S3 takes for a part is 5 MiB. */
export const PART_BYTES = 8 * 1024 * 1024;

/**
 * Sends an object's bytes, in parts where they are many. The object comes to be with the last request: where the body
 * breaks off, nothing of it stays, and what was there before does.
 */
export async function upload(
  { commands, client, common }: Sdk,
  key: string,
  body: Readable | Uint8Array,
  facts: EntryFacts,
  partBytes: number,
): Promise<void> {
  const at = { ...common, Key: key };
  const headers = headersOf(facts);
  const put = (Body: Buffer) =>
    answered(
      client.send(new commands.PutObjectCommand({ ...at, ...headers, Body, ContentLength: Body.length })),
    );
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
    await answered(
      client.send(new commands.CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload })),
    );
  } catch (error) {
    // Parts that nobody completes or aborts are kept, and cost money.
    if (UploadId !== undefined) {
      await client.send(new commands.AbortMultipartUploadCommand({ ...at, UploadId })).catch(() => undefined);
    }
    throw error;
  }

  async function send(Body: Buffer): Promise<void> {
    UploadId ??= (
      await answered(client.send(new commands.CreateMultipartUploadCommand({ ...at, ...headers })))
    ).UploadId;
    if (UploadId === undefined) throw invalidAnswer();
    const PartNumber = parts.length + 1;
    const part = { ...at, UploadId, PartNumber, Body, ContentLength: Body.length };
    const { ETag } = await answered(client.send(new commands.UploadPartCommand(part)));
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
