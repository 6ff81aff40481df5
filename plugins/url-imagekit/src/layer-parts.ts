import { invalid, MediaError, printable } from "@mediatap/core";
import type { Expression, Length, Showing } from "@mediatap/core/steps";
import { elsewhere, MOVING } from "./allowed.ts";
import { assertExpressions } from "./expression.ts";
import { isPlaceKey, PLACE, type PlaceValues } from "./layer-place.ts";
import { isTimeKey, TIMES, timeOf } from "./layer-time.ts";
import type { Reader } from "./numbers.ts";
import { parameterPath } from "./path.ts";
import { lenient } from "./query.ts";
import type { Reading } from "./reading.ts";
import type { Item, LayerBlock, Parameter } from "./tokenize.ts";
import { coordinate } from "./values.ts";
import { isMoving } from "./wanted.ts";

/** Keys that act on the picture as a whole, or on the answer: they have no meaning in a layer. */
const OUTER = new Set(["f", "lo", "pr", "cp", "md", "dn", "di", "orig", "c2pa", "vc", "ac", "sr", "lang"]);

export type ValuesOf<T extends Record<string, Reader<unknown>>> = { [K in keyof T]?: ReturnType<T[K]> };

/** What is said of a layer, sorted. */
export interface Parts {
  readonly input: string;
  readonly place: PlaceValues;
  /** When it shows, on a video. */
  readonly time?: Showing;
  /** Parameters of the layer's own kind, by key; the last of a name wins. */
  readonly own: ReadonlyMap<string, string>;
  /** What is left: the layer's steps. */
  readonly chain: readonly (readonly Item[])[];
}

/** Reads the parameters of the layer's own kind. */
export function read1<T extends Readonly<Record<string, Reader<unknown>>>>(
  readers: T,
  own: ReadonlyMap<string, string>,
  { tokens }: Reading,
): ValuesOf<T> {
  const values: Record<string, unknown> = {};
  for (const [key, text] of own) {
    values[key] = (readers[key] as Reader<unknown>)(text, key);
    assertExpressions(values[key], { known: "parent", tokens }, text, key);
  }
  return values as ValuesOf<T>;
}

/** A layer's items by what they speak of: input, place, its kind's own parameters, and steps. */
export function sort(
  block: LayerBlock,
  readers: Readonly<Record<string, Reader<unknown>>>,
  { tokens, wanted }: Reading,
): Parts {
  // A place may speak of the layer and of the picture below.
  const known = { known: "own and parent", tokens } as const;
  const place: Record<string, unknown> = {};
  const time: Record<string, Expression> = {};
  const own = new Map<string, string>();
  const displaces = lastOf(block, "lm") === "displace";
  const isText = block.type === "text";
  const only = ONLY.get(block.type);
  const isPlaced = !block.type.startsWith("subtitle");
  const chain = block.chain.map((step) =>
    step.filter((item) => {
      if (item.kind !== "parameter") {
        if (isPlaced) return true;
        throw new MediaError("EINVAL", "Expected no layers in layers of subtitles");
      }
      // The SDKs know `fontColor` of texts, and send a `color` as it is.
      const key = (isText || !isPlaced) && item.key === "color" ? "co" : item.key;
      const { value } = item;
      if (key === "i" || key === "ie") return false;
      if (isTimeKey(key)) {
        // On pictures they mean nothing.
        if (isMoving(wanted)) time[TIMES[key]] = timeOf(item, known);
        return false;
      }
      // Subtitles have their place; the SDKs let clients name another all the same.
      if (isPlaceKey(key) && !isPlaced && key !== "lm") return false;
      if (isPlaceKey(key) && isPlaced) {
        if (key === "lm" && isMoving(wanted)) throw elsewhere(item, "on pictures only");
        const read = PLACE[key](value, key);
        assertExpressions(read, known, value, key);
        if (read !== undefined) place[key] = read;
        return false;
      }
      if (displaces && (key === "x" || key === "y")) {
        place[`by-${key}`] = signed(value, key);
        assertExpressions(place[`by-${key}`], known, value, key);
        return false;
      }
      if (Object.hasOwn(readers, key)) {
        own.set(key, value);
        return false;
      }
      if (only && !only.keys.has(key)) throw misplaced(item, `layers of ${only.name}`);
      if (OUTER.has(key) && !only?.keys.has(key)) throw misplaced(item, "layers");
      // Quality means nothing for what is drawn, but clients send it.
      return key !== "q";
    }),
  );
  return {
    input: inputOf(block),
    place: place as PlaceValues,
    ...(Object.keys(time).length > 0 && { time }),
    own,
    chain: chain.filter((step) => step.length > 0),
  };
}

/** What layers of some types may say beside their own parameters: a text once it is drawn, a video as any other. */
const ONLY: ReadonlyMap<string, { readonly name: string; readonly keys: ReadonlySet<string> }> = new Map([
  ["text", { name: "text", keys: new Set("r rt fl o".split(" ")) }],
  ["video", { name: "videos", keys: new Set([...MOVING].filter((key) => key !== "orig")) }],
  ...["subtitles", "subtitle"].map((type) => [type, { name: "subtitles", keys: new Set<string>() }] as const),
]);

/** A length in either direction. */
const signed: Reader<Length> = (text, key) => {
  if (!text.startsWith("N")) return coordinate(text, key);
  const length = coordinate(text.slice(1), key);
  return typeof length === "number" ? 0 - length : ["sub", 0, length];
};

function misplaced({ key }: Parameter, where: string): MediaError {
  return new MediaError("EINVAL", `Expected '${printable(key)}' outside of ${where}`);
}

function lastOf(block: LayerBlock, ...keys: string[]): string | undefined {
  let found: string | undefined;
  for (const item of block.chain.flat()) {
    if (item.kind === "parameter" && keys.includes(item.key)) found = item.value;
  }
  return found;
}

/** The value of `ie`, or else of `i`. */
export function inputOf(block: LayerBlock): string {
  const coded = lastOf(block, "ie");
  const input = coded === undefined ? lastOf(block, "i") : decoded(coded);
  if (!input) throw new MediaError("EINVAL", `Expected an input (i or ie) for l-${block.type}`);
  return input;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Base64 of UTF-8, in either alphabet; a space is a `+` that a form encoding has changed, and `%` is left where a client
 * has escaped the text twice.
 */
function decoded(text: string): string {
  const base64 = lenient(text)
    .replaceAll("-", "+")
    .replaceAll("_", "/")
    .replaceAll(" ", "+")
    .replace(/=+$/, "");
  try {
    if (!/^[A-Za-z0-9+/]+$/.test(base64)) throw new Error("no base64");
    return utf8.decode(Buffer.from(base64, "base64"));
  } catch {
    throw invalid("ie", "base64 of UTF-8", text);
  }
}

/** A path on the endpoint, or an absolute URL for an origin that is a web proxy. `key` names it in errors. */
export function pathOf(input: string, key = "i"): string {
  const plain = input.replaceAll("@@", "/");
  if (!/^https?:\/\//i.test(plain)) return parameterPath(input.replaceAll("@@", "/").replace(/^\/+/, ""));
  const url = URL.parse(plain);
  if (!url?.hostname || url.username || url.password) {
    throw invalid(key, "absolute URL without credentials", input);
  }
  url.hash = "";
  return url.href;
}
