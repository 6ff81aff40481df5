import { invalid } from "@mediatap/core";
import { decimal, printNumber, type Reader, unprintable, unsupported } from "@mediatap/core/language";
import type { Expression, Operator, Variable } from "@mediatap/core/steps";

const NAMES: ReadonlyMap<string, Variable> = new Map([
  ["iw", "originalWidth"],
  ["ih", "originalHeight"],
  ["iar", "originalRatio"],
  ["w", "currentWidth"],
  ["h", "currentHeight"],
  ["ar", "currentRatio"],
  ["idu", "originalDuration"],
  ["du", "originalDuration"],
]);

/** Variables of Cloudinary that no expression of the model stands for. */
const OTHERS = new Set([
  "cp",
  "cw",
  "ch",
  "fc",
  "pc",
  "tar",
  "ils",
  "tags",
  "ctx",
  "md",
  "pgx",
  "cols",
  "pgnames",
  "pages",
]);

/** By how tightly they bind. */
const LEVELS: readonly (readonly Operator[])[] = [["add", "sub"], ["mul", "div", "mod"], ["pow"]];

const MAX_TOKENS = 100;

/** A number, or a calculation such as `iw_div_2_add_10`. Operators bind as in arithmetic; parentheses come from variables. */
export const expression: Reader<Expression> = (text, key) => {
  const tokens = text.match(/[()]|[^_()]+/g) ?? [];
  const wrong = () => invalid(key, "number or calculation such as iw_div_2", text);
  if (tokens.length === 0 || tokens.length > MAX_TOKENS || /^_|_$|__/.test(text)) throw wrong();
  let at = 0;

  function operand(): Expression {
    const token = tokens[at++] ?? "";
    if (token === "(") {
      const inner = chain(0);
      if (tokens[at++] !== ")") throw wrong();
      return inner;
    }
    const value = decimal(token) ?? NAMES.get(token);
    if (value !== undefined) return value;
    if (OTHERS.has(token)) throw unsupported("this variable", key, token);
    throw wrong();
  }

  function chain(level: number): Expression {
    const operators = LEVELS[level];
    if (!operators) return operand();
    let left = chain(level + 1);
    while (operators.includes(tokens[at] as Operator)) {
      const operator = tokens[at++] as Operator;
      left = [operator, left, chain(level + 1)];
    }
    return left;
  }

  const parsed = chain(0);
  if (at < tokens.length) throw wrong();
  return parsed;
};

const levelOf = (expression: Expression) =>
  Array.isArray(expression)
    ? LEVELS.findIndex((level) => level.includes(expression[0] as Operator))
    : LEVELS.length;

/** The calculation as a URL writes it. Throws `EUNSUPPORTED` for one that needs parentheses. */
export function printExpression(expression: Expression): string {
  if (typeof expression === "number") return printNumber(expression);
  if (typeof expression === "string") {
    for (const [name, variable] of NAMES) if (variable === expression) return name;
    throw unprintable(expression);
  }
  const [operator, left, right] = expression;
  const level = levelOf(expression);
  if (levelOf(left) < level || levelOf(right) <= level) throw unprintable("calculations with parentheses");
  return `${printExpression(left)}_${operator}_${printExpression(right)}`;
}
