import { createHmac } from "node:crypto";
import type { SignatureScheme } from "@mediatap/core/language";

export interface SignatureOptions {
  readonly algorithm: "sha1" | "sha256" | "sha512";
  readonly truncate?: number;
}

/** What URLs without a signature have in its place. */
export const UNSAFE = "unsafe/";

/** A key as UTF-8, and as Latin-1, which libthumbor has for letters such as é. */
const keysOf = (key: string) =>
  /^[^\u0100-\uffff]*[\u0080-\u00ff][^\u0100-\uffff]*$/.test(key) ? [key, Buffer.from(key, "latin1")] : [key];

/**
 * An HMAC of everything that follows it, as received, before the operations. A URL without its signature is the `unsafe` one.
 * https://thumbor.readthedocs.io/en/latest/security.html
 */
export function createSignature({ algorithm, truncate }: SignatureOptions): SignatureScheme {
  const digest = (text: string, key: string | Buffer) =>
    createHmac(algorithm, key)
      // As received: one character a byte.
      .update(text, "latin1")
      .digest("base64")
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .slice(0, truncate);
  const { length } = digest("", "");
  return {
    find({ path, query }) {
      const [first = "", ...rest] = path.split("/");
      const signature = first.replaceAll(/%3d/gi, "=");
      if (signature.length !== length || !/^[\w-]+={0,2}$/.test(signature) || rest.length === 0)
        return undefined;
      return { url: { path: UNSAFE + rest.join("/"), query }, signature };
    },
    sign({ path, query }, key) {
      if (!path.startsWith(UNSAFE)) return [];
      const text = path.slice(UNSAFE.length) + (query === "" ? "" : `?${query}`);
      return keysOf(key).map((bytes) => digest(text, bytes));
    },
    put: ({ url: { path, query }, signature }) => ({
      path: `${signature}/${path.slice(UNSAFE.length)}`,
      query,
    }),
  };
}
