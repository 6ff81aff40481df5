import { invalid, MediaError } from "@mediatap/core";
import type { Condition, Variable } from "@mediatap/core/steps";
import { unprintable } from "./errors.ts";
import { printExpression } from "./expression.ts";
import { decimal, wordFor } from "./numbers.ts";

type Comparison = Extract<Condition, { is: unknown }>;

/** What a condition may name, and the variable that it is. */
const PROPERTIES: ReadonlyMap<string, Variable> = new Map<string, Variable>([
  ["w", "currentWidth"],
  ["h", "currentHeight"],
  ["ar", "currentRatio"],
  ["iw", "originalWidth"],
  ["ih", "originalHeight"],
  ["iar", "originalRatio"],
]);

const COMPARISONS: ReadonlySet<string> = new Set(["eq", "ne", "gt", "gte", "lt", "lte"]);

/** Comparisons in one block. */
const MAX_COMPARISONS = 20;

/** Comparisons joined by `and`, which binds tighter, and `or`: `w_gt_300_and_ar_lt_4-3_or_h_eq_200`. */
export function condition(text: string): Condition {
  const words = text.split("_");
  if (words.length >= MAX_COMPARISONS * 4) {
    throw new MediaError("ELIMIT", `Expected at most ${MAX_COMPARISONS} comparisons in if`);
  }
  const any: Condition[] = [];
  let all: Condition[] = [];
  for (let at = 0; at < words.length || at === 0; at += 4) {
    all.push(comparison(words.slice(at, at + 3), text));
    const link = words[at + 3];
    const more = at + 4 < words.length;
    if (link === "and" && more) continue;
    if (link !== undefined && (link !== "or" || !more)) throw invalid("if", "condition", text);
    any.push(single(all) ?? { all });
    all = [];
  }
  return single(any) ?? { any };
}

function single(conditions: readonly Condition[]): Condition | undefined {
  return conditions.length === 1 ? conditions[0] : undefined;
}

function comparison([property = "", is = "", value = ""]: readonly string[], text: string): Comparison {
  const left = PROPERTIES.get(property);
  const right = number(value);
  if (left === undefined || right === undefined || !COMPARISONS.has(is))
    throw invalid("if", "condition", text);
  return { left, is: is as Comparison["is"], right };
}

/** A number, or a ratio such as `4-3`. */
function number(text: string): number | undefined {
  const [first, second = 1, ...rest] = text.split("-").map(decimal);
  return first === undefined || second === 0 || rest.length > 0 ? undefined : first / second;
}

/** `condition` in the language. Throws `EUNSUPPORTED` for one that it has no words for. */
export function printCondition(condition: Condition): string {
  if ("any" in condition) return condition.any.map(printAll).join("_or_");
  return printAll(condition);
}

function printAll(condition: Condition): string {
  if ("all" in condition) return condition.all.map(printComparison).join("_and_");
  return printComparison(condition);
}

function printComparison(condition: Condition): string {
  const name = "left" in condition && wordFor<unknown>(PROPERTIES, condition.left);
  if (!name) throw unprintable("this condition");
  return `${name}_${condition.is}_${printExpression(condition.right)}`;
}
