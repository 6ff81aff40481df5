import {
  invalid,
  type Layer,
  type Length,
  MediaError,
  printable,
  type Rgba,
  type Step,
  type StepOf,
} from "@mediatap/core";
import { colour } from "./colours.ts";
import { assertExpressions } from "./expression.ts";
import { blendOf, isPlaceKey, PLACE, type PlaceValues, placeOf } from "./layer-place.ts";
import { TEXT, type TextValues, textOf } from "./layer-text.ts";
import { integer, type Reader } from "./numbers.ts";
import type { Values } from "./parameters.ts";
import { parameterPath } from "./path.ts";
import type { Reading } from "./reading.ts";
import type { Item, LayerBlock, Parameter } from "./tokenize.ts";
import { coordinate, extent } from "./values.ts";
import { PICTURE } from "./wanted.ts";

/** Input that stands for a block of colour. */
const CANVAS = "ik_canvas";

/** Keys that act on the picture as a whole, or on the answer: they have no meaning in a layer. */
const OUTER = new Set(["f", "lo", "pr", "cp", "md", "dn", "di", "orig", "c2pa", "vc", "ac", "sr", "lang"]);

/** Parameters of a block of colour. */
const BLOCK = { w: extent("iw"), h: extent("ih"), bg: colour, al: integer(1, 9) } as const;

type ValuesOf<T extends Record<string, Reader<unknown>>> = { [K in keyof T]?: ReturnType<T[K]> };

/** The items of one step of the language that no layer key is among → steps; the page of the source goes to `once`. */
export type ReadItems = (items: readonly Item[], reading: Reading, once: Values) => Step[];

/** What is said of a layer, sorted. */
interface Parts {
  readonly input: string;
  readonly place: PlaceValues;
  /** Parameters of the layer's own kind, by key; the last of a name wins. */
  readonly own: ReadonlyMap<string, string>;
  /** What is left: the layer's steps. */
  readonly chain: readonly (readonly Item[])[];
}

/**
 * `l-image,…,l-end` and `l-text,…,l-end` → a step. `undefined`: noted as missing. Throws `EINVAL` for what has no meaning
 * in a layer of this kind.
 */
export function readLayer(
  block: LayerBlock,
  reading: Reading,
  read: ReadItems,
): StepOf<"overlay"> | undefined {
  switch (block.type) {
    case "image":
      return readImage(block, reading, read);
    case "text":
      return readText(block, reading, read);
    case "video":
    case "subtitles":
    case "subtitle":
      reading.missing.push(`layers on pictures (l-${block.type})`);
      return undefined;
    default:
      throw new MediaError("EINVAL", `Expected type of layer for l but received '${printable(block.type)}'`);
  }
}

function readImage(block: LayerBlock, reading: Reading, read: ReadItems): StepOf<"overlay"> {
  const isBlock = inputOf(block) === CANVAS;
  const parts = sort(block, isBlock ? BLOCK : { al: BLOCK.al }, reading);
  const blend = blendOf(parts.place);
  const layer: Layer = isBlock ? blockOf(parts, reading, read) : pictureOf(parts, reading, read);
  return { op: "overlay", layer, place: placeOf(parts.place), ...(blend && { blend }) };
}

function pictureOf({ input, own, chain }: Parts, reading: Reading, read: ReadItems): Layer {
  const isTrimmed = chain.some((step) => step.some((item) => item.kind === "parameter" && item.key === "t"));
  // A layer is trimmed unless it says otherwise.
  const trim: Item[] = isTrimmed ? [] : [{ kind: "parameter", key: "t", value: "true" }];
  const [first = [], ...rest] = chain.filter((step) => step.length > 0);
  const once: Values = {};
  const inside: Reading = { ...reading, known: "own and parent", wanted: PICTURE };
  const steps = [[...trim, ...first], ...rest].flatMap((step) => read(step, inside, once));
  const frame: Step[] = once.pg === undefined ? [] : [{ op: "frame", page: once.pg }];
  return { kind: "image", path: pathOf(input), steps: [...frame, ...steps, ...faded(alphaOf(own))] };
}

