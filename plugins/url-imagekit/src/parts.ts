import { invalid } from "@mediatap/core";
import { number, printNumber, type Reader } from "./numbers.ts";

// Values that are a list of parts with names of their own: `bl-15_x-N5`.

/**
 * The parts of a value, by name. Values hold `_` themselves (`ld-top_right_from-red`), so a part begins only where a known
 * name and a hyphen follow. Bare, or `true` as old SDKs write it, names no part.
 */
export function partsOf<N extends string>(
  text: string,
  key: string,
  names: readonly N[],
): { readonly [K in N]?: string } {
  if (text === "" || text === "true") return {};
  const parts = new Map<string, string>();
  let open: string | undefined;
  for (const token of text.split("_")) {
    const dash = token.indexOf("-");
    const name = names.find((known) => known === token.slice(0, Math.max(0, dash)));
    if (name !== undefined) {
      open = name;
      parts.set(name, token.slice(dash + 1));
    } else if (open !== undefined) {
      parts.set(open, `${parts.get(open)}_${token}`);
    } else {
      throw invalid(key, `parts of ${names.map((known) => `${known}-`).join(", ")}`, text);
    }
  }
  return Object.fromEntries(parts) as { [K in N]?: string };
}

/** Reads one part, or takes what stands for it. */
export function part<T>(text: string | undefined, name: string, key: string, read: Reader<T>, usual: T): T {
  return text === undefined ? usual : read(text, `${name} of ${key}`);
}

export const percent = (min: number): Reader<number> => {
  const read = number(min, 100);
  return (text, key) => read(text, key) / 100;
};

export const printPercent = (value: number) => printNumber(Number((value * 100).toPrecision(12)));
