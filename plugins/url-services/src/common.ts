import { invalid, type Output, type Plugin, parseOptions, type Step, type StepOf } from "@mediatap/core";
import {
  decimal,
  defineLanguage,
  type Grammar,
  hexColour,
  integer,
  type Language,
  languagePlugin,
  number,
  oneOf,
  type Parameter,
  printHexColour,
  printNumber,
  queryGrammar,
  type Reader,
  type Rule,
  readQuery,
  type Values,
  wordFor,
} from "@mediatap/core/language";
import { type Expression, type Focus, maximum, minimum, type Paint, type Rgba } from "@mediatap/core/steps";
import names from "color-name";
import { z } from "zod";

const VERSION = "0.1.0";

/** More than any limit of the server; keeps numbers whole. */
export const MAX_SIDE = 100_000;

export const WHITE: Rgba = { r: 255, g: 255, b: 255, alpha: 1 };
export const BLACK: Rgba = { r: 0, g: 0, b: 0, alpha: 1 };
export const CLEAR: Rgba = { r: 0, g: 0, b: 0, alpha: 0 };

export const paint = (color: Rgba): Paint => ({ kind: "color", color });

const schema = z.strictObject({ versions: z.array(z.string().min(1)).default([]) });

export interface ServiceOptions {
  /**
   * Names of further parameters of the query, which tell versions of a file apart and change nothing else: `["v"]`.
   * @default []
   */
  readonly versions?: readonly string[];
}

export interface Service<T> extends Omit<Language<T>, "version" | "grammar"> {
  /** Names of parameters that are taken out, because they concern the service alone. */
  readonly dropped?: readonly string[];
  /** Names that URLs of the service contain to tell versions of a file apart; `any`: it documents that others have no effect. */
  readonly versions?: readonly string[] | "any";
  /** The grammar, made of the one for queries. Left out: that one. */
  readonly grammar?: (byQuery: Grammar) => Grammar;
}

/** The plugin of a language whose parameters are in the query. What the table does not list is refused by name. */
export function queryService<T>(service: Service<T>, options: ServiceOptions): Plugin {
  const { dropped = [], versions = [], grammar = (byQuery) => byQuery, ...language } = service;
  const further = new Set([
    ...(versions === "any" ? [] : versions),
    ...parse(options, service.name).versions,
  ]);
  const known = new Set(
    Object.entries(language.parameters as Readonly<Record<string, Parameter<unknown>>>).flatMap(
      ([name, { also = [] }]) => [name, ...also],
    ),
  );
  const byQuery = queryGrammar({
    dropped,
    isOwn: (name, { ignoreQuery }) =>
      known.has(name) || !(versions === "any" || further.has(name) || ignoreQuery.includes(name)),
  });
  return languagePlugin(defineLanguage<T>({ ...language, version: VERSION, grammar: grammar(byQuery) }));
}

/**
 * Refuses what the query asks for in a URL whose operations are in its path: a signature that covers the path alone must not open it.
 * What tells versions of a file apart is not in `text`.
 */
export function refuseQuery(text: string): void {
  const [own] = readQuery(text);
  if (own) throw invalid("the query", "only parameters that tell versions of a file apart", own.name);
}

const parse = (options: ServiceOptions, name: string) => parseOptions(schema, options, name);

/** A side in pixels. */
export const side = (means: string, also: readonly string[] = [], max = MAX_SIDE): Parameter<number> => ({
  means,
  values: "pixels",
  also,
  read: integer(1, max),
});

/** Pixels, or a fraction of the image as it is at this step. */
export type Extent = { readonly px: number } | { readonly part: number };

/** `300`, or a percentage with `sign`: `50p`, `50%`. */
export const extent =
  (sign: string, min = 1): Reader<Extent> =>
  (text, key) => {
    if (!text.endsWith(sign)) return { px: integer(min, MAX_SIDE)(text, key) };
    return { part: number(min === 1 ? 0.01 : 0, 1000)(text.slice(0, -sign.length), key) / 100 };
  };

export const printExtent =
  (sign: string) =>
  (value: Extent): string =>
    "px" in value ? printNumber(value.px) : `${printNumber(value.part * 100)}${sign}`;

export type Current = "currentWidth" | "currentHeight";

/** The length, `dpr` times as long. */
export const lengthOf = (value: Extent, current: Current, dpr = 1): Expression =>
  "px" in value ? Math.max(1, Math.round(value.px * dpr)) : ["mul", current, value.part * dpr];

/** The inverse of `lengthOf`. */
export function extentOf(length: Expression | undefined): Extent | undefined {
  if (typeof length === "number") return { px: length };
  if (!Array.isArray(length) || length[0] !== "mul" || typeof length[2] !== "number") return undefined;
  return { part: length[2] };
}

