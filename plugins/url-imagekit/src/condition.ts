import { invalid, MediaError } from "@mediatap/core";
import { decimal } from "./numbers.ts";

const PROPERTIES: ReadonlySet<string> = new Set(["w", "h", "ar", "iw", "ih", "iar"]);
const COMPARISONS: ReadonlySet<string> = new Set(["eq", "ne", "gt", "gte", "lt", "lte"]);
/** Comparisons in one block. */
const MAX_COMPARISONS = 20;

/** Throws `EINVAL` for text that is no condition: `w_gt_300_and_ar_lt_4-3_or_h_eq_200`. */
export function checkCondition(text: string): void {
  const words = text.split("_");
  if (words.length > MAX_COMPARISONS * 4) {
    throw new MediaError("ELIMIT", `Expected at most ${MAX_COMPARISONS} comparisons in if`);
  }
  const wellFormed =
    words.length % 4 === 3 &&
    words.every((word, index) => {
      switch (index % 4) {
        case 0:
          return PROPERTIES.has(word);
        case 1:
          return COMPARISONS.has(word);
        case 2:
          return isValue(word);
        default:
          return word === "and" || word === "or";
      }
    });
  if (!wellFormed) throw invalid("if", "condition", text);
}

/** A number, or a ratio such as `4-3`. */
function isValue(word: string): boolean {
  const parts = word.split("-").map(decimal);
  return parts.length <= 2 && parts.every((part) => part !== undefined) && parts[1] !== 0;
}
