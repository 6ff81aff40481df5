import type { HeadObjectCommandOutput } from "@aws-sdk/client-s3";
import type { ByteRange, EntryFacts } from "@mediatap/core";

/** What answers to GET and HEAD say alike. */
export type Said = Pick<
  HeadObjectCommandOutput,
  | "ContentLength"
  | "ContentRange"
  | "ContentType"
  | "ContentEncoding"
  | "ETag"
  | "LastModified"
  | "CacheControl"
  | "Metadata"
>;

/** What an answer says of an object; its size is left out where the body is coded. */
export function factsOf(said: Said): EntryFacts {
  const { ContentType: type, ETag: etag, CacheControl: cacheControl } = said;
  const lastModified = said.LastModified?.getTime();
  const size = rangeOf(said)?.size ?? said.ContentLength;
  return {
    ...(size !== undefined && codingOf(said) === undefined && { size }),
    ...(type && { type }),
    // RFC 9110 §8.8.3.
    ...(etag && /^(W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) && { etag }),
    ...(lastModified !== undefined && Number.isFinite(lastModified) && { lastModified }),
    ...(cacheControl && { cacheControl }),
    // Mark of a private file, as ImageKit reads it.
    ...(said.Metadata?.isprivatefile?.trim().toLowerCase() === "true" && { private: true }),
  };
}

/** `Content-Range` (RFC 9110 §14.4); `undefined` if it is missing or wrong. */
export function rangeOf({ ContentRange }: Said): (ByteRange & { readonly size: number }) | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(ContentRange?.trim() ?? "");
  if (!match) return undefined;
  const [start, end, size] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return start <= end && end < size ? { start, end, size } : undefined;
}

/** Whether an answer holds exactly a range, cut off at the end of the object. */
export function isExactly(said: Said, { start, end }: ByteRange): boolean {
  const found = rangeOf(said);
  if (found?.start !== start || found.end !== Math.min(end, found.size - 1)) return false;
  return said.ContentLength === undefined || said.ContentLength === found.end - start + 1;
}

/** Content coding that the object was stored with; `aws-chunked` belongs to its upload. */
export function codingOf({ ContentEncoding }: Said): string | undefined {
  const codings = (ContentEncoding ?? "").toLowerCase().split(/[\s,]+/);
  return codings.filter((coding) => !["", "identity", "aws-chunked"].includes(coding)).join(",") || undefined;
}
