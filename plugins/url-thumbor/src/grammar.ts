import { invalid } from "@mediatap/core";
import {
  absoluteUrl,
  assetOf,
  assetUrl,
  decodeText,
  freeQuery,
  type Grammar,
  type Group,
  type Item,
  type Located,
  printPath,
  printQuery,
  readQuery,
  unprintable,
  unsupported,
} from "@mediatap/core/language";
import { UNSAFE } from "./signature.ts";

/** The segments before the filters, each of which can be left out, in the order in which a URL contains them. */
const SEGMENTS: readonly (readonly [key: string, pattern: RegExp])[] = [
  ["debug", /^debug$/],
  ["meta", /^meta$/],
  ["trim", /^trim(?::(.*))?$/],
  ["AxB:CxD", /^([\d.]+x[\d.]+:[\d.]+x[\d.]+)$/],
  ["fit-in", /^(adaptive-)?(full-)?fit-in$/],
  ["stretch", /^stretch$/],
  ["WxH", /^(-?(?:\d+|orig)?x-?(?:\d+|orig)?)$/],
  ["GxH:IxJ", /^(\d+x\d+:\d+x\d+)$/],
  ["halign", /^(left|center|right)$/],
  ["valign", /^(top|middle|bottom)$/],
  ["smart", /^smart$/],
];

/** Filters that belong to the size, wherever they are: the rest is done one after the other, in the order of the URL. */
const SIZE_FILTERS = ["fill", "focal", "no_upscale", "upscale", "stretch", "cover", "page"];
const WRITTEN = ["format", "quality", "strip_exif", "strip_icc", "srgb"];

const colons = (segment: string) => segment.replaceAll(/%3a/gi, ":");

/** A path after `unsafe/`, raw. */
interface Parts {
  readonly segments: readonly Item[];
  /** Between `filters:` and the slash after the last parenthesis. */
  readonly filters: string;
  /** Both as the URL contains them. */
  readonly text: string;
  readonly image: string;
}

function itemsOf(key: string, [segment = "", value = ""]: RegExpExecArray): Item[] {
  if (key === "fit-in") return [{ key, value: segment }];
  if (key !== "WxH") return [{ key, value }];
  const [width = "", height = ""] = value.split("x");
  return [
    { key, value: value.replaceAll("-", "") },
    ...(width.startsWith("-") ? [{ key: "-W", value: "" }] : []),
    ...(height.startsWith("-") ? [{ key: "-H", value: "" }] : []),
  ];
}

function split(path: string): Parts {
  const segments: Item[] = [];
  let [rest, from] = [path, 0];
  for (let slash = rest.indexOf("/"); slash >= 0; slash = rest.indexOf("/")) {
    const segment = colons(rest.slice(0, slash));
    const at = SEGMENTS.findIndex(([, pattern], index) => index >= from && pattern.test(segment));
    const rule = SEGMENTS[at];
    if (!rule) break;
    segments.push(...itemsOf(rule[0], rule[1].exec(segment) as RegExpExecArray));
    rest = rest.slice(slash + 1);
    from = at + 1;
  }
  const [start = ""] = /^filters(?::|%3a)/i.exec(rest) ?? [];
  const end = start === "" ? 0 : endOfFilters(rest);
  const image = end === 0 ? rest : rest.slice(end + 1);
  return {
    segments,
    filters: rest.slice(start.length, end),
    text: path.slice(0, path.length - image.length).replace(/\/$/, ""),
    image,
  };
}

/** Where the first slash outside of parentheses is. */
function endOfFilters(text: string): number {
  let depth = 0;
  for (const { 0: character, index } of text.matchAll(/[(/)]|%2[89]/g)) {
    if (character === "/" && depth === 0) return index;
    if (character === "(" || character === "%28") depth++;
    else if (character !== "/") depth--;
  }
  return text.length;
}

/** `blur(3):format(webp)` → its filters. */
function filtersOf(raw: string): Item[] {
  const text = decodeText(raw, "filters");
  const items: Item[] = [];
  let [depth, start] = [0, 0];
  for (let at = 0; at <= text.length; at++) {
    const character = text[at];
    if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (at === text.length || (character === ":" && depth === 0)) {
      const part = text.slice(start, at).trim();
      start = at + 1;
      if (part !== "") items.push(filterOf(part));
    }
  }
  return items;
}

