import { createHmac, timingSafeEqual } from "node:crypto";
import type { Target } from "@mediatap/core";
import { lenient, readQuery } from "@mediatap/core/language";
import { partOfName } from "@mediatap/core/stream";
import { TRACK } from "./path.ts";

/** Stands in the message of a URL that never expires. */
export const NEVER_EXPIRES_SECONDS = 9_999_999_999;

/**
 * Signature of a URL: lower-case hexadecimal HMAC-SHA1 over path and expiry.
 *
 * `path` is all that follows the endpoint, with query, encoded as it is sent, without `ik-t` and `ik-s`.
 * `expiry` in seconds since 1970; left out: never.
 */
export function sign(path: string, key: string, expiry: number = NEVER_EXPIRES_SECONDS): string {
  return createHmac("sha1", key).update(`${path}${expiry}`).digest("hex");
}

/** What the query says about a signature. */
export interface Signature {
  /** `ik-s`; `undefined` if there is more than one, or one in disguise: such a URL has no valid signature. */
  readonly value: string | undefined;
  /** `ik-t` in seconds; `undefined` if it is no such number. */
  readonly expiry: number | undefined;
  /** The query without both, everything else in order and untouched. */
  readonly rest: string;
}

/** The signature of a raw query, or `undefined` if it has none. */
export function readSignature(query: string): Signature | undefined {
  if (!query.includes("ik-") && !query.includes("%")) return undefined;
  const pairs = readQuery(query);
  const values = pairs.filter(({ name }) => name === "ik-s");
  if (values.length === 0) return undefined;
  const times = pairs.filter(({ name }) => name === "ik-t");
  const plain = [...values, ...times].every(({ raw }) => raw.startsWith("ik-"));
  const [time] = times;
  return {
    value: plain && values.length === 1 && times.length <= 1 ? values[0]?.rawValue : undefined,
    expiry: time ? seconds(time.rawValue) : NEVER_EXPIRES_SECONDS,
    rest: query
      .split("&")
      .filter((part) => !/^ik-[st](?:=|$)/.test(part))
      .join("&"),
  };
}

function seconds(text: string): number | undefined {
  return /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : undefined;
}

/**
 * Whether one of `keys` made the signature of a raw URL. Beside the URL as received, further messages are accepted:
 * the query decoded, as some SDKs sign it; chains before a client's URL parser has escaped them, as other SDKs sign
 * them; and the path with the endpoint's prefix, as a client signs that takes the account for the endpoint. A part of a
 * stream may also be signed together with all others, with `*` in place of its name.
 */
export function isGenuine({ path, mount }: Target, signature: Signature, keys: readonly string[]): boolean {
  const { value, expiry, rest } = signature;
  if (value === undefined || expiry === undefined || !/^[0-9a-f]{40}$/.test(value)) return false;
  const given = Buffer.from(value);
  const queries = new Set([rest, decodedQuery(rest) ?? rest, unescapedQuery(rest)]);
  const prefixes = mount === "" ? [""] : ["", mount];
  const known = new Set([...pathsOf(path), ...pathsOf(unescapedPath(path))]);
  const paths = prefixes.flatMap((prefix) => [...known].map((path) => prefix + path));
  let genuine = false;
  for (const key of keys) {
    for (const signed of paths) {
      for (const query of queries) {
        const message = signed + (query === "" ? "" : `?${query}`);
        if (timingSafeEqual(given, Buffer.from(sign(message, key, expiry)))) genuine = true;
      }
    }
  }
  return genuine;
}

/** A path as it may have been signed. */
function pathsOf(path: string): string[] {
  const at = path.lastIndexOf("/") + 1;
  const isPart =
    at > 0 && path.startsWith(TRACK, at) && partOfName(path.slice(at + TRACK.length)) !== undefined;
  return isPart ? [path, `${path.slice(0, at)}${TRACK}*`] : [path];
}

/**
 * The query with its values decoded, or `undefined` where decoding could change what it means: a signature for one
 * URL must not open another whose encoded separators (`v=1%26tr=…`) merely decode to it.
 */
function decodedQuery(query: string): string | undefined {
  const parts: string[] = [];
  for (const { raw, rawValue } of readQuery(query)) {
    const value = lenient(rawValue);
    if (/[&#%]/.test(value)) return undefined;
    parts.push(raw.slice(0, raw.length - rawValue.length) + value);
  }
  return parts.join("&");
}

/** What URL parsers escape by themselves in a path or query; none of it separates anything in the language. */
const ESCAPED = /%(?:20|22|27|3c|3e|5e|60|7b|7c|7d)|(?:%[89a-f][0-9a-f])+/gi;

/**
 * A chain as it was before a URL parser read it: SDKs put it into a URL that is complete, and sign that, with
 * `ff-Open Sans` as it is.
 */
const unescaped = (chain: string) => chain.replace(ESCAPED, lenient);

const unescapedPath = (path: string) =>
  path
    .split("/")
    .map((segment) => (segment.startsWith("tr:") ? unescaped(segment) : segment))
    .join("/");

const unescapedQuery = (query: string) =>
  query
    .split("&")
    .map((part) => (part.startsWith("tr=") ? unescaped(part) : part))
    .join("&");

/** Whether a signature's time is over. Clocks may differ by `skew` seconds. */
export function isExpired({ expiry }: Signature, skew: number, now = Date.now()): boolean {
  return expiry !== undefined && expiry !== NEVER_EXPIRES_SECONDS && expiry + skew < now / 1000;
}
