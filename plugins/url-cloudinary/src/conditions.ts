import { invalid } from "@mediatap/core";
import { unsupported } from "@mediatap/core/language";
import type { Condition } from "@mediatap/core/steps";
import { expression } from "./expression.ts";
import { ratio } from "./values.ts";

type Comparison = Extract<Condition, { readonly is: unknown }>;

const COMPARISON = /^(.+?)_(eq|ne|lte|gte|lt|gt|in|nin)_(.+)$/;

const OPERATIONS: ReadonlySet<string> = new Set<Comparison["is"]>(["eq", "ne", "gt", "gte", "lt", "lte"]);

/** `w_gt_300_and_ar_lt_3:4_or_h_lte_100`; `and` binds before `or`. */
export function condition(text: string): Condition {
  const any = text.split("_or_").map((part): Condition => {
    const all = part.split("_and_").map(comparison);
    return all.length === 1 && all[0] ? all[0] : { all };
  });
  return any.length === 1 && any[0] ? any[0] : { any };
}

function comparison(text: string): Condition {
  const [, left = "", is = "", right = ""] = COMPARISON.exec(text) ?? [];
  if (is === "") throw invalid("if", "condition such as w_gt_300", text);
  if (!OPERATIONS.has(is) || /[!]/.test(text)) throw unsupported("conditions on texts and lists", "if", text);
  const side = (text: string) => (text.includes(":") ? ratio : expression)(text, "if");
  return { left: side(left), is: is as Comparison["is"], right: side(right) };
}