function filterOf(text: string): Item {
  const [, key, value = ""] = /^([A-Za-z_]+)\((.*)\)$/s.exec(text) ?? [];
  if (key === undefined) throw invalid("filters", "filter such as blur(3)", text);
  if (key !== "stretch" && SEGMENTS.some(([name]) => name === key))
    throw unsupported("this filter", key, value);
  return {
    key,
    value: value
      .split(",")
      .map((argument) => argument.trim())
      .join(","),
  };
}

/** The groups of a URL: what concerns the size and how the image is written, then each filter. */
function groupsOf({ segments, filters }: Parts): readonly Group[] {
  const first: Item[] = [...segments];
  const others: Group[] = [];
  for (const filter of filtersOf(filters)) {
    const { key, value } = filter;
    if (key === "fill" && others.length > 0) throw unsupported("fill after another filter", key, value);
    if (key === "focal" && first.some((item) => item.key === key)) {
      throw unsupported("several focal points", key, value);
    }
    if (SIZE_FILTERS.includes(key) || WRITTEN.includes(key)) first.push(filter);
    else others.push([filter]);
  }
  return first.length === 0 ? others : [first, ...others];
}

/** An image as a path, a URL, an encoded one, or either in Base64. */
function imageOf(raw: string, query: string): Pick<Located, "asset" | "query"> {
  if (/^https?:\//i.test(raw)) {
    return { asset: { kind: "url", path: assetUrl(query === "" ? raw : `${raw}?${query}`) }, query: [] };
  }
  const text = raw.startsWith("b64:")
    ? Buffer.from(raw.slice(4), "base64url").toString()
    : decodeText(raw, "path");
  return { asset: assetOf(text), query: freeQuery(readQuery(query)) };
}

/** The path of an image, encoded so that none of its segments is read as an operation. */
function printImage({ kind, path }: Located["asset"]): string {
  const text = printPath(path);
  return kind === "url" || split(text).image !== text || absoluteUrl(text) ? encodeURIComponent(path) : text;
}

const isSegment = (key: string) => key.startsWith("-") || SEGMENTS.some(([name]) => name === key);

function printSegments(items: readonly Item[]): string[] {
  const textOf = (name: string) => items.find(({ key }) => key === name)?.value;
  return SEGMENTS.flatMap(([key]): string[] => {
    const value = textOf(key);
    if (key === "WxH") {
      const [across, down] = [textOf("-W"), textOf("-H")];
      if (value === undefined && across === undefined && down === undefined) return [];
      const [width = "0", height = "0"] = value?.split("x") ?? [];
      return [`${across === undefined ? "" : "-"}${width}x${down === undefined ? "" : "-"}${height}`];
    }
    if (value === undefined) return [];
    if (key === "trim") return [`trim:${value}`];
    return [value === "" ? key : value];
  });
}

export const grammar: Grammar = {
  locate({ path, query }) {
    if (!path.startsWith(UNSAFE)) return undefined;
    const { text, image } = split(path.slice(UNSAFE.length));
    if (image === "") throw invalid("the URL", "an image after its operations", path);
    return { ...imageOf(image, query), text };
  },
  compose: ({ asset, text, query }) => ({
    path: `${UNSAFE}${text === "" ? "" : `${text}/`}${printImage(asset)}`,
    query: printQuery(query),
  }),
  tokenize: (text) => (text === "" ? [] : groupsOf(split(`${text}/image`))),
  print(groups) {
    const [first = [], ...others] = groups;
    const misplaced = others.flat().find(({ key }) => isSegment(key) || SIZE_FILTERS.includes(key));
    if (misplaced) throw unprintable(`${misplaced.key} after a filter`);
    const filters = groups
      .flat()
      .filter(({ key }) => !isSegment(key))
      .map(({ key, value }) => `${key}(${encodeURIComponent(value).replaceAll("%2C", ",")})`);
    const segments = printSegments(first);
    return [...segments, ...(filters.length > 0 ? [`filters:${filters.join(":")}`] : [])].join("/");
  },
  chains: true,
};
