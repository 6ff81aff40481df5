import type { Endpoint } from "../model/endpoint.ts";
import { invalid, MediaError } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import { assetPath, assetUrl, printPath } from "./address.ts";
import { decodeText, lenient } from "./percent.ts";
import type { Grammar, Group, Item, Located } from "./table.ts";

/** One parameter of a query. */
export interface Pair {
  /** As received. */
  readonly raw: string;
  /** Decoded. */
  readonly name: string;
  /** Part of `raw` behind the first `=`; `""` if there is none. */
  readonly rawValue: string;
}

/** Splits a raw query. `+` is a plus, as in a path, and `;` separates nothing. */
export function readQuery(raw: string): Pair[] {
  const pairs: Pair[] = [];
  for (const part of raw.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = equals < 0 ? part : part.slice(0, equals);
    pairs.push({ raw: part, name: lenient(name), rawValue: equals < 0 ? "" : part.slice(equals + 1) });
  }
  return pairs;
}

/** Parameters as a query, in their order. */
export const printQuery = (query: Job["query"]): string =>
  query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");

/** Pairs of a query that are not part of the language. */
export const freeQuery = (pairs: readonly Pair[]): Job["query"] =>
  pairs.map(({ name, rawValue }) => [name, lenient(rawValue)] as const);

interface PathGrammarOptions {
  /** Segments before the transformation: `_img`. @default "" */
  readonly base?: string;
  /** What separates parameters. The first one is printed. */
  readonly between: RegExp;
  /** What separates a parameter from its value. */
  readonly assign: RegExp;
  /** What is printed for both. */
  readonly print: { readonly between: string; readonly assign: string };
  /** The segment that stands for no transformation: `_`. */
  readonly none: string;
}

/**
 * URLs with one segment of parameters before the asset: `/<base>/w_300,f_webp/a/b.jpg`. The asset is a path, or an absolute URL, as it
 * is or encoded as one segment.
 */
export function pathGrammar({ base = "", between, assign, print, none }: PathGrammarOptions): Grammar {
  const start = base === "" ? [] : base.split("/");
  return {
    locate({ path, query }): Located | undefined {
      const segments = path.split("/");
      if (start.some((segment, at) => segments[at] !== segment)) return undefined;
      const [text, ...rest] = segments.slice(start.length);
      if (text === undefined || text === "" || rest.length === 0) return undefined;
      const pairs = readQuery(query);
      const url = absolute(rest, query);
      return {
        asset: url === undefined ? { kind: "path", path: assetPath(rest) } : { kind: "url", path: url },
        text: text === none ? "" : text,
        query: url === undefined || !/^https?:$/i.test(rest[0] ?? "") ? freeQuery(pairs) : [],
      };
    },
    compose({ asset, text, query }) {
      const name = asset.kind === "url" ? encodeURIComponent(asset.path) : printPath(asset.path);
      return { path: [...start, text === "" ? none : text, name].join("/"), query: printQuery(query) };
    },
    tokenize: (text) => (text === "" ? [] : [itemsOf(text, between, assign)]),
    print: (groups) =>
      groups
        .flat()
        .map(({ key, value }) => (value === "" ? key : `${key}${print.assign}${encodeURIComponent(value)}`))
        .join(print.between),
  };
}

/** `w_300,f_webp` → its parameters, each decoded once after it was split. */
export function itemsOf(text: string, between: RegExp, assign: RegExp): Group {
  return text.split(between).map((part): Item => {
    const at = part.search(assign);
    const [key, value] = at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
    if (key === "") throw invalid("the URL", "a parameter between two separators", text);
    return { key: decodeText(key, "the parameter"), value: decodeText(value, key) };
  });
}

interface QueryGrammarOptions {
  /** Whether a parameter of the query belongs to the language. The others tell versions of a file apart. */
  readonly isOwn: (name: string, endpoint: Endpoint) => boolean;
  /** Names of parameters that are taken out, because they concern the service alone. */
  readonly dropped?: readonly string[];
}

/** URLs with parameters behind the path of the asset: `/a/b.jpg?width=300&format=webp`. */
export const queryGrammar = ({ isOwn, dropped = [] }: QueryGrammarOptions): Grammar => ({
  locate({ path, query }, endpoint) {
    if (path === "") return undefined;
    const pairs = readQuery(query).filter(({ name }) => !dropped.includes(name));
    const own = pairs.filter(({ name }) => isOwn(name, endpoint));
    return {
      asset: { kind: "path", path: assetPath(path.split("/")) },
      text: own.map(({ raw }) => raw).join("&"),
      query: freeQuery(pairs.filter((pair) => !own.includes(pair))),
    };
  },
  compose: ({ asset, text, query }) => ({
    path: printPath(asset.path),
    query: [text, printQuery(query)].filter((part) => part !== "").join("&"),
  }),
  tokenize: (text) =>
    text === ""
      ? []
      : [readQuery(text).map(({ name, rawValue }) => ({ key: name, value: decodeText(rawValue, name) }))],
  print: (groups) => printQuery(groups.flat().map(({ key, value }) => [key, value] as const)),
});

/** An absolute URL in the segments of a path: as it is, with the query of the request, or encoded as one segment. */
function absolute(segments: readonly string[], query: string): string | undefined {
  const [first = "", ...rest] = segments;
  if (/^https?:$/i.test(first)) {
    const host = rest[0] === "" ? rest.slice(1) : rest;
    return assetUrl(`${first}//${host.join("/")}${query === "" ? "" : `?${query}`}`);
  }
  if (!/^https?%3a/i.test(first)) return undefined;
  if (rest.length > 0) throw new MediaError("EINVAL", "Expected a URL that is encoded wholly or not at all");
  return assetUrl(decodeText(first, "path"));
}
