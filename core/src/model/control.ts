import { LRUCache } from "lru-cache";
import { type Dictionary, parseDictionary } from "structured-headers";
import type { Audience } from "./source.ts";

/** The directives of a `Cache-Control` field (RFC 9111 §5.2.2, RFC 5861). Times in milliseconds. */
export interface CacheControl {
  readonly noStore: boolean;
  readonly noCache: boolean;
  readonly private: boolean;
  /** `must-revalidate` or `proxy-revalidate`: nothing stale may be served. */
  readonly mustRevalidate: boolean;
  readonly maxAge?: number;
  readonly sharedMaxAge?: number;
  readonly staleWhileRevalidate?: number;
  readonly staleIfError?: number;
}

/** The greatest number of seconds that means anything (RFC 9111 §1.2.2). */
export const MAX_SECONDS = 2 ** 31;

/** Characters that are read. */
const MAX_LENGTH = 1000;

/**
 * Reads a `Cache-Control` field. Where it contradicts itself the stricter word holds, and a time that is none is over
 * (RFC 9111 §4.2.1); parsers on npm take the last of several values or drop what is malformed. `private` and `no-cache` with field names count as without: to keep less is always right.
 */
export function parseCacheControl(text: string): CacheControl {
  const cut = text.slice(0, MAX_LENGTH);
  const known = parsed.get(cut);
  if (known) return known;
  const control = Object.freeze(parse(cut));
  parsed.set(cut, control);
  return control;
}

/** A server meets few different values, and needs them for each response. */
const parsed = new LRUCache<string, CacheControl>({ max: 500 });

function parse(text: string): CacheControl {
  const times = new Map<string, number>();
  const words = new Set<string>();
  for (const [, name = "", quoted, plain] of text.matchAll(DIRECTIVE)) {
    const word = name.toLowerCase();
    words.add(word);
    const value = quoted ?? plain;
    if (value === undefined) continue;
    const seconds = /^\d+$/.test(value) ? Math.min(Number(value), MAX_SECONDS) : 0;
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

const FLAGS = ["no-store", "no-cache", "private", "must-revalidate", "proxy-revalidate"];
const TIMES = ["max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"];

/**
 * Reads a `CDN-Cache-Control` field, which is a structured dictionary (RFC 9213 §2.1). `undefined`: it is empty or invalid, and
 * counts as if it were not there.
 */
export function parseTargetedControl(text: string): CacheControl | undefined {
  let members: Dictionary;
  try {
    members = parseDictionary(text.slice(0, MAX_LENGTH));
  } catch {
    return undefined;
  }
  const isInvalid = [...members].some(([name, [value]]) => {
    if (FLAGS.includes(name)) return typeof value !== "boolean";
    return TIMES.includes(name) && !(Number.isInteger(value) && Number(value) >= 0);
  });
  if (members.size === 0 || isInvalid) return undefined;
  const directives = [...members].map(([name, [value]]) => {
    if (TIMES.includes(name)) return `${name}=${Number(value)}`;
    return FLAGS.includes(name) && value === true ? name : "";
  });
  return parseCacheControl(directives.filter(Boolean).join(", "));
}

/** The directives of an origin for shared caches: from `CDN-Cache-Control`, else from `Cache-Control`. */
export function sharedControlOf({ cacheControl = "", cdnCacheControl }: Audience): CacheControl {
  const targeted = cdnCacheControl === undefined ? undefined : parseTargetedControl(cdnCacheControl);
  return targeted ?? parseCacheControl(cacheControl);
}

/** Whether an origin lets shared caches store a file. */
export function isStorable(audience: Audience): boolean {
  const { noStore, private: isPrivate } = sharedControlOf(audience);
  return !noStore && !isPrivate;
}

/** Whether a file is for fewer now than it was: marked private, or by a new `private` or `no-store`. */
export function isForFewer(now: Audience, before: Audience): boolean {
  if (now.private && !before.private) return true;
  // Fields that a response leaves out stay as they were.
  const [current, known] = [sharedControlOf({ ...before, ...now }), sharedControlOf(before)];
  return (current.noStore && !known.noStore) || (current.private && !known.private);
}

/** A directive: its name, and its value where it has one. */
const DIRECTIVE = /([!#$%&'*+.^_`|~\w-]+)(?:[ \t]*=[ \t]*(?:"([^"]*)"|([^\s,;"]*)))?/g;

/** Milliseconds of the shared lifetime in a `Cache-Control` value: `s-maxage`, else `max-age`, else 0; 0 if it must not be stored. */
export function lifetimeOf(cacheControl: string): number {
  const { noStore, noCache, sharedMaxAge, maxAge } = parseCacheControl(cacheControl);
  return noStore || noCache ? 0 : (sharedMaxAge ?? maxAge ?? 0);
}
