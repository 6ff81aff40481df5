import { invalid, MediaError, typeOfName } from "@mediatap/core";
import { mimeOf } from "./assets.ts";
import { type Asset, pathOf } from "./library.ts";

/** A parsed search. */
export interface Search {
  matches(asset: Asset): boolean;
  /** Nothing outside of this folder matches. */
  readonly within?: { readonly folder: string; readonly isDeep: boolean };
}

/** Bytes of a query, and parentheses within one another. */
const MAX_QUERY_LENGTH = 2_000;
const MAX_DEPTH = 20;

type Test = (asset: Asset) => boolean;
type Value = string | number | boolean;

interface Part {
  readonly test: Test;
  readonly within?: Search["within"];
}

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|([<>]=?|!=|[=:()[\],])|([\w.+-]+))/y;

const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9 };
const HOUR_MS = 3_600_000;
const SPANS: Readonly<Record<string, number>> = {
  h: HOUR_MS,
  d: 24 * HOUR_MS,
  w: 168 * HOUR_MS,
  m: 720 * HOUR_MS,
};

const FIELDS = [
  "name",
  "path",
  "type",
  "format",
  "mime",
  "size",
  "createdAt",
  "updatedAt",
  "private",
  "published",
];

/**
 * Parses a query in the service's language, for the fields that a listing contains: comparisons of the fields above by `=`, `:`,
 * `!=`, `NOT =`, `<`, `<=`, `>`, `>=`, `IN`, `NOT IN` and `HAS`, joined by `AND`, `OR`, `NOT` and parentheses. Throws `EINVAL`.
 */
export function parseSearch(text: string, now = Date.now()): Search {
  if (text.length > MAX_QUERY_LENGTH) {
    throw new MediaError("EINVAL", `searchQuery: Expected at most ${MAX_QUERY_LENGTH} characters`);
  }
  const tokens = tokensOf(text);
  let at = 0;
  const isWord = (word: string) => tokens[at]?.toUpperCase() === word;
  const accept = (word: string) => isWord(word) && at++ >= 0;
  const expect = (word: string) => {
    if (!accept(word)) throw unexpected(`'${word}'`, tokens[at]);
  };

  function either(depth: number): Part {
    let part = both(depth);
    while (accept("OR")) {
      const [one, other] = [part, both(depth)];
      part = { test: (asset) => one.test(asset) || other.test(asset) };
    }
    return part;
  }

  function both(depth: number): Part {
    let part = one(depth);
    while (accept("AND")) {
      const [first, second] = [part, one(depth)];
      const within = first.within ?? second.within;
      part = { test: (asset) => first.test(asset) && second.test(asset), ...(within && { within }) };
    }
    return part;
  }

  function one(depth: number): Part {
    if (depth > MAX_DEPTH) throw new MediaError("EINVAL", "searchQuery: Expected fewer parentheses");
    if (accept("NOT")) {
      const { test } = one(depth + 1);
      return { test: (asset) => !test(asset) };
    }
    if (!accept("(")) return comparison();
    const part = either(depth + 1);
    expect(")");
    return part;
  }

  function comparison(): Part {
    const field = String(parsed(tokens[at++], "a field"));
    const isNegated = accept("NOT");
    const operator = (tokens[at++] ?? "").toUpperCase();
    const values = operator === "IN" ? list() : [parsed(tokens[at++], "a value")];
    const part = comparisonOf(field, operator, values, now);
    return isNegated || operator === "!=" ? { test: (asset) => !part.test(asset) } : part;
  }

  function list(): Value[] {
    expect("[");
    const values = [];
    do values.push(parsed(tokens[at++], "a value"));
    while (accept(","));
    expect("]");
    return values;
  }

  const { test, within } = either(0);
  if (at < tokens.length) throw unexpected("AND or OR", tokens[at]);
  return { matches: test, ...(within && { within }) };
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  const { length } = text.trimEnd();
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < length; ) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match)
      throw invalid(
        "searchQuery",
        'comparisons such as name = "photo.jpg"',
        text.slice(start, start + 40).trim(),
      );
    tokens.push(match[0].trim());
  }
  return tokens;
}

function parsed(token: string | undefined, what: string): Value {
  if (token === undefined || /^[<>!=:()[\],]/.test(token)) throw unexpected(what, token);
  if (token.startsWith('"')) return token.slice(1, -1).replace(/\\(.)/g, "$1");
  if (token === "true" || token === "false") return token === "true";
  return /^\d+(?:\.\d+)?$/.test(token) ? Number(token) : token;
}

