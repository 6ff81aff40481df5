import { invalid } from "@mediatap/core";
import { decimal, unlisted } from "@mediatap/core/language";

/** Splits a text at a separator, but not between parentheses. */
export function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (character === separator && depth <= 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

/** Arguments of a transformation by their names. */
export interface Arguments {
  text(name: string): string | undefined;
  /** A number from `min` to `max`. */
  number(name: string, min: number, max: number): number | undefined;
  /** Numbers in parentheses, or one without them: as many as `names`, if they are there. */
  tuple(name: string, count: number): readonly number[] | undefined;
  /** Whether a switch is on: written bare, or `true`. */
  flag(name: string): boolean;
}

/**
 * Reads `(300,200),aspect=fill`. What has no name gets that of `main`, unless it is one of `known` by itself: a switch. Throws `EINVAL`
 * for a name that is not known.
 */
export function readArguments(text: string, key: string, known: readonly string[], main?: string): Arguments {
  const values = new Map<string, string>();
  for (const part of text === "" ? [] : splitOutside(text, ",")) {
    const [, name = "", value = ""] = /^([A-Za-z]+)(?:=(.*))?$/s.exec(part) ?? [];
    if (known.includes(name)) values.set(name, part.includes("=") ? value : "true");
    else if (main !== undefined && !values.has(main) && !part.includes("=")) values.set(main, part);
    else throw unlisted(key, known, part);
  }
  const number = (name: string, min: number, max: number) => {
    const text = values.get(name);
    if (text === undefined) return undefined;
    const value = decimal(text);
    if (value === undefined || value < min || value > max) {
      throw invalid(`${key}.${name}`, `number from ${min} to ${max}`, text);
    }
    return value;
  };
  return {
    text: (name) => values.get(name),
    number,
    tuple(name, count) {
      const text = values.get(name);
      if (text === undefined) return undefined;
      const parts = text
        .replace(/^\((.*)\)$/s, "$1")
        .split(",")
        .map(decimal);
      if (parts.length > count || !parts.every((part) => part !== undefined)) {
        throw invalid(`${key}.${name}`, `${count} numbers in parentheses`, text);
      }
      return parts as number[];
    },
    flag(name) {
      const text = values.get(name) ?? "false";
      if (text !== "true" && text !== "false") throw invalid(`${key}.${name}`, "boolean", text);
      return text === "true";
    },
  };
}
