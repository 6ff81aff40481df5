import type { Rgba } from "../model/colour.ts";
import { invalid, MediaError, printable } from "../model/errors.ts";
import { nearest } from "../util/did-you-mean.ts";
import { type Reader, unsupported } from "./table.ts";

// No exponent, hexadecimal or leading zero. Without nested repetition, so it is linear.
const DECIMAL = /^-?(?:0|[1-9][0-9]*)?(?:\.[0-9]+)?$/;

/** A number, or `undefined`. */
export function decimal(text: string): number | undefined {
  if (text.length > 64 || !DECIMAL.test(text) || !/[0-9]/.test(text)) return undefined;
  const value = Number(text);
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number): Reader<number> {
  return (text, key) => {
    const value = decimal(text);
    if (value === undefined || !Number.isInteger(value) || value < min || value > max) {
      throw invalid(key, `integer from ${min} to ${max}`, text);
    }
    return value;
  };
}

/** A number from `min` to `max`. */
export function number(min: number, max: number): Reader<number> {
  return (text, key) => {
    const value = decimal(text);
    if (value === undefined || value < min || value > max) {
      throw invalid(key, `number from ${min} to ${max}`, text);
    }
    return value;
  };
}

/** `value` without exponent, with every digit that matters. */
export function printNumber(value: number): string {
  const text = String(value);
  return text.includes("e") ? value.toFixed(40).replace(/\.?0+$/, "") : text;
}

export const boolean: Reader<boolean> = (text, key) => {
  if (text !== "true" && text !== "false") throw invalid(key, "boolean", text);
  return text === "true";
};

/**
 * One of the words of a table; gives what the word stands for. Words of `missing` are valid too, and refused: the server has no
 * `capability` for them.
 */
export function oneOf<T>(
  table: ReadonlyMap<string, T>,
  capability = "",
  missing: readonly string[] = [],
): Reader<T> {
  return (text, key) => {
    if (missing.includes(text)) throw unsupported(capability, key, text);
    const value = table.get(text);
    if (value === undefined) throw unlisted(key, [...table.keys(), ...missing], text);
    return value;
  };
}

/** Words that stand for themselves, as a table. */
export const same = <T extends string>(...known: readonly T[]): ReadonlyMap<string, T> =>
  new Map(known.map((word) => [word, word]));

/** One of some words, each of which stands for itself. */
export const words = <T extends string>(...known: readonly T[]): Reader<T> => oneOf(same(...known));

/** The first word of `table` that stands for `value`. */
export function wordFor<T>(table: ReadonlyMap<string, T>, value: T): string | undefined {
  for (const [word, known] of table) if (known === value) return word;
  return undefined;
}

/** The error for a word that is not one of `known`: lists them, and repeats the closest. */
export function unlisted(key: string, known: Iterable<string>, received: string): MediaError {
  const words = [...known];
  return suggesting(words, received, invalid(key, `one of ${words.join(", ")}`, received));
}

/** The error for a word, with the closest one that is known. */
export function suggesting(known: Iterable<string>, received: string, error: MediaError): MediaError {
  const { code, message, subject } = error;
  const near = nearest(received, known);
  if (near === undefined) return error;
  return new MediaError(code, `${message}, did you mean "${printable(near)}"?`, { subject });
}

/** Digits of a colour: 3, 4, 6 or 8 hexadecimal ones, as in CSS; the last one or two are alpha. `undefined`: it is none. */
export function hexColour(text: string): Rgba | undefined {
  if (!/^(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i.test(text)) return undefined;
  const hex = text.length < 6 ? [...text].map((digit) => digit + digit).join("") : text;
  const at = (start: number) => Number.parseInt(hex.slice(start, start + 2), 16);
  return { r: at(0), g: at(2), b: at(4), alpha: hex.length === 8 ? at(6) / 255 : 1 };
}

/** A colour as 6 hexadecimal digits, or 8 if it is not opaque. */
export function printHexColour({ r, g, b, alpha }: Rgba): string {
  const parts = alpha < 1 ? [r, g, b, Math.round(alpha * 255)] : [r, g, b];
  return parts.map((part) => part.toString(16).padStart(2, "0")).join("");
}
