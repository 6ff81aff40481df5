import { createHmac } from "node:crypto";
import { decimal, type SignatureScheme } from "@mediatap/core/language";
import { merged, type Parts, split, UNSAFE } from "./parts.ts";

/** Key and salt, both in hexadecimal digits, as imgproxy has them. */
const PAIR = /^((?:[0-9a-f]{2})+):((?:[0-9a-f]{2})*)$/i;

/** Another private key, such as one that URLs of another language are signed with, is used as it is, without a salt. */
function pairOf(privateKey: string): readonly [key: string | Buffer, salt: Buffer] {
  const [, key, salt = ""] = PAIR.exec(privateKey) ?? [];
  return key === undefined
    ? [privateKey, Buffer.alloc(0)]
    : [Buffer.from(key, "hex"), Buffer.from(salt, "hex")];
}

const EXPIRES = /^(?:exp|expires):/;

const join = ({ info, options, source }: Parts) =>
  [...(info ? ["info"] : []), UNSAFE, ...options, ...source].join("/");

/**
 * The first segment: an HMAC-SHA256 of the salt and of everything that follows, without the query, cut to `size` bytes. A URL without its
 * signature has `unsafe` there. https://docs.imgproxy.net/usage/signing_url
 */
export function createSignature({
  size,
  onlyPresets,
}: {
  readonly size: number;
  readonly onlyPresets: boolean;
}): SignatureScheme {
  const length = Math.ceil((size * 8) / 6);
  const parts = (path: string) => split(path, onlyPresets);
  return {
    find({ path, query }) {
      const parsed = parts(path);
      if (parsed?.signature.length !== length || !/^[\w-]+$/.test(parsed.signature)) return undefined;
      return { url: { path: join(parsed), query }, signature: parsed.signature };
    },
    sign({ path }, privateKey) {
      const parsed = parts(path);
      if (!parsed) return [];
      const [key, salt] = pairOf(privateKey);
      const text = `/${[...parsed.options, ...parsed.source].join("/")}`;
      const digest = (signed: string) =>
        // As received: one character a byte.
        createHmac("sha256", key)
          .update(salt)
          .update(signed, "latin1")
          .digest()
          .subarray(0, size)
          .toString("base64url");
      const mergedPath = merged(text);
      return mergedPath === text ? digest(text) : [digest(text), digest(mergedPath)];
    },
    put: ({ url: { path, query }, signature }) => ({
      path: path.replace(UNSAFE, signature),
      query,
    }),
    // What is no time is over; 0 is never.
    expiryOf({ path }) {
      const text = parts(path)?.options.findLast((option) => EXPIRES.test(option));
      if (text === undefined) return undefined;
      const time = decimal(text.replace(EXPIRES, ""));
      return time === 0 ? undefined : (time ?? 0);
    },
    withExpiry(url, expires) {
      const parsed = parts(url.path);
      if (!parsed || onlyPresets) return url;
      const options = parsed.options.filter((option) => !EXPIRES.test(option));
      const plain = { ...parsed, options: expires === undefined ? options : [`exp:${expires}`, ...options] };
      return { path: join(plain), query: url.query };
    },
  };
}
