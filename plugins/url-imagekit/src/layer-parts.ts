import { invalid, MediaError, printable } from "@mediatap/core";
import { absoluteUrl, lenient, UTF8 } from "@mediatap/core/language";
import type { Expression, Length, Showing } from "@mediatap/core/steps";
import { MOVING } from "./allowed.ts";
import { misplaced } from "./errors.ts";
import { assertExpressions } from "./expression.ts";
import { isPlaceKey, negative, PLACE, type PlaceValues } from "./layer-place.ts";
import type { Reader } from "./numbers.ts";
import { parameterPath } from "./path.ts";
import type { Reading } from "./reading.ts";
import type { Item, LayerBlock } from "./tokenize.ts";
import { coordinate, seconds } from "./values.ts";
import { isMoving } from "./wanted.ts";

/** Keys that act on the picture as a whole, or on the answer: they have no meaning in a layer. */
const OUTER = new Set(["f", "lo", "pr", "cp", "md", "dn", "di", "orig", "c2pa", "vc", "ac", "sr", "lang"]);

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

/** When a layer shows on a video: parameters of the layer, and what they are in the model. */
export const TIMES = { lso: "start", leo: "end", ldu: "duration" } as const;

const isTimeKey = (key: string): key is keyof typeof TIMES => Object.hasOwn(TIMES, key);

/** A layer's items by what they speak of: input, place, time, its kind's own parameters (`keys`), and steps. */
export function sort(block: LayerBlock, keys: ReadonlySet<string>, { tokens, wanted }: Reading): Parts {
  const place: Record<string, unknown> = {};
  const time: Record<string, Expression> = {};
  const own = new Map<string, string>();
  const displaces = lastOf(block, "lm") === "displace";
  const only = ONLY.get(block.type);
  const isPlaced = !block.type.startsWith("subtitle");
  /** The value of a parameter that may speak of the layer and of the picture below. */
  const read = <T>(reader: Reader<T>, key: string, text: string): T => {
    const value = reader(text, key);
    assertExpressions(value, { known: "own and parent", tokens }, text, key);
    return value;
  };
  /** Whether the item is one of the layer's steps; all others are noted. */
  const isStep = (item: Item): boolean => {
    if (item.kind !== "parameter") {
      if (isPlaced) return true;
      throw new MediaError("EINVAL", "Expected no layers in layers of subtitles");
    }
    // The SDKs know `fontColor` of texts, and send a `color` as it is.
    const key = (block.type === "text" || !isPlaced) && item.key === "color" ? "co" : item.key;
    const { value } = item;
    if (key === "i" || key === "ie") return false;
    if (isTimeKey(key)) {
      // On pictures they mean nothing.
      if (isMoving(wanted)) time[TIMES[key]] = read(seconds, key, value);
    } else if (isPlaceKey(key) && (isPlaced || key !== "lm")) {
      // Subtitles have their place; the SDKs let clients name another all the same.
      if (!isPlaced) return false;
      if (key === "lm" && isMoving(wanted)) throw misplaced(key, value, "on pictures only");
      place[key] = read<unknown>(PLACE[key], key, value);
    } else if (displaces && (key === "x" || key === "y")) {
      place[`by-${key}`] = read(signed, key, value);
    } else if (keys.has(key)) {
      own.set(key, value);
    } else {
      if (only && !only.keys.has(key)) throw outside(key, `layers of ${only.name}`);
      if (OUTER.has(key) && !only?.keys.has(key)) throw outside(key, "layers");
      // Quality means nothing for what is drawn, but clients send it.
      return key !== "q";
    }
    return false;
  };
  const chain = block.chain.map((step) => step.filter(isStep)).filter((step) => step.length > 0);
  return {
    input: inputOf(block),
    place: place as PlaceValues,
    ...(Object.keys(time).length > 0 && { time }),
    own,
    chain,
  };
}

const outside = (key: string, where: string) =>
  new MediaError("EINVAL", `Expected '${printable(key)}' outside of ${where}`);

/** What layers of some types may say beside their own parameters: a text once it is drawn, a video as any other. */
const ONLY: ReadonlyMap<string, { readonly name: string; readonly keys: ReadonlySet<string> }> = new Map([
  ["text", { name: "text", keys: new Set("r rt fl o".split(" ")) }],
  ["video", { name: "videos", keys: new Set([...MOVING].filter((key) => key !== "orig")) }],
  ...["subtitles", "subtitle"].map((type) => [type, { name: "subtitles", keys: new Set<string>() }] as const),
]);

/** A length in either direction. */
const signed: Reader<Length> = (text, key) =>
  text.startsWith("N") ? negative(coordinate(text.slice(1), key)) : coordinate(text, key);

function lastOf({ chain }: LayerBlock, key: string): string | undefined {
  const last = chain.flat().findLast((item) => item.kind === "parameter" && item.key === key);
  return last?.kind === "parameter" ? last.value : undefined;
}

/** The value of `ie`, or else of `i`. */
export function inputOf(block: LayerBlock): string {
  const coded = lastOf(block, "ie");
  const input = coded === undefined ? lastOf(block, "i") : decoded(coded);
  if (!input) throw new MediaError("EINVAL", `Expected an input (i or ie) for l-${block.type}`);
  return input;
}

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
    return UTF8.decode(Buffer.from(base64, "base64"));
  } catch {
    throw invalid("ie", "base64 of UTF-8", text);
  }
}

/** A path on the endpoint, or an absolute URL for an origin that is a web proxy. `key` names it in errors. */
export function pathOf(input: string, key = "i"): string {
  const plain = input.replaceAll("@@", "/");
  if (!/^https?:\/\//i.test(plain)) return parameterPath(plain.replace(/^\/+/, ""));
  const url = absoluteUrl(plain);
  if (url === undefined) throw invalid(key, "absolute URL without credentials", input);
  return url;
}
