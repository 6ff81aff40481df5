import { invalid, type Layer, type Length, type TextStyle } from "@mediatap/core";
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

const positive: Reader<Length> = (text, key) => {
  const length = coordinate(text, key);
  if (length === 0) throw invalid(key, "positive integer", text);
  return length;
};

type Looks = Pick<TextStyle, "bold" | "italic" | "strikethrough">;

const LOOKS: ReadonlyMap<string, Looks> = new Map<string, Looks>([
  ["b", { bold: true }],
  ["i", { italic: true }],
  ["strikethrough", { strikethrough: true }],
]);

const typography: Reader<Looks> = (text, key) =>
  Object.assign({}, ...text.split("_").map((part) => oneOf(LOOKS)(part, key))) as Looks;

/** A family's name, or a path with the ending of a font file. */
const font: Reader<string> = (text, key) => {
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
  tg: typography,
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
