import { invalid, MediaError } from "@mediatap/core";
import type { Expression, Operator, Variable } from "@mediatap/core/steps";
import { VARIABLE_NAMES } from "./names.ts";
import { decimal, printNumber } from "./numbers.ts";

const VARIABLES: ReadonlyMap<string, Variable> = new Map(
  Object.entries(VARIABLE_NAMES).map(([variable, name]) => [name, variable as Variable]),
);

/** Variables of the picture below, for layers only. */
const PARENT: ReadonlySet<string> = new Set<Variable>([
  "parentWidth",
  "parentHeight",
  "parentRatio",
  "parentDuration",
]);

/** Variables that a layer without a picture of its own does not have. */
const OWN: ReadonlySet<string> = new Set([...VARIABLES.values()].filter((name) => !PARENT.has(name)));

/** Whose variables an expression may name. */
export type Known = "own" | "own and parent" | "parent";

/**
 * Refuses a value, read from `text`, whose expressions are too long (`ELIMIT`) or name what is not known where it stands
 * (`EINVAL`).
 */
export function assertExpressions(
  value: unknown,
  { known, tokens }: { readonly known: Known; readonly tokens: number },
  text: string,
  key: string,
): void {
  if (lengthOf(value) > tokens) {
    throw new MediaError("ELIMIT", `Expected at most ${tokens} operands and operators for ${key}`);
  }
  const unknown = known === "own" ? PARENT : known === "parent" ? OWN : undefined;
  if (unknown && mentions(value, unknown)) throw malformed(text, key);
}

/** Operands and operators of the longest expression in a value. */
function lengthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  const [operator, ...operands] = Array.isArray(value) ? value : [];
  if (isOperator(operator)) return 1 + operands.reduce((sum: number, part) => sum + lengthOf(part), 0);
  return Math.max(1, ...Object.values(value).map(lengthOf));
}

function mentions(value: unknown, variables: ReadonlySet<string>): boolean {
  if (typeof value === "string") return variables.has(value);
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some((part) => mentions(part, variables));
}

/** How tightly an operator binds. The language has an order of its own: `2_mul_5_pow_2` is 10². */
const RANK: Readonly<Record<Operator, number>> = { mul: 4, div: 4, add: 3, sub: 3, mod: 2, pow: 1 };

/** Whether `text` is meant as an expression and not as a plain number. */
export function isExpression(text: string): boolean {
  return text.includes("_") || VARIABLES.has(text);
}

/** Words up to which an expression is read at all; how many there may be is a limit of the server. */
const MAX_WORDS = 1000;

/** Operands and operators, joined by `_`: `iw_div_2_add_10`. */
export function expression(text: string, key: string): Expression {
  const words = text.split("_");
  if (words.length > MAX_WORDS) throw malformed(text, key);
  const values: Expression[] = [];
  const operators: Operator[] = [];
  // Two stacks (Dijkstra's shunting-yard): an operator is applied once one that binds no tighter follows it.
  const apply = () => {
    const operator = operators.pop();
    const right = values.pop();
    const left = values.pop();
    if (operator === undefined || left === undefined || right === undefined) throw malformed(text, key);
    if ((operator === "div" || operator === "mod") && right === 0) {
      throw invalid(key, "no division by zero", text);
    }
    values.push([operator, left, right]);
  };
  for (const [index, word] of words.entries()) {
    if (index % 2 === 0) {
      values.push(operand(word, text, key));
      continue;
    }
    if (!isOperator(word)) throw malformed(text, key);
    while (operators.length > 0 && RANK[operators.at(-1) as Operator] >= RANK[word]) apply();
    operators.push(word);
  }
  while (operators.length > 0) apply();
  return values[0] as Expression;
}

function operand(word: string, text: string, key: string): Expression {
  const value = VARIABLES.get(word) ?? decimal(word);
  if (value === undefined) throw malformed(text, key);
  return value;
}

function isOperator(word: unknown): word is Operator {
  return typeof word === "string" && Object.hasOwn(RANK, word);
}

function malformed(text: string, key: string): MediaError {
  return invalid(key, "number or expression", text);
}

/** `expression` in the language. Throws `EUNSUPPORTED` where it would need parentheses, which the language lacks. */
export function printExpression(expression: Expression): string {
  if (typeof expression === "number") return printNumber(expression);
  if (typeof expression === "string") return VARIABLE_NAMES[expression];
  const [operator, left, right] = expression;
  if (rankOf(left) < RANK[operator] || rankOf(right) <= RANK[operator]) {
    throw new MediaError("EUNSUPPORTED", "Not supported here: expressions with parentheses");
  }
  return `${printExpression(left)}_${operator}_${printExpression(right)}`;
}

function rankOf(expression: Expression): number {
  return typeof expression === "object" ? RANK[expression[0]] : Number.POSITIVE_INFINITY;
}