/** The fields of a size that are there: `{ width: 300 }`. */
export const sizeOf = <K extends string, V>(
  [wide, high]: readonly [K, K],
  width: V | undefined,
  height: V | undefined,
): Partial<Record<K, V>> =>
  ({
    ...(width !== undefined && { [wide]: width }),
    ...(height !== undefined && { [high]: height }),
  }) as Partial<Record<K, V>>;

/** A size in pixels, of a step. */
export const pixelsOf = <K extends string>(
  keys: readonly [K, K],
  { width, height }: StepOf<"resize" | "extract">,
) =>
  sizeOf(
    keys,
    typeof width === "number" ? width : undefined,
    typeof height === "number" ? height : undefined,
  );

/** A rule for `resize`, with values to try for a step that is to be printed. */
export const resizeRule = <T>(
  uses: Rule<T>["uses"],
  steps: Rule<T>["steps"],
  guesses: (step: StepOf<"resize">) => readonly Values<T>[],
): Rule<T> => ({ uses, steps, fromStep: (step) => (step.op === "resize" ? guesses(step) : undefined) });

/** `16:9`, as a number. */
export const ratio: Reader<number> = (text, key) => {
  const [width, height, more] = text.split(":").map(decimal);
  if (!width || !height || more !== undefined || width < 0 || height < 0) {
    throw invalid(key, "aspect ratio such as 16:9", text);
  }
  return width / height;
};

export const printRatio = (value: number) => `${printNumber(value)}:1`;

/** The largest part of the image that has an aspect ratio. */
export const partOf = (aspect: number): { readonly width: Expression; readonly height: Expression } => ({
  width: minimum("currentWidth", ["mul", "currentHeight", aspect]),
  height: minimum("currentHeight", ["div", "currentWidth", aspect]),
});

/** The aspect ratio of a part that `partOf` made. */
export function ratioOf({ height }: StepOf<"extract">): number | undefined {
  const text = JSON.stringify(height);
  const [, parsed] = /\["div","currentWidth",([\d.e-]+)\]/.exec(text ?? "") ?? [];
  if (parsed === undefined || text !== JSON.stringify(partOf(Number(parsed)).height)) return undefined;
  return Number(parsed);
}

/** Where a window begins that has a point in its middle, as far as the image reaches. */
export const around = (point: Expression, length: Expression, current: Current): Expression =>
  maximum(0, minimum(["sub", point, ["div", length, 2]], ["sub", current, length]));

/** Whole numbers, separated by commas. */
export const numbers =
  (
    counts: readonly number[],
    expected: string,
    read: Reader<number> = integer(0, MAX_SIDE),
  ): Reader<readonly number[]> =>
  (text, key) => {
    const parts = text.split(",");
    if (!counts.includes(parts.length)) throw invalid(key, expected, text);
    return parts.map((part) => read(part, key));
  };

/** What a format is written as. */
export type Written = Pick<Output, "format" | "progressive" | "lossless">;

/** Formats by their words; those of `missing` are valid and refused. */
export function format(
  table: Readonly<Record<string, Written>>,
  {
    missing = [],
    also = [],
  }: { readonly missing?: readonly string[]; readonly also?: readonly string[] } = {},
): Parameter<Written> {
  const words = new Map(Object.entries(table));
  const fields = (written: Written) => Object.entries(written) as [keyof Written, unknown][];
  const known = [...words.values()].sort((one, other) => fields(other).length - fields(one).length);
  return {
    means:
      missing.length === 0
        ? "format"
        : `format. ${listed(missing)} ${missing.length > 1 ? "are" : "is"} refused`,
    values: listed([...words.keys()], ", "),
    also,
    read: oneOf(words, "this format", missing),
    print: (value) => wordFor(words, value) ?? "",
    output: (value) => value,
    fromOutput: (output) =>
      known.find((written) => fields(written).every(([field, value]) => output[field] === value)),
  };
}

/** Words in backticks. */
export function listed(words: readonly string[], last = " and "): string {
  const quoted = words.map((word) => `\`${word}\``);
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")}${last}${quoted.at(-1)}`;
}

export const quality = (also: readonly string[] = []): Parameter<number> => ({
  means: "quality; 0 counts as 1",
  values: "0–100",
  also,
  read: (text, key) => Math.max(1, integer(0, 100)(text, key)),
  output: (value) => ({ quality: value }),
  fromOutput: (output) => (typeof output.quality === "number" ? output.quality : undefined),
});

export interface ColourWords {
  /** Also the names of CSS. */
  readonly named?: boolean;
  /** Alpha is the first of 4 or 8 digits, not the last one. */
  readonly alphaFirst?: boolean;
}

/** The last digits of `long` before the others, or the first ones behind them. */
const turned = (digits: string, count: number) => `${digits.slice(count)}${digits.slice(0, count)}`;

