import { invalid, type MediaError } from "@mediatap/core";
import type { Paint, Rgba } from "@mediatap/core/steps";
import names from "color-name";
import { lacking, type Missing, suggesting } from "./errors.ts";
import { decimal, printNumber, type Reader, signedDecimal } from "./numbers.ts";

/**
 * A colour: 3 or 6 hexadecimal digits; 6 and two decimal digits of opacity in percent (`FFAABB50` is half clear); or
 * a CSS name.
 */
export const colour: Reader<Rgba> = (text, key) => {
  const parsed = named(text) ?? hexadecimal(text);
  if (!parsed) throw unknownColour(key, text);
  return parsed;
};

/** The error for text that is no colour. `#` begins the fragment of a URL, so what follows it often does not arrive. */
function unknownColour(key: string, text: string): MediaError {
  const error = invalid(key, "colour such as FF0000, FF000050 or red, without #,", text);
  const plain = text.replace(/^#/, "");
  return suggesting(error, plain, hexadecimal(plain) ? [plain] : Object.keys(names));
}

function named(text: string): Rgba | undefined {
  if (!Object.hasOwn(names, text)) return undefined;
  const [r, g, b] = names[text as keyof typeof names];
  return { r, g, b, alpha: 1 };
}

function hexadecimal(text: string): Rgba | undefined {
  if (/^[0-9a-f]{3}$/i.test(text)) return rgb([...text].map((digit) => digit + digit).join(""), 1);
  if (/^[0-9a-f]{6}$/i.test(text)) return rgb(text, 1);
  if (/^[0-9a-f]{6}[0-9]{2}$/i.test(text)) return rgb(text, Number(text.slice(6)) / 100);
  return undefined;
}

function rgb(hex: string, alpha: number): Rgba {
  const at = (start: number) => Number.parseInt(hex.slice(start, start + 2), 16);
  return { r: at(0), g: at(2), b: at(4), alpha };
}

/** `color` as 6 or 8 characters. */
export function printColour({ r, g, b, alpha }: Rgba): string {
  const hex = [r, g, b].map((part) => part.toString(16).padStart(2, "0")).join("");
  const percent = Math.round(alpha * 100);
  return (percent < 100 ? hex + String(percent).padStart(2, "0") : hex).toUpperCase();
}

/** The value of `bg`. */
export const paint: Reader<Paint | Missing> = (text, key) => {
  const [kind, ...rest] = text.split("_");
  if (kind === "blurred") return blurred(rest, text, key);
  if (kind === "gradient") {
    const colors = GRADIENTS.get(text);
    if (colors) return { kind, colors };
    throw invalid(key, "gradient_dominant, gradient_dominant_2 or gradient_dominant_4", text);
  }
  if (text === "dominant") return { kind: "dominant" };
  if (/^genfill(?:-|$)/.test(text)) return lacking("generated backgrounds");
  return { kind: "color", color: colour(text, key) };
};

const GRADIENTS: ReadonlyMap<string, 2 | 4> = new Map([
  ["gradient_dominant", 2],
  ["gradient_dominant_2", 2],
  ["gradient_dominant_4", 4],
]);

function blurred([first = "auto", second = "0", ...more]: string[], text: string, key: string): Paint {
  const intensity = first === "auto" ? first : decimal(first);
  const brightness = signedDecimal(second) ?? Number.NaN;
  const isDim = intensity === "auto" || (intensity !== undefined && intensity <= 100);
  if (more.length > 0 || !isDim || !(Math.abs(brightness) <= 255)) {
    throw invalid(key, "blurred_<auto or 0-100>_<N255-255>", text);
  }
  return { kind: "blurred", intensity, brightness };
}

/** `paint` as the value of `bg`. */
export function printPaint(paint: Paint): string {
  switch (paint.kind) {
    case "color":
      return printColour(paint.color);
    case "blurred": {
      const intensity = paint.intensity === "auto" ? "auto" : printNumber(paint.intensity);
      return `blurred_${intensity}_${printNumber(paint.brightness)}`;
    }
    case "dominant":
      return "dominant";
    case "gradient":
      return `gradient_dominant_${paint.colors}`;
  }
}
