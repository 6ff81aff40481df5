import { type Exchange, invalid } from "@mediatap/core";
import {
  assetOf,
  decodeText,
  defineLanguage,
  freeQuery,
  type Group,
  type Located,
  printQuery,
  readQuery,
} from "@mediatap/core/language";
import { type IiifValues, PARAMETERS, VERSIONS, type Version } from "./parameters.ts";
import { ORDER } from "./steps.ts";

export const NAME = "url-iiif";

/** A path below the endpoint: version, identifier as it was sent, and what follows it. */
export interface Address {
  readonly version: Version;
  /** `3/` if the URL has it. */
  readonly prefix: string;
  readonly identifier: string;
  readonly rest: readonly string[];
}

/** Takes a path apart whose identifier is followed by `length` segments. `undefined`: it has another length. */
export function addressOf(path: string, length: number, usual: Version): Address | undefined {
  const segments = path.split("/");
  const named = segments.length === length + 2 ? VERSIONS.get(segments[0] ?? "") : undefined;
  const [identifier = "", ...rest] = named ? segments.slice(1) : segments;
  if (identifier === "" || rest.length !== length) return undefined;
  return { version: named ?? usual, prefix: named ? `${named}/` : "", identifier, rest };
}

/** The asset of an identifier: a path, also one with slashes, or a URL. Throws `EINVAL` or `ENOENT`. */
export const assetOfIdentifier = (identifier: string): Located["asset"] =>
  assetOf(decodeText(identifier, "the identifier"));

/** An identifier for URLs: encoded as far as the API requires it (https://iiif.io/api/image/3.0/#9-uri-encoding-and-decoding). */
export const printIdentifier = ({ path }: Located["asset"]): string =>
  encodeURIComponent(path).replace(/%(?:24|26|2B|2C|3A|3B|3D)/g, decodeURIComponent);

/** Address of an endpoint as clients see it: its field `iiifUrl`, else by the request. */
export function baseOf({ endpoint, request, target }: Exchange): string {
  const scheme = request.isSecure ? "https" : "http";
  const base = endpoint.fields.iiifUrl ?? `${scheme}://${request.header("host")}/${target.mount}`;
  return base.replace(/\/$/, "");
}

/** Query parameters are no part of the API: they tell versions of a file apart. */
export const queryOf = (query: string) => freeQuery(readQuery(query));

/** `3/full/max/!90/default.jpg` → its parameters. */
export function tokenize(text: string): readonly Group[] {
  const [version = "", region = "", size = "", turn = "", file = ""] = text
    .split("/")
    .map((segment) => decodeText(segment, "the URL"));
  const isMirrored = turn.startsWith("!");
  const dot = file.lastIndexOf(".");
  if (dot < 0) throw invalid("the URL", "a quality and a format such as default.jpg", file);
  return [
    [
      { key: "version", value: version },
      { key: "region", value: region },
      { key: "size", value: size },
      ...(isMirrored ? [{ key: "!", value: "" }] : []),
      { key: "rotation", value: isMirrored ? turn.slice(1) : turn },
      { key: "quality", value: file.slice(0, dot) },
      { key: "format", value: file.slice(dot + 1) },
    ],
  ];
}

/** Version and segments. What is left out has its usual value; a format is always part of a URL. */
function print(groups: readonly Group[]): string {
  const values = new Map(groups.flat().map(({ key, value }) => [key, value]));
  const usual = {
    version: "3",
    region: "full",
    size: "max",
    rotation: "0",
    quality: "default",
    format: "jpg",
  };
  const textOf = (key: keyof typeof usual) => values.get(key) ?? usual[key];
  const turn = `${values.has("!") ? "!" : ""}${textOf("rotation")}`;
  const file = `${textOf("quality")}.${textOf("format")}`;
  return [textOf("version"), textOf("region"), textOf("size"), turn, file].join("/");
}

/** The language of image requests; `version` is that of URLs that name none. */
export const createIiif = (version: Version) =>
  defineLanguage<IiifValues>({
    name: NAME,
    version: "0.1.0",
    grammar: {
      locate({ path, query }) {
        const address = addressOf(path, 4, version);
        if (!address) return undefined;
        return {
          asset: assetOfIdentifier(address.identifier),
          text: [address.version, ...address.rest].join("/"),
          query: queryOf(query),
        };
      },
      compose({ asset, text, query }) {
        const [named, ...rest] = text.split("/");
        const prefix = named === String(version) ? [] : [named];
        return { path: [...prefix, printIdentifier(asset), ...rest].join("/"), query: printQuery(query) };
      },
      tokenize,
      print,
    },
    parameters: PARAMETERS,
    order: ORDER,
  });
