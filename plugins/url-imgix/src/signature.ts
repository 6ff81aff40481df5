import { createHash } from "node:crypto";
import { decimal, type SignatureScheme } from "@mediatap/core/language";

const SIGNED = /(?:^|&)s=([^&]*)/;
const EXPIRES = /(?:^|&)expires=([^&]*)/;

const without = (query: string, parameter: RegExp) => query.replace(parameter, "").replace(/^&/, "");

const withPair = (query: string, pair: string) => (query === "" ? pair : `${query}&${pair}`);

/**
 * `s`: MD5 of the token, the path and the query without it. https://github.com/imgix/imgix-blueprint#securing-urls
 */
export const SIGNATURE: SignatureScheme = {
  find({ path, query }) {
    const signature = SIGNED.exec(query)?.[1];
    return signature === undefined ? undefined : { url: { path, query: without(query, SIGNED) }, signature };
  },
  sign: ({ path, query }, token) =>
    createHash("md5")
      .update(token)
      // As received: one character a byte.
      .update(`/${path}${query === "" ? "" : `?${query}`}`, "latin1")
      .digest("hex"),
  put: ({ url: { path, query }, signature }) => ({ path, query: withPair(query, `s=${signature}`) }),
  // What is no time is over.
  expiryOf({ query }) {
    const text = EXPIRES.exec(query)?.[1];
    return text === undefined ? undefined : (decimal(text) ?? 0);
  },
  withExpiry({ path, query }, expires) {
    const plain = without(query, EXPIRES);
    return { path, query: expires === undefined ? plain : withPair(plain, `expires=${expires}`) };
  },
};
