import { MAX_SECONDS } from "../../model/control.ts";
import { parseHttpDate } from "../../model/http-date.ts";
import type { FileMetadata } from "../../model/source.ts";
import { readTags } from "../../model/tags.ts";

type Headers = Readonly<Record<string, string>>;

/** The header with which any origin marks a private file. */
const PRIVATE_HEADER = "is-private-file";

/**
 * The metadata of a file in the headers of a response. Values that break their grammar are left out. `privateHeaders`: further
 * headers that mark a private file.
 */
export function metadataOf(
  headers: Headers,
  size: number | undefined,
  privateHeaders: readonly string[] = [],
): FileMetadata {
  const { etag } = headers;
  const modified = headers["last-modified"] ?? "";
  // Its other forms are validators, too, and harm nobody (RFC 9110 §5.6.7).
  const lastModified = parseHttpDate(modified) ?? Date.parse(modified);
  return {
    ...(size !== undefined && { size }),
    ...(headers["content-type"] && { type: headers["content-type"] }),
    // RFC 9110 §8.8.3.
    ...(etag && /^(W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) && { etag }),
    ...(Number.isFinite(lastModified) && { lastModified }),
    ...controlOf(headers),
    ...expiryOf(headers),
    ...tagsOf(headers),
    ...([PRIVATE_HEADER, ...privateHeaders].some((name) => isTrue(headers[name])) && { private: true }),
  };
}

/**
 * What the headers say to caches. `Vary` with a `*` among its members: anything may bring about another answer, which to
 * caches is the same as `no-store` (RFC 9111 §4.1).
 */
function controlOf(headers: Headers): Pick<FileMetadata, "cacheControl" | "cdnCacheControl"> {
  const varies = (headers.vary ?? "").split(",").some((name) => name.trim() === "*");
  const parts = [headers["cache-control"], varies && "no-store"].filter(Boolean);
  const targeted = headers["cdn-cache-control"];
  return {
    ...(parts.length > 0 && { cacheControl: parts.join(", ") }),
    ...(varies ? {} : targeted !== undefined && { cdnCacheControl: targeted }),
  };
}

/** Longest time that an `Expires` stands for: a year, whatever its date. */
const MAX_EXPIRES_MS = 365 * 24 * 60 * 60_000;

/** By how much the clocks of an origin and of this machine may differ before its `Date` counts as old. */
const MAX_CLOCK_SKEW_MS = 10_000;

/** `Expires` by the origin's own clock: what is no date is in the past (RFC 9111 §5.3). */
function expiryOf(
  { expires, date, age }: Headers,
  now = Date.now(),
): Pick<FileMetadata, "expiresIn" | "age"> {
  const sent = parseHttpDate(date ?? "") ?? now;
  const until = parseHttpDate(expires ?? "", sent) ?? sent;
  const known = Math.max(ageOf(age), now - sent > MAX_CLOCK_SKEW_MS ? now - sent : 0);
  return {
    ...(expires !== undefined && { expiresIn: Math.min(MAX_EXPIRES_MS, Math.max(0, until - sent)) }),
    ...(known > 0 && { age: known }),
  };
}

/** Milliseconds; of a list of ages the first counts (RFC 9111 §5.1). */
function ageOf(age = ""): number {
  const [seconds] = /^\d+(?=\s*(?:,|$))/.exec(age.trim()) ?? [];
  return Math.min(MAX_SECONDS, Number(seconds ?? 0)) * 1000;
}

function tagsOf(headers: Headers): Pick<FileMetadata, "tags"> {
  const tags = readTags([headers["cache-tag"], headers["edge-cache-tag"], headers["surrogate-key"]]);
  return tags.length > 0 ? { tags } : {};
}

function isTrue(value: string | undefined): boolean {
  return value?.trim().toLowerCase() === "true";
}

/** `Content-Length`: of a body with a content coding that of the coded form. */
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
