import { type Key, PARAMETERS } from "../parameters.ts";

/** Parameters of one step, as the language writes them. */
export type Tokens = readonly (string | undefined)[];

/** Turns a value of another language into parameters of this one; `undefined`: the value is dropped. */
export type Translate<C = void> = (value: string, context: C) => Tokens | string | undefined;

/** `key-value`; `undefined`: the language has no such value. */
export function token(key: Key, value = ""): string | undefined {
  try {
    PARAMETERS[key](value, key);
  } catch {
    return undefined;
  }
  return value === "" ? key : `${key}-${value}`;
}

/** A parameter with the same value in both languages. */
export const same =
  (key: Key): Translate<unknown> =>
  (value) =>
    /^[0-9.]+$/.test(value) ? token(key, value) : undefined;

/** A parameter with other words: `north` is `fo-top`. */
export const worded =
  (words: Readonly<Record<string, string>>): Translate<unknown> =>
  (value) =>
    Object.hasOwn(words, value) ? words[value] : undefined;

/** `4:3` and `1.5`. */
export const ratio: Translate<unknown> = (value) =>
  /^[0-9.]+(?::[0-9.]+)?$/.test(value)
    ? token("ar", value.includes(":") ? value.replace(":", "-") : `${value}-1`)
    : undefined;

/** A number; `undefined`: it is none. */
export function numberOf(text: string): number | undefined {
  return /^-?[0-9]{1,6}(?:\.[0-9]{1,6})?$/.test(text) ? Number(text) : undefined;
}

/** The language has whole radii of blurs only. */
export const blur = (radius: number): string | undefined =>
  token("bl", String(Math.max(1, Math.round(radius))));

/** Hexadecimal digits with opacity as hexadecimal digits, before or after the colour. The language has it in percent. */
export function hexColour(text: string, opacity: "first" | "last"): string | undefined {
  if (!/^(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i.test(text)) return undefined;
  const digits = text.length < 6 ? [...text].map((digit) => digit + digit).join("") : text;
  if (digits.length === 6) return digits;
  const colour = opacity === "first" ? digits.slice(2) : digits.slice(0, 6);
  const value = Number.parseInt(opacity === "first" ? digits.slice(0, 2) : digits.slice(6), 16);
  return value === 255 ? colour : `${colour}${String(Math.trunc((value * 100) / 255)).padStart(2, "0")}`;
}

/** Parameters of one step as text; empty: none is left. */
export const joined = (tokens: Tokens): string => tokens.filter((token) => token !== undefined).join(",");