/** Hexadecimal digits, with or without `#`. */
export const colour =
  ({ named = false, alphaFirst = false }: ColourWords = {}): Reader<Rgba> =>
  (text, key) => {
    const word = text.toLowerCase();
    const digits = text.replace(/^#/, "");
    const alpha = alphaFirst && digits.length % 4 === 0 ? digits.length / 4 : 0;
    const parsed = hexColour(turned(digits, alpha));
    if (parsed) return parsed;
    if (named && word === "transparent") return CLEAR;
    if (!named || !Object.hasOwn(names, word)) {
      throw invalid(key, named ? "colour such as ff0000 or red" : "colour such as ff0000", text);
    }
    const [r, g, b] = names[word as keyof typeof names];
    return { r, g, b, alpha: 1 };
  };

/** A parameter that is a colour. */
export const background = (
  means: string,
  words: ColourWords = {},
  also: readonly string[] = [],
): Parameter<Rgba> => ({
  means,
  values: `${words.alphaFirst ? "`RGB`, `ARGB`, `RRGGBB`, `AARRGGBB`" : "`RGB`, `RGBA`, `RRGGBB`, `RRGGBBAA`"}${words.named ? ", CSS names" : ""}`,
  also,
  read: colour(words),
  print(color) {
    const text = printHexColour(color);
    return words.alphaFirst && text.length === 8 ? turned(text, 6) : text;
  },
});

/** A switch for one step, of which `is` tells whether a step is it. */
export const toggle = (
  means: string,
  step: Step,
  { read, print }: { readonly read: Reader<boolean>; readonly print: (value: boolean) => string },
): Parameter<boolean> => ({
  means,
  values: `\`${print(true)}\`, \`${print(false)}\``,
  read,
  print,
  step: (value) => (value ? step : undefined),
  fromStep: (other) => (JSON.stringify(other) === JSON.stringify(step) ? true : undefined),
});

/** A switch that is written bare, or as `true` or `1`. */
export const flag: Reader<boolean> = (text, key) => {
  if (!["", "true", "1", "false", "0"].includes(text)) throw invalid(key, "boolean", text);
  return text !== "false" && text !== "0";
};

export const printFlag = (value: boolean) => (value ? "1" : "0");

/** Two switches that mirror an image. */
export const mirror = <T>(across: keyof T & string, down: keyof T & string): Rule<T> => ({
  uses: [across, down],
  steps({ [across]: horizontal, [down]: vertical }) {
    return horizontal || vertical ? [flipped(Boolean(horizontal), Boolean(vertical))] : [];
  },
  fromStep: (step) =>
    step.op === "flip"
      ? ({ ...(step.horizontal && { [across]: true }), ...(step.vertical && { [down]: true }) } as Values<T>)
      : undefined,
});

/** A colour below what is clear, unless it lies there already. */
export const flatten = <T>(
  key: keyof T & string,
  uses: Rule<T>["uses"] = [],
  isFilled: (values: Values<T>) => boolean = () => false,
): Rule<T> => ({
  uses: [key, ...uses],
  steps: (values) =>
    values[key] === undefined || isFilled(values)
      ? []
      : [{ op: "flatten", background: paint(values[key] as Rgba) }],
  fromStep: (step) =>
    step.op === "flatten" && step.background.kind === "color"
      ? ({ [key]: step.background.color } as Values<T>)
      : undefined,
});

export const flipped = (horizontal: boolean, vertical: boolean): Step => ({
  op: "flip",
  horizontal,
  vertical,
});

/** Gaussian blur; `scale` is the standard deviation of 1. */
export const blur = (means: string, values: string, read: Reader<number>, scale = 1): Parameter<number> => ({
  means,
  values,
  read,
  print: (value) => printNumber(Number(value.toFixed(6))),
  step: (value) => (value === 0 ? undefined : { op: "blur", sigma: value * scale }),
  fromStep: (step) => (step.op === "blur" ? step.sigma / scale : undefined),
});

/** Strength of colours, of which only no colours at all can be carried out. */
export const saturation = (also: readonly string[] = []): Parameter<0 | -100> => ({
  means: "-100 makes shades of grey, 0 changes nothing; other values are refused",
  values: "-100, 0",
  also,
  read: oneOf(
    new Map<string, 0 | -100>([
      ["-100", -100],
      ["0", 0],
    ]),
    "saturation other than 0 and -100",
  ),
  step: (value) => (value === 0 ? undefined : { op: "grayscale" }),
  fromStep: (step) => (step.op === "grayscale" ? -100 : undefined),
});

/** Nine points of the compass. */
export const COMPASS: ReadonlyMap<string, Focus> = new Map<string, Focus>([
  ["center", "center"],
  ["north", "top"],
  ["south", "bottom"],
  ["west", "left"],
  ["east", "right"],
  ["northwest", "top-left"],
  ["northeast", "top-right"],
  ["southwest", "bottom-left"],
  ["southeast", "bottom-right"],
]);
