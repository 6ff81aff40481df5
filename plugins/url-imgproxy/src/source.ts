import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { invalid } from "@mediatap/core";
import {
  assetUrl,
  checkName,
  decodeText,
  joinNames,
  type Located,
  printPath,
  UTF8,
  unsupported,
} from "@mediatap/core/language";
import { merged } from "./parts.ts";

type Asset = Located["asset"];

export interface SourceOptions {
  readonly baseUrl: string;
  readonly paths: readonly string[];
  /** Bytes of the AES key. */
  readonly sourceKey?: Buffer;
}

/** What the last segments of a URL name. */
export interface Source {
  /** `undefined`: it is encrypted, and cannot be decrypted. */
  readonly asset: Asset | undefined;
  /** Whether it contains a scheme. */
  readonly hasScheme: boolean;
  /** As the URL contains it; `""`: none. */
  readonly extension: string;
}

const SCHEME = /^[a-z][a-z0-9+.-]*:(?=\/)/i;

const IV_BYTES = 16;

const algorithmOf = (key: Buffer) => `aes-${key.length * 8}-cbc` as const;

/** The path of a URL, decoded and checked. */
function pathFrom(text: string): string {
  const [path = ""] = text.split(/[?#]/);
  try {
    return joinNames(path.split("/").map((name) => checkName(decodeURIComponent(name))));
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw invalid("the source", "a percent-encoded URL", text);
  }
}

/** Reads and writes the sources of URLs. https://docs.imgproxy.net/usage/processing#source-url */
export function createSources({ baseUrl, paths, sourceKey }: SourceOptions) {
  /** A source as a path of the endpoint, or as a URL. Throws `EINVAL`, `ENOENT` or `EUNSUPPORTED`. */
  function assetFrom(source: string): Asset {
    const url = SCHEME.test(source) ? source : baseUrl + source;
    const prefix = paths.find((start) => url.startsWith(start));
    if (prefix !== undefined) return { kind: "path", path: pathFrom(url.slice(prefix.length)) };
    const [scheme = ""] = SCHEME.exec(url) ?? [];
    if (!/^https?:/i.test(scheme)) throw unsupported("sources of this kind", "source", scheme);
    return { kind: "url", path: assetUrl(url) };
  }

  function decrypt(bytes: Buffer, key: Buffer): Asset | undefined {
    try {
      const decipher = createDecipheriv(algorithmOf(key), key, bytes.subarray(0, IV_BYTES));
      return assetFrom(
        UTF8.decode(Buffer.concat([decipher.update(bytes.subarray(IV_BYTES)), decipher.final()])),
      );
    } catch {
      // Whatever is wrong: to know it would help to find out what others have encrypted.
      return undefined;
    }
  }

  function plain(segments: readonly string[]): Source {
    const [text = "", extension = "", ...more] = segments.join("/").split("@");
    if (more.length > 0) throw invalid("the source", "one format after @, and %40 for @", segments.join("/"));
    const source = decodeText(text, "the source");
    return { asset: assetFrom(source), hasScheme: SCHEME.test(source), extension };
  }

  function encoded(segments: readonly string[]): { readonly bytes: Buffer; readonly extension: string } {
    const [text = "", extension = "", ...more] = segments.join("").split(".");
    if (more.length > 0 || !/^[\w-]+={0,2}$/.test(text)) {
      throw invalid("the source", "URL-safe Base64 and a format", segments.join("/"));
    }
    return { bytes: Buffer.from(text, "base64url"), extension };
  }

  function inBase64(segments: readonly string[]): Source {
    const { bytes, extension } = encoded(segments);
    let text: string;
    try {
      text = UTF8.decode(bytes);
    } catch {
      throw invalid("the source", "URL-safe Base64 of a URL", segments.join("/"));
    }
    return { asset: assetFrom(text), hasScheme: SCHEME.test(text), extension };
  }

  /** The inverse of `assetFrom`. */
  const textOf = ({ kind, path }: Asset): string => (kind === "url" ? path : paths[0] + printPath(path));

  return {
    assetFrom,
    textOf,
    /** Whether `read` would decrypt it. */
    isEncrypted: ([kind, ...rest]: readonly string[]): boolean =>
      sourceKey !== undefined && kind === "enc" && rest.length > 0,
    read(segments: readonly string[]): Source {
      const [kind, ...rest] = segments;
      if (kind === "plain" && rest.length > 0) return plain(merged(segments.join("/")).split("/").slice(1));
      if (kind !== "enc" || rest.length === 0) return inBase64(segments);
      if (!sourceKey) throw unsupported("encrypted sources without the option sourceKey", "source", kind);
      const { bytes, extension } = encoded(rest);
      return { asset: decrypt(bytes, sourceKey), hasScheme: true, extension };
    },
    /** The source as segments of a path: encrypted if there is a key and the URL is signed, so that no address becomes known. */
    print(asset: Asset, isSigned: boolean): string {
      const source = textOf(asset);
      if (!sourceKey || !isSigned) {
        const text = encodeURI(source);
        return `plain/${text.replaceAll(/[?@#]/g, (character) => encodeURIComponent(character))}`;
      }
      // The same for equal sources, so that equal requests have equal URLs.
      const iv = createHmac("sha256", sourceKey).update(source).digest().subarray(0, IV_BYTES);
      const cipher = createCipheriv(algorithmOf(sourceKey), sourceKey, iv);
      return `enc/${Buffer.concat([iv, cipher.update(source, "utf8"), cipher.final()]).toString("base64url")}`;
    },
  };
}

export type Sources = ReturnType<typeof createSources>;