function blockOf({ own, chain }: Parts, reading: Reading, read: ReadItems): Layer {
  const { w, h, bg = CLEAR } = read1(BLOCK, own, reading);
  const steps = chain.flatMap((step) => read(step, { ...reading, known: "parent", wanted: PICTURE }, {}));
  // The colour's own opacity, or a name instead of digits, outdoes `al`.
  const alpha = bg.alpha < 1 && bg !== CLEAR ? undefined : isNamed(own.get("bg")) ? undefined : alphaOf(own);
  return {
    kind: "color",
    color: bg,
    ...(w !== undefined && w !== "auto" && { width: w }),
    ...(h !== undefined && h !== "auto" && { height: h }),
    steps: [...steps, ...faded(alpha)],
  };
}

function readText(block: LayerBlock, reading: Reading, read: ReadItems): StepOf<"overlay"> {
  const { input, place, own, chain } = sort(block, TEXT, reading);
  if (place.lm !== undefined) throw invalid("lm", "a layer of an image", place.lm);
  const values = read1(TEXT, own, reading) as TextValues;
  const steps = chain.flatMap((step) => read(step, { ...reading, known: "parent", wanted: PICTURE }, {}));
  return {
    op: "overlay",
    layer: { ...textOf(input, values), steps: [...steps, ...faded(values.al)] },
    place: placeOf(place),
  };
}

const CLEAR: Rgba = { r: 0, g: 0, b: 0, alpha: 0 };

const isNamed = (text: string | undefined) => text !== undefined && !/^[0-9a-f]{3,8}$/i.test(text);

const alphaOf = (own: ReadonlyMap<string, string>) => {
  const text = own.get("al");
  return text === undefined ? undefined : BLOCK.al(text, "al");
};

/** 1–9: nearly clear to nearly opaque. */
const faded = (alpha: number | undefined): Step[] =>
  alpha === undefined ? [] : [{ op: "opacity", value: alpha / 10 }];

function read1<T extends Readonly<Record<string, Reader<unknown>>>>(
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
function sort(
  block: LayerBlock,
  readers: Readonly<Record<string, Reader<unknown>>>,
  { tokens }: Reading,
): Parts {
  // A place may speak of the layer and of the picture below.
  const known = { known: "own and parent", tokens } as const;
  const place: Record<string, unknown> = {};
  const own = new Map<string, string>();
  const displaces = lastOf(block, "lm") === "displace";
  const isText = block.type === "text";
  const chain = block.chain.map((step) =>
    step.filter((item) => {
      if (item.kind !== "parameter") return true;
      const key = isText && item.key === "color" ? "co" : item.key;
      const { value } = item;
      if (key === "i" || key === "ie") return false;
      if (isPlaceKey(key)) {
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
      if (isText && !TURNS.has(key)) throw misplaced(item, "layers of text");
      if (OUTER.has(key)) throw misplaced(item, "layers");
      // Quality means nothing for what is drawn, but clients send it.
      return key !== "q";
    }),
  );
  return {
    input: inputOf(block),
    place: place as PlaceValues,
    own,
    chain: chain.filter((step) => step.length > 0),
  };
}

/** What may be done to a text once it is drawn. */
const TURNS = new Set(["r", "rt", "fl", "o"]);

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
function inputOf(block: LayerBlock): string {
  const coded = lastOf(block, "ie");
  const input = coded === undefined ? lastOf(block, "i") : decoded(coded);
  if (!input) throw new MediaError("EINVAL", `Expected an input (i or ie) for l-${block.type}`);
  return input;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Base64 of UTF-8, in either alphabet; a space is a `+` that a form encoding has changed. */
function decoded(text: string): string {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/").replaceAll(" ", "+").replace(/=+$/, "");
  try {
    if (!/^[A-Za-z0-9+/]+$/.test(base64)) throw new Error("no base64");
    return utf8.decode(Buffer.from(base64, "base64"));
  } catch {
    throw invalid("ie", "base64 of UTF-8", text);
  }
}

/** A path on the endpoint, or an absolute URL for an origin that is a web proxy. */
function pathOf(input: string): string {
  const plain = input.replaceAll("@@", "/");
  if (!/^https?:\/\//i.test(plain)) return parameterPath(input.replaceAll("@@", "/").replace(/^\/+/, ""));
  const url = URL.parse(plain);
  if (!url?.hostname || url.username || url.password) {
    throw invalid("i", "absolute URL without credentials", input);
  }
  url.hash = "";
  return url.href;
}
