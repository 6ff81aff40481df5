import { invalid } from "@mediatap/core";
import type { Expression, Focus, Gravity, Length } from "@mediatap/core/steps";
import { colour } from "./colours.ts";
import { lacking, type Missing, suggesting } from "./errors.ts";
import { expression, isExpression } from "./expression.ts";
import {
  decimal,
  integer,
  MAX_DIMENSION,
  number,
  pixels,
  type Reader,
  signedDecimal,
  wordFor,
} from "./numbers.ts";

// Readers of the values that have a grammar of their own, in the order of the table of parameters.

/**
 * A width or height: pixels, a fraction of the original's `side`, an expression, or (width only) `auto`.
 * `undefined` above 65535: such a parameter is ignored.
 */
export function extent(side: "originalWidth" | "originalHeight"): Reader<Length | "auto" | undefined> {
  return (text, key) => {
    if (side === "originalWidth" && text === "auto") return "auto";
    if (isExpression(text)) return expression(text, key);
    const value = decimal(text);
    if (value === undefined || value === 0) throw invalid(key, "positive integer", text);
    if (value < 1) return ["mul", side, value];
    return value > MAX_DIMENSION ? undefined : Math.round(value);
  };
}

/** Width / height: `4-3`, `4_3`, `4:3`, `1.5`, or an expression. */
export const ratio: Reader<Expression> = (text, key) => {
  const pair = /^([0-9.]+)[-_:]([0-9.]+)$/.exec(text);
  if (!pair && isExpression(text)) return expression(text, key);
  const width = decimal(pair?.[1] ?? text);
  const height = decimal(pair?.[2] ?? "1");
  if (!width || !height) throw invalid(key, "ratio of positive numbers", text);
  return width / height;
};

/** Device pixel ratio: 0.1–5, an expression, or `auto`. */
export const dpr: Reader<Expression | "auto"> = (text, key) => {
  if (text === "auto") return "auto";
  return isExpression(text) ? expression(text, key) : number(0.1, 5)(text, key);
};

/** A place in the picture: pixels or an expression. */
export const coordinate: Reader<Length> = (text, key) =>
  isExpression(text) ? expression(text, key) : pixels(text, key);

export const zoom: Reader<number> = (text, key) => {
  const value = decimal(text);
  if (!value) throw invalid(key, "positive number", text);
  return value;
};

/** The words of `lfo`, `lap` and `fo` for gravities. */
export const GRAVITIES: ReadonlyMap<string, Gravity> = new Map<string, Gravity>([
  ...(["center", "top", "left", "bottom", "right"] as const).map((word) => [word, word] as const),
  ...(["top-left", "top-right", "bottom-left", "bottom-right"] as const).map(
    (corner) => [corner.replace("-", "_"), corner] as const,
  ),
]);

/** Words of `fo` beside the gravities and the names of objects. Stored areas do not exist here, so `auto` takes their place. */
const SEARCHES: ReadonlyMap<string, Focus> = new Map<string, Focus>([
  ["auto", "attention"],
  ["custom", "custom"],
  ["auto-custom_override", "attention"],
  ["face", "faces"],
]);

/** Where a crop looks that no gravity names. */
export const SEARCHED: ReadonlySet<Focus> = new Set(["attention", "entropy", "faces", "custom"]);

const FOCUS: ReadonlyMap<string, Focus> = new Map<string, Focus>([...GRAVITIES, ...SEARCHES]);

/** Classes of the COCO data set, as the language spells them. */
const OBJECTS: ReadonlySet<string> = new Set(
  `person bicycle car motorcycle airplane bus train truck boat trafficLight fireHydrant stopSign parkingMeter bench
  bird cat dog horse sheep cow elephant bear zebra giraffe backpack umbrella handbag tie suitcase frisbee skis
  snowboard sportsBall kite baseballBat baseballGlove skateboard surfboard tennisRacket bottle wineGlass cup fork knife
  spoon bowl banana apple sandwich orange broccoli carrot hotDog pizza donut cake chair couch pottedPlant bed
  diningTable toilet tv laptop mouse remote keyboard cellPhone microwave oven toaster sink refrigerator book clock vase
  scissors teddyBear hairDrier toothbrush`.split(/\s+/),
);

export const focus: Reader<Focus | Missing> = (text, key) => {
  const parsed = FOCUS.get(text);
  if (parsed) return parsed;
  if (text.split("_").every((name) => OBJECTS.has(name))) return lacking("focus on objects");
  const expected = `one of ${[...FOCUS.keys()].join(", ")} or an object`;
  throw suggesting(invalid(key, expected, text), text, [...FOCUS.keys(), ...OBJECTS]);
};

