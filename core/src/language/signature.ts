import { timingSafeEqual } from "node:crypto";
import type { Claims } from "../model/exchange.ts";
import type { UnsignedUrl } from "./table.ts";

/** A URL, apart from its signature. */
export interface SignedUrl {
  readonly url: UnsignedUrl;
  /** As the URL contains it. */
  readonly signature: string;
}

/** How URLs of a language are signed. All URLs are raw: path without prefix and leading slash, query without `?`. */
export interface SignatureScheme {
  /** Takes the signature out of a URL. `undefined`: it has none. */
  find(url: UnsignedUrl): SignedUrl | undefined;
  /**
   * The signature of a URL by a key. Several: each of them is valid, and the first is the one that signs. Throws nothing: a key that
   * cannot be used makes no signature (`[]`).
   */
  sign(url: UnsignedUrl, key: string): string | readonly string[];
  /** The inverse of `find`. */
  put(signed: SignedUrl): UnsignedUrl;
  /** Seconds since 1970 at which a URL without its signature expires. Left out: URLs never expire. */
  readonly expiryOf?: (url: UnsignedUrl) => number | undefined;
  /** The URL with another expiry; `undefined`: none. */
  readonly withExpiry?: (url: UnsignedUrl, expires: number | undefined) => UnsignedUrl;
}

/** Seconds for which an expired signature still counts, because clocks differ. */
const MAX_CLOCK_SKEW_SECONDS = 30;

const signatures = (scheme: SignatureScheme, url: UnsignedUrl, key: string): readonly string[] =>
  [scheme.sign(url, key)].flat();

/** Whether one of `keys` made a signature. */
export function isGenuine({ url, signature }: SignedUrl, scheme: SignatureScheme, keys: readonly string[]) {
  const given = Buffer.from(signature);
  let genuine = false;
  for (const key of keys) {
    for (const text of signatures(scheme, url, key)) {
      const expected = Buffer.from(text);
      if (expected.length === given.length && timingSafeEqual(expected, given)) genuine = true;
    }
  }
  return genuine;
}

/** What a URL with a signature claims at this moment. */
export function claimOf(
  genuine: boolean,
  url: UnsignedUrl,
  { expiryOf }: SignatureScheme,
  now = Date.now(),
): NonNullable<Claims["signature"]> {
  if (!genuine) return "wrong";
  const expires = expiryOf?.(url);
  return expires !== undefined && expires + MAX_CLOCK_SKEW_SECONDS < now / 1000 ? "expired" : "valid";
}

/** A URL with a signature by `key`; `undefined`: the key cannot sign. */
export function signed(url: UnsignedUrl, scheme: SignatureScheme, key: string): UnsignedUrl | undefined {
  const [signature] = signatures(scheme, url, key);
  return signature === undefined ? undefined : scheme.put({ url, signature });
}