function unexpected(wanted: string, token: string | undefined): MediaError {
  return invalid("searchQuery", wanted, token ?? "the end");
}

function comparisonOf(field: string, operator: string, values: readonly Value[], now: number): Part {
  const [value = ""] = values;
  const refuse = () => invalid("searchQuery", `another operator for ${field}`, operator);
  const isEqual = operator === "=" || operator === "!=" || operator === "IN";
  switch (field) {
    case "name":
      return { test: textTest(({ entry }) => entry.name, operator, values, refuse) };
    case "path": {
      if (operator !== "=" && operator !== ":") throw refuse();
      const folder = pathOf(String(value), "searchQuery", { isFolder: true });
      const isDeep = operator === ":";
      const test: Test = ({ path }) => {
        const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
        return parent === folder || (isDeep && (folder === "" || parent.startsWith(`${folder}/`)));
      };
      return { test, within: { folder, isDeep } };
    }
    case "type":
      if (!isEqual) throw refuse();
      return { test: ({ entry }) => values.includes(entry.kind) };
    case "format":
      if (!isEqual) throw refuse();
      return {
        test: ({ entry }) =>
          entry.kind === "file" && values.map(lower).some((one) => isFormat(entry.name, one)),
      };
    case "mime":
      return { test: textTest(({ entry }) => mimeOf(entry.name), operator, values, refuse) };
    case "size":
      return { test: numberTest(({ entry }) => entry.size, operator, values.map(bytesOf), refuse) };
    case "createdAt":
    case "updatedAt": {
      const times = values.map((one) => timeOf(one, now));
      return { test: numberTest(({ entry }) => entry.lastModified, operator, times, refuse) };
    }
    case "private":
      if (!isEqual) throw refuse();
      return { test: ({ entry }) => entry.private !== undefined && values.includes(entry.private) };
    case "published":
      if (!isEqual) throw refuse();
      return { test: () => values.includes(true) };
    default:
      throw invalid("searchQuery", `one of ${FIELDS.join(", ")}`, field);
  }
}

const lower = (value: Value) => String(value).toLowerCase();

function textTest(
  of: (asset: Asset) => string,
  operator: string,
  values: readonly Value[],
  refuse: () => MediaError,
): Test {
  const texts = values.map(String);
  const [text = ""] = texts;
  switch (operator) {
    case "=":
    case "!=":
    case "IN":
      return (asset) => texts.includes(of(asset));
    case ":":
      return (asset) => of(asset).startsWith(text);
    case "HAS":
      return (asset) => lower(of(asset)).includes(lower(text));
    default:
      throw refuse();
  }
}

function numberTest(
  of: (asset: Asset) => number | undefined,
  operator: string,
  values: readonly number[],
  refuse: () => MediaError,
): Test {
  const [value = 0] = values;
  const compare = COMPARISONS[operator];
  if (operator === "IN") return (asset) => values.includes(of(asset) as number);
  if (!compare) throw refuse();
  return (asset) => {
    const own = of(asset);
    return own !== undefined && compare(own, value);
  };
}

const COMPARISONS: Readonly<Record<string, (own: number, value: number) => boolean>> = {
  "=": (own, value) => own === value,
  "!=": (own, value) => own === value,
  "<": (own, value) => own < value,
  "<=": (own, value) => own <= value,
  ">": (own, value) => own > value,
  ">=": (own, value) => own >= value,
};

/** `jpg` and `jpeg` are one format. */
function isFormat(name: string, format: string): boolean {
  const extension = name.includes(".") ? lower(name.slice(name.lastIndexOf(".") + 1)) : "";
  const type = typeOfName(`x.${format}`);
  return extension === format || (type !== undefined && typeOfName(name) === type);
}

function bytesOf(value: Value): number {
  const [, number, unit = "b"] = /^(\d+(?:\.\d+)?)\s*([kmg]?b)?$/i.exec(String(value)) ?? [];
  if (number === undefined) throw invalid("searchQuery", "a size such as 100 or 2mb", String(value));
  return Number(number) * (UNITS[unit.toLowerCase()] ?? 1);
}

/** A moment: a date, or a span before now. */
function timeOf(value: Value, now: number): number {
  const [, count, unit = ""] = /^(\d{1,6})([hdwm])$/.exec(String(value)) ?? [];
  if (count !== undefined) return now - Number(count) * (SPANS[unit] ?? 0);
  const time = /^\d{4}-\d\d-\d\d/.test(String(value)) ? Date.parse(String(value)) : Number.NaN;
  if (Number.isNaN(time))
    throw invalid("searchQuery", "a date such as 2026-11-30, or a span such as 7d", String(value));
  return time;
}
