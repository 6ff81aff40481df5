import { invalid } from "@mediatap/core";
import type { Length, SubtitleStyle, TextStyle } from "@mediatap/core/steps";
import { colour, printColour } from "./colours.ts";
import { assertExpressions, isExpression, printExpression } from "./expression.ts";
import { decimal, oneOf, pixels, printNumber, type Reader } from "./numbers.ts";
import { parameterPath } from "./path.ts";
import type { Reading } from "./reading.ts";
import { coordinate } from "./values.ts";

// How the letters of texts and subtitles look: the same parameters, some of which only one of them has.

/** All that either of them can have. */
export type Style = { -readonly [K in keyof (TextStyle & SubtitleStyle)]?: (TextStyle & SubtitleStyle)[K] };

/** 1 to 4 lengths in the order of CSS, or an expression for all sides. */
const padding: Reader<NonNullable<Style["padding"]>> = (text, key) => {
  if (/[a-z]/.test(text) && isExpression(text)) {
    const all = coordinate(text, key);
    return [all, all, all, all];
  }
  const [top = 0, right = top, bottom = top, left = right, ...rest] = text
    .split("_")
    .map((part) => pixels(part, key));
  if (rest.length > 0) throw invalid(key, "1 to 4 lengths", text);
  return [top, right, bottom, left];
};

function printPadding(padding: NonNullable<Style["padding"]>): string {
  const [top] = padding;
  return typeof top === "number" ? padding.map(printExpression).join("_") : printExpression(top);
}

/** A length above 0. */
const positive: Reader<Length> = (text, key) => {
  const length = coordinate(text, key);
  if (length === 0) throw invalid(key, "positive integer", text);
  return length;
};

/** A family's name, or a path with the ending of a font file. */
const font: Reader<string> = (text, key) => {
  if (text === "") throw invalid(key, "font", text);
  const name = text.replaceAll("@@", "/");
  return /\.(?:ttf|otf|ttc|woff2?)$/i.test(name) ? parameterPath(name.replace(/^\/+/, "")) : text;
};

/** Pixels around or beside a letter; far more than makes sense. */
const MAX_EDGE = 1000;

/** A width and a colour, or the other way round: `expected`. */
function edge(text: string, key: string, expected: "<width>_<colour>" | "<colour>_<indent>") {
  const parts = text.split("_");
  const isFirst = expected === "<width>_<colour>";
  const [pixels, color = ""] = isFirst ? parts : parts.toReversed();
  const width = decimal(pixels ?? "");
  if (parts.length > 2) throw invalid(key, expected, text);
  if (width === undefined || width > MAX_EDGE) throw invalid(key, expected, text);
  return { width, color: colour(color, key) };
}

const outline: Reader<NonNullable<Style["outline"]>> = (text, key) => edge(text, key, "<width>_<colour>");

const shadow: Reader<NonNullable<Style["shadow"]>> = (text, key) => {
  const { width, color } = edge(text, key, "<colour>_<indent>");
  return { indent: width, color };
};

/** A parameter of the letters. */
interface Parameter {
  /** The fields of the style that it stands for. */
  read(text: string, key: string): Style;
  /** `undefined`: the style says nothing of it. */
  print(style: Style): string | undefined;
}

const field = <K extends keyof Style>(
  name: K,
  read: Reader<NonNullable<Style[K]>>,
  print: (value: NonNullable<Style[K]>) => string,
): Parameter => ({
  read: (text, key) => ({ [name]: read(text, key) }),
  print: ({ [name]: value }) => (value === undefined ? undefined : print(value as NonNullable<Style[K]>)),
});

const LOOKS = { b: "bold", i: "italic", strikethrough: "strikethrough" } as const;

/** Some of these words, joined by `_`. */
function typography(...words: (keyof typeof LOOKS)[]): Parameter {
  const one = oneOf(new Map(words.map((word) => [word as string, LOOKS[word]])));
  return {
    read: (text, key) => Object.fromEntries(text.split("_").map((part) => [one(part, key), true])),
    print: (style) => words.filter((word) => style[LOOKS[word]]).join("_") || undefined,
  };
}

const SIZE = field("size", positive, printExpression);
const FONT = field("font", font, (name) => name.replaceAll("/", "@@"));
const COLOUR = field("color", colour, printColour);
const BACKGROUND = field("background", colour, printColour);

/** Parameters of the letters of one kind of layer, in the order in which they are printed. */
export type Letters = Readonly<Record<string, Parameter>>;

export const TEXT: Letters = {
  fs: SIZE,
  ff: FONT,
  co: COLOUR,
  ia: field(
    "align",
    oneOf(new Map((["left", "center", "right"] as const).map((word) => [word, word]))),
    String,
  ),
  w: field("width", positive, printExpression),
  lh: field("lineHeight", positive, printExpression),
  pa: field("padding", padding, printPadding),
  bg: BACKGROUND,
  tg: typography("b", "i", "strikethrough"),
};

export const SUBTITLES: Letters = {
  fs: SIZE,
  ff: FONT,
  co: COLOUR,
  bg: BACKGROUND,
  tg: typography("b", "i"),
  fol: field("outline", outline, ({ width, color }) => `${printNumber(width)}_${printColour(color)}`),
  fsh: field("shadow", shadow, ({ color, indent }) => `${printColour(color)}_${printNumber(indent)}`),
};

/** Reads those of the parameters that are about letters. */
export function readStyle(own: ReadonlyMap<string, string>, letters: Letters, { tokens }: Reading): Style {
  const style: Style = {};
  for (const [key, text] of own) {
    const fields = letters[key]?.read(text, key);
    assertExpressions(fields, { known: "parent", tokens }, text, key);
    Object.assign(style, fields);
  }
  return style;
}

export const printStyle = (style: Style, letters: Letters): string[] =>
  Object.entries(letters).flatMap(([key, { print }]) => {
    const value = print(style);
    return value === undefined ? [] : [`${key}-${value}`];
  });
