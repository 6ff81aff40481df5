import { createHash } from "node:crypto";
import type { SignatureScheme } from "@mediatap/core/language";
import { headOf, remoteQuery, split } from "./grammar.ts";

/** A signature of any length, so that a wrong one is never taken for a part of the transformation. */
const SIGNATURE = /^s--([\w-]*)--$/;

/** First characters of the digest, URL-safe. */
const digest = (algorithm: string, length: number, text: string, secret: string) =>
  createHash(algorithm)
    .update(text + secret)
    .digest("base64url")
    .slice(0, length);

/**
 * `s--…--` after the delivery type: the API secret hashed after transformation and public ID, without version and name for search
 * engines. The query of a remote URL is part of its public ID. The long form signs; Cloudinary's short ones, of SHA-1 and SHA-256,
 * are valid too.
 */
export const createSignature = (cloudName: string | undefined): SignatureScheme => ({
  find({ path, query }) {
    const segments = path.split("/");
    const at = headOf(segments, cloudName)?.at;
    if (at === undefined) return undefined;
    const [, signature] = SIGNATURE.exec(segments[at] ?? "") ?? [];
    return signature === undefined
      ? undefined
      : { url: { path: segments.toSpliced(at, 1).join("/"), query }, signature };
  },
  sign({ path, query }, key) {
    const segments = path.split("/");
    const head = headOf(segments, cloudName);
    if (!head) return [];
    const { components, rest } = split(segments.slice(head.at));
    const text = [...components, ...signedName(rest, head.seo)].join("/") + remoteQuery(head, query);
    // Clients hash spaces and send them encoded.
    const texts = text.includes("%20") ? [text, text.replaceAll("%20", " ")] : [text];
    return texts.flatMap((text) => [
      digest("sha256", 32, text, key),
      digest("sha1", 8, text, key),
      digest("sha256", 8, text, key),
    ]);
  },
  put({ url: { path, query }, signature }) {
    const segments = path.split("/");
    const at = headOf(segments, cloudName)?.at ?? 0;
    return { path: segments.toSpliced(at, 0, `s--${signature}--`).join("/"), query };
  },
});

/** `folder/name/suffix.jpg` → `folder/name.jpg`. */
function signedName(rest: readonly string[], seo: boolean): readonly string[] {
  if (!seo) return rest;
  const [suffix = ""] = rest.slice(-1);
  const dot = suffix.lastIndexOf(".");
  const extension = dot < 0 ? "" : suffix.slice(dot);
  return rest.slice(0, -1).map((name, index, { length }) => (index === length - 1 ? name + extension : name));
}
