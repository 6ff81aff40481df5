import type { EntryFacts } from "../model/source.ts";
import { readTags } from "../model/tags.ts";

type Headers = Readonly<Record<string, string>>;

/** Headers that mark a private file: ImageKit's own, and the metadata `isprivatefile` as S3, Azure and GCS send it. */
const PRIVATE = [
  "is-private-file",
  "x-amz-meta-isprivatefile",
  "x-ms-meta-isprivatefile",
  "x-goog-meta-isprivatefile",
];

/** What an answer's headers say of the file. Values that break their grammar are left out. */
export function factsOf(headers: Headers, size: number | undefined): EntryFacts {
  const { etag } = headers;
  const lastModified = Date.parse(headers["last-modified"] ?? "");
  return {
    ...(size !== undefined && { size }),
    ...(headers["content-type"] && { type: headers["content-type"] }),
    // RFC 9110 §8.8.3.
    ...(etag && /^(W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) && { etag }),
    ...(Number.isFinite(lastModified) && { lastModified }),
    ...controlOf(headers),
    ...expiryOf(headers),
    ...tagsOf(headers),
    ...(isPrivate(headers) && { private: true }),
  };
}

/** `Vary: *` says that anything may bring about another answer: for caches the same as `no-store` (RFC 9111 §4.1). */
function controlOf({ "cache-control": said, vary }: Headers): Pick<EntryFacts, "cacheControl"> {
  const parts = [said, vary?.trim() === "*" && "no-store"].filter(Boolean);
  return parts.length > 0 ? { cacheControl: parts.join(", ") } : {};
}

/** `Expires` by the origin's own clock, and `Age`. */
function expiryOf({ expires, date, age }: Headers): Pick<EntryFacts, "expiresIn" | "age"> {
  const until = Date.parse(expires ?? "") - (date === undefined ? Date.now() : Date.parse(date));
  return {
    ...(expires !== undefined && { expiresIn: Math.max(0, until || 0) }),
    ...(age !== undefined && /^[1-9]\d{0,9}$/.test(age) && { age: Number(age) * 1000 }),
  };
}

function tagsOf(headers: Headers): Pick<EntryFacts, "tags"> {
  const tags = readTags([headers["cache-tag"], headers["edge-cache-tag"], headers["surrogate-key"]]);
  return tags.length > 0 ? { tags } : {};
}

function isPrivate(headers: Headers): boolean {
  return PRIVATE.some((name) => headers[name]?.trim().toLowerCase() === "true");
}

/** `Content-Length`; the fetcher leaves it out where the body came with a content coding. */
export function lengthOf(headers: Headers): number | undefined {
  const text = headers["content-length"];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** `Content-Range` (RFC 9110 §14.4); `undefined` if it is missing or wrong. */
export function contentRangeOf(
  headers: Headers,
): { readonly start: number; readonly end: number; readonly size: number | undefined } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(headers["content-range"]?.trim() ?? "");
  if (!match) return undefined;
  const [start, end] = [Number(match[1]), Number(match[2])];
  const size = match[3] === "*" ? undefined : Number(match[3]);
  return start <= end && (size === undefined || end < size) ? { start, end, size } : undefined;
}

const VIDEO = /\.(mp4|m4v|mov|webm|mkv|avi|og[gv]|mp(e|g|eg)|m2?ts|ts|3gp|3g2|hevc|wmv|flv)$/i;

export function isVideoPath(path: string): boolean {
  return VIDEO.test(path);
}

/** HTML or JSON, by the origin's word. */
export function isPage(type = ""): boolean {
  const name = type.split(";")[0]?.trim().toLowerCase() ?? "";
  return (
    name === "text/html" || name === "application/xhtml+xml" || /^application\/([\w.-]+\+)?json$/.test(name)
  );
}
