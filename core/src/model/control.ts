import type { Audience } from "./source.ts";

/** What a `Cache-Control` field says (RFC 9111 §5.2.2, RFC 5861). Times in milliseconds. */
export interface CacheControl {
  readonly noStore: boolean;
  readonly noCache: boolean;
  readonly private: boolean;
  /** `must-revalidate` or `proxy-revalidate`: nothing past its time may be served. */
  readonly mustRevalidate: boolean;
  readonly maxAge?: number;
  readonly sharedMaxAge?: number;
  readonly staleWhileRevalidate?: number;
  readonly staleIfError?: number;
}

/** The greatest number of seconds that means anything (RFC 9111 §1.2.2). */
const MOST_SECONDS = 2 ** 31;

/** Characters that are read. */
const LONGEST = 1000;

/**
 * Reads a `Cache-Control` field. Where it contradicts itself the stricter word holds, and a time that is none is over
 * (RFC 9111 §4.2.1). `private` and `no-cache` with field names count as without: to keep less is always right.
 */
export function parseCacheControl(text: string): CacheControl {
  const times = new Map<string, number>();
  const words = new Set<string>();
  for (const [, name = "", quoted, plain] of text.slice(0, LONGEST).matchAll(DIRECTIVE)) {
    const word = name.toLowerCase();
    words.add(word);
    const value = quoted ?? plain;
    if (value === undefined) continue;
    const seconds = /^\d+$/.test(value) ? Math.min(Number(value), MOST_SECONDS) : 0;
    times.set(word, Math.min(seconds * 1000, times.get(word) ?? Number.POSITIVE_INFINITY));
  }
  const time = <K extends string>(key: K, word: string) => {
    const value = words.has(word) ? (times.get(word) ?? 0) : undefined;
    return (value === undefined ? {} : { [key]: value }) as { [P in K]?: number };
  };
  return {
    noStore: words.has("no-store"),
    noCache: words.has("no-cache"),
    private: words.has("private"),
    mustRevalidate: words.has("must-revalidate") || words.has("proxy-revalidate"),
    ...time("maxAge", "max-age"),
    ...time("sharedMaxAge", "s-maxage"),
    ...time("staleWhileRevalidate", "stale-while-revalidate"),
    ...time("staleIfError", "stale-if-error"),
  };
}

/** Whether a file is for fewer now than it was: marked private, or by a new `private` or `no-store`. */
export function isForFewer(now: Audience, before: Audience): boolean {
  if (now.private && !before.private) return true;
  const [said, known] = [now, before].map(({ cacheControl = "" }) => parseCacheControl(cacheControl)) as [
    CacheControl,
    CacheControl,
  ];
  return (said.noStore && !known.noStore) || (said.private && !known.private);
}

/** A directive: its name, and its value where it has one. */
const DIRECTIVE = /([!#$%&'*+.^_`|~\w-]+)(?:[ \t]*=[ \t]*(?:"([^"]*)"|([^\s,;"]*)))?/g;

/** Milliseconds of the shared lifetime in a `Cache-Control` value: `s-maxage`, else `max-age`, else 0; 0 where nothing may be kept. */
export function lifetimeOf(cacheControl: string): number {
  const { noStore, noCache, sharedMaxAge, maxAge } = parseCacheControl(cacheControl);
  return noStore || noCache ? 0 : (sharedMaxAge ?? maxAge ?? 0);
}
