import { invalid } from "@mediatap/core";
import { boolean, oneOf, type Reader, unlisted, wordFor } from "@mediatap/core/language";

export { boolean, oneOf, type Reader, unlisted, wordFor };

/** Largest width and height of the language; larger ones are ignored, not refused. */
export const MAX_DIMENSION = 65_535;

// No sign, exponent, hexadecimal or leading zero. Without nested repetition, so it is linear.
const DECIMAL = /^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;

/** A number without sign, or `undefined`. */
export function decimal(text: string): number | undefined {
  if (text.length > 64 || !DECIMAL.test(text)) return undefined;
  const value = Number(text);
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** A number whose minus is written `N`, or `undefined`. */
export function signedDecimal(text: string): number | undefined {
  if (!text.startsWith("N")) return decimal(text);
  const value = decimal(text.slice(1));
  return value === undefined ? undefined : 0 - value;
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

/** A number from `min` to `max`; negative ones are written with `N`. */
export function number(min: number, max: number): Reader<number> {
  return (text, key) => {
    const value = signedDecimal(text);
    if (value === undefined || value < min || value > max) {
      throw invalid(key, `number from ${min} to ${max}`, text);
    }
    return value;
  };
}

/** Pixels from 0; decimals are rounded. */
export const pixels: Reader<number> = (text, key) => {
  const value = decimal(text);
  if (value === undefined || value > MAX_DIMENSION) throw invalid(key, "non-negative integer", text);
  return Math.round(value);
};

/** An effect that is written bare, or with `-true` or `-1` as old SDKs do. */
export const flag: Reader<boolean> = (text, key) => text === "" || text === "1" || boolean(text, key);

/** `value` in the language: no exponent, `N` for minus, every digit that matters. */
export function printNumber(value: number): string {
  if (value < 0) return `N${printNumber(-value)}`;
  const text = String(value);
  return text.includes("e") ? value.toFixed(40).replace(/\.?0+$/, "") : text;
}

/** Parameters of a chain that is printed. `undefined`: nothing to say. */
export type Items = readonly (string | undefined)[];

/** `key-value`; nothing for a value that is left out. */
export const item = <T>(
  key: string,
  value: T | undefined,
  print: (value: T) => string,
): string | undefined => (value === undefined ? undefined : `${key}-${print(value)}`);

export const itemsOf = (...items: Items): string => items.filter((item) => item !== undefined).join(",");