/** The word of `fo` for a focus; there is none for `entropy`. */
export const printFocus = (focus: Focus): string => wordFor(FOCUS, focus) ?? focus;

/** Degrees clockwise from 0 to below 360; `auto` is 0, because pictures are upright from the start. */
export const angle: Reader<number> = (text, key) => {
  if (text === "auto") return 0;
  const value = signedDecimal(text);
  if (value === undefined) throw invalid(key, "angle or auto", text);
  return ((value % 360) + 360) % 360;
};

/** Corners: one radius for all, four clockwise from top left, or `max`. */
export const radius: Reader<"max" | readonly [number, number, number, number]> = (text, key) => {
  if (text === "max") return "max";
  const all = text.split("_").map((part) => pixels(part, key));
  const [first = 0] = all;
  if (all.length === 1) return [first, first, first, first];
  if (all.length !== 4) throw invalid(key, "1 or 4 radii or max", text);
  return all as [number, number, number, number];
};

/** `<width>_<colour>`; old SDKs put a hyphen between them. */
export const border: Reader<{ width: Length; color: ReturnType<typeof colour> }> = (text, key) => {
  const split = text.includes("_") ? text.lastIndexOf("_") : text.indexOf("-");
  if (split < 0) throw invalid(key, "<width>_<colour>", text);
  return { width: coordinate(text.slice(0, split), key), color: colour(text.slice(split + 1), key) };
};

/** Tolerance 1–99; `true` stands for `usual`, `false` is 0. */
export function tolerance(usual: number): Reader<number> {
  return (text, key) => {
    if (text === "true") return usual;
    return text === "false" ? 0 : integer(1, 99)(text, key);
  };
}

/** Strength of `e-sharpen`: bare is the editor's default, 50. */
export const sharpness: Reader<number> = (text, key) => {
  if (text === "" || text === "true") return 50;
  const value = decimal(text);
  if (!value) throw invalid(key, "positive number", text);
  return value;
};

/** `<radius>-<sigma>-<amount>-<threshold>`; bare, as SDKs write it for `true`, is the documentation's example. */
export const unsharp: Reader<{ radius: number; sigma: number; amount: number; threshold: number }> = (
  text,
  key,
) => {
  const parts = (text === "" || text === "true" ? "2-2-0.8-0.024" : text).split("-").map(decimal);
  if (parts.length !== 4 || parts.includes(undefined)) {
    throw invalid(key, "<radius>-<sigma>-<amount>-<threshold>", text);
  }
  const [radius, sigma, amount, threshold] = parts as [number, number, number, number];
  return { radius, sigma, amount, threshold };
};

/** One page counted from 1. Lists, ranges and names of layers are the language's, but there is no step for them. */
export const page: Reader<number | Missing> = (text, key) => {
  if (/^name-./.test(text)) return lacking("layers of a picture by name");
  const parts = text.split("_");
  if (parts.length === 1 && !text.includes("-")) return integer(1, 100_000)(text, key);
  if (parts.every((part) => /^[1-9][0-9]{0,5}(?:-(?:[1-9][0-9]{0,5})?)?$/.test(part))) {
    return lacking("several pages at once");
  }
  throw invalid(key, "page", text);
};

/** Dots per inch, 1–1200, or an expression. */
export const density: Reader<Expression> = (text, key) =>
  isExpression(text) ? expression(text, key) : integer(1, 1200)(text, key);

/** Seconds with up to 2 decimals, or an expression. */
export const seconds: Reader<Expression> = (text, key) => {
  if (isExpression(text)) return expression(text, key);
  const value = decimal(text);
  if (value === undefined || !/^[0-9]+(?:\.[0-9]{1,2})?$/.test(text)) throw invalid(key, "seconds", text);
  return value;
};

/** Heights of the renditions of a stream. */
const RUNGS = [240, 360, 480, 720, 1080, 1440, 2160];

/** `240_360_480`: heights of the renditions, each once, from the lowest. */
export const rungs: Reader<readonly number[]> = (text, key) => {
  const requested = text.split("_").map((part) => (/^[1-9]/.test(part) ? decimal(part) : undefined));
  const parsed = RUNGS.filter((rung) => requested.includes(rung));
  if (!requested.every((rung) => rung !== undefined && RUNGS.includes(rung))) {
    throw invalid(key, `some of ${RUNGS.join(", ")}, joined by _,`, text);
  }
  return parsed;
};
