import {
  assetUrl,
  decodeText,
  defineLanguage,
  type Grammar,
  type Item,
  type Pair,
  queryGrammar,
  readQuery,
} from "@mediatap/core/language";
import { PARAMETERS } from "./parameters.ts";
import { SIGNATURE } from "./signature.ts";
import { ORDER } from "./steps.ts";

/** Services that serve images by imgix or by its parameters: what their URLs contain beside these, without any effect here. */
export const VARIANTS = {
  imgix: [],
  /** https://www.sanity.io/docs/apis-and-sdks/image-urls: `dlRaw` is about downloads of originals. */
  sanity: [],
  prismic: [],
  /** `ixid` counts views, `utm_…` are required by its guidelines. */
  unsplash: ["utm_source", "utm_medium", "utm_campaign"],
  /** https://www.datocms.com/docs/asset-api: defaults of the service, of which there are none here. */
  datocms: ["skip-default-optimizations"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Variant = keyof typeof VARIANTS;

/** Names in the table, with the ones that it lists beside them. */
const NAMES = new Set(Object.entries(PARAMETERS).flatMap(([name, { also = [] }]) => [name, ...also]));

/** Without effect on the image: they are taken out before equal transformations are recognized. */
const SERVICE = ["expires", "ixlib", "ixid", "ixjsv"];

/** `txt64` is `txt` in Base64. */
const BASE64 = /64$/;

const isOwn = (name: string) => NAMES.has(name) || NAMES.has(name.replace(BASE64, ""));

function itemOf({ name, rawValue }: Pair): Item {
  const value = decodeText(rawValue, name);
  if (NAMES.has(name) || !BASE64.test(name)) return { key: name, value };
  return { key: name.replace(BASE64, ""), value: Buffer.from(value, "base64url").toString("utf8") };
}

function createGrammar(variant: Variant): Grammar {
  const byQuery = queryGrammar({ isOwn, dropped: [...SERVICE, ...VARIANTS[variant]] });
  return {
    ...byQuery,
    locate(url, endpoint) {
      if (!/^https?%3a/i.test(url.path)) return byQuery.locate(url, endpoint);
      const located = byQuery.locate({ path: "_", query: url.query }, endpoint);
      return located && { ...located, asset: { kind: "url", path: assetUrl(decodeText(url.path, "path")) } };
    },
    compose(located) {
      const url = byQuery.compose(located);
      const { kind, path } = located.asset;
      return kind === "url" ? { ...url, path: encodeURIComponent(path) } : url;
    },
    tokenize: (text) => (text === "" ? [] : [readQuery(text).map(itemOf)]),
  };
}

export const createImgix = ({ variant }: { readonly variant: Variant }) =>
  defineLanguage({
    name: "url-imgix",
    version: "0.1.0",
    grammar: createGrammar(variant),
    parameters: PARAMETERS,
    order: ORDER,
    signature: SIGNATURE,
    // Without a format, an image keeps that of its source.
    defaults: { format: "source", sanitizeSvg: true },
  });
