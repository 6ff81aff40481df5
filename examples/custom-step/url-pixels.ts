import { createHmac } from "node:crypto";
import type { Plugin } from "@mediatap/core";
import {
  assetPath,
  defineLanguage,
  freeQuery,
  type Grammar,
  integer,
  languagePlugin,
  printPath,
  printQuery,
  readQuery,
  type SignatureScheme,
  type UnsignedUrl,
} from "@mediatap/core/language";

/** `/w300/pixels12/photo.jpg`: a segment of the path is a step, in the order in which they are written. */
const GRAMMAR: Grammar = {
  locate({ path, query }) {
    const segments = path.split("/");
    const first = segments.findIndex((segment) => !/^(?:w|pixels)[^.]*$/.test(segment));
    if (first < 0) return undefined;
    return {
      asset: { kind: "path", path: assetPath(segments.slice(first)) },
      text: segments.slice(0, first).join("/"),
      query: freeQuery(readQuery(query)),
    };
  },
  compose: ({ asset, text, query }) => ({
    path: [...(text === "" ? [] : [text]), printPath(asset.path)].join("/"),
    query: printQuery(query),
  }),
  tokenize: (text) =>
    [...text.matchAll(/(w|pixels)([^/]*)/g)].map(([, key = "", value = ""]) => [{ key, value }]),
  print: (groups) =>
    groups
      .flat()
      .map(({ key, value }) => key + value)
      .join("/"),
  chains: true,
};

const signatureOf = ({ path, query }: UnsignedUrl, key: string) =>
  createHmac("sha256", key)
    .update(query === "" ? `/${path}` : `/${path}?${query}`)
    .digest("hex");

/** `?sign=`, at the end: the hexadecimal HMAC-SHA256 of all that comes before, without the endpoint's prefix. */
const SIGNATURE: SignatureScheme = {
  find({ path, query }) {
    const [, rest = "", signature] = /^(?:(.*)&)?sign=([^&]*)$/.exec(query) ?? [];
    return signature === undefined ? undefined : { url: { path, query: rest }, signature };
  },
  sign: signatureOf,
  put: ({ url: { path, query }, signature }) => ({
    path,
    query: `${query === "" ? "" : `${query}&`}sign=${signature}`,
  }),
};

/** A path and query, with a leading slash, and its signature. */
export function signed(url: string, key: string): string {
  const [path = "", query = ""] = url.slice(1).split("?");
  const whole = SIGNATURE.put({ url: { path, query }, signature: signatureOf({ path, query }, key) });
  return `/${whole.path}?${whole.query}`;
}

const LANGUAGE = defineLanguage<{ w: number; pixels: number }>({
  name: "url-pixels",
  version: "1.0.0",
  grammar: GRAMMAR,
  signature: SIGNATURE,
  parameters: {
    w: {
      means: "width",
      values: "1–9999",
      read: integer(1, 9999),
      step: (width) => ({ op: "resize", width, fit: "inside", enlarge: false }),
      fromStep: (step) => (step.op === "resize" && typeof step.width === "number" ? step.width : undefined),
    },
    pixels: {
      means: "blocks of one colour",
      values: "1–9999",
      read: integer(1, 9999),
      step: (size) => ({ op: "pixelate", size }),
      fromStep: (step) => (step.op === "pixelate" ? step.size : undefined),
    },
  },
});

/** A URL language of two words: `/w300/pixels12/photo.jpg` and `/photo.jpg`. */
export const urlPixels = (): Plugin => languagePlugin(LANGUAGE);
