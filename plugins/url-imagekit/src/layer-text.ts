import { invalid } from "@mediatap/core";
import type { Layer, Length, TextStyle } from "@mediatap/core/steps";
import { colour } from "./colours.ts";
import { isExpression } from "./expression.ts";
import { integer, oneOf, pixels, type Reader } from "./numbers.ts";
import { parameterPath } from "./path.ts";
import { coordinate } from "./values.ts";

const SIZE = 45;
const BLACK = { r: 0, g: 0, b: 0, alpha: 1 } as const;
/** Characters of a text; what is longer is cut. */
const LONGEST = 2000;

type Padding = readonly [Length, Length, Length, Length];

/** 1 to 4 lengths in the order of CSS, or an expression for all sides. */
const padding: Reader<Padding> = (text, key) => {
  if (/[a-z]/.test(text) && isExpression(text)) {
    const all = coordinate(text, key);
    return [all, all, all, all];
  }
  const [top, right = top, bottom = top, left = right, ...rest] = text
    .split("_")
    .map((part) => pixels(part, key));
  if (top === undefined || rest.length > 0) throw invalid(key, "1 to 4 lengths", text);
  return [top, right as number, bottom as number, left as number];
};

/** A length above 0. */
export const positive: Reader<Length> = (text, key) => {
  const length = coordinate(text, key);
  if (length === 0) throw invalid(key, "positive integer", text);
  return length;
};

const LOOKS = { b: { bold: true }, i: { italic: true }, strikethrough: { strikethrough: true } } as const;

type Looks<K extends keyof typeof LOOKS> = { readonly [L in K as keyof (typeof LOOKS)[L]]?: true };

/** Some of `looks`, joined by `_`. */
export function typography<K extends keyof typeof LOOKS>(...looks: readonly K[]): Reader<Looks<K>> {
  const one = oneOf(new Map<string, object>(looks.map((look) => [look, LOOKS[look]])));
  return (text, key) => Object.assign({}, ...text.split("_").map((part) => one(part, key))) as Looks<K>;
}

/** A family's name, or a path with the ending of a font file. */
export const font: Reader<string> = (text, key) => {
  if (text === "") throw invalid(key, "font", text);
  const name = text.replaceAll("@@", "/");
  return /\.(?:ttf|otf|ttc|woff2?)$/i.test(name) ? parameterPath(name.replace(/^\/+/, "")) : text;
};

/** Parameters of a text beside its input and place. */
export const TEXT = {
  w: positive,
  fs: positive,
  ff: font,
  co: colour,
  ia: oneOf(new Map((["left", "center", "right"] as const).map((name) => [name, name]))),
  pa: padding,
  al: integer(1, 9),
  tg: typography("b", "i", "strikethrough"),
  lh: positive,
  bg: colour,
} as const;

export type TextValues = { [K in keyof typeof TEXT]?: ReturnType<(typeof TEXT)[K]> };

export function textOf(input: string, values: TextValues): Extract<Layer, { kind: "text" }> {
  const { w, fs = SIZE, ff, co = BLACK, ia = "center", pa, tg, lh, bg } = values;
  const style: TextStyle = {
    size: fs,
    ...(ff !== undefined && { font: ff }),
    ...tg,
    color: co,
    align: ia,
    ...(w !== undefined && { width: w }),
    ...(lh !== undefined && { lineHeight: lh }),
    ...(pa && { padding: pa }),
    ...(bg && { background: bg }),
  };
  return { kind: "text", text: [...input].slice(0, LONGEST).join(""), style, steps: [] };
}
