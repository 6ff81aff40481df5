import { invalid } from "@mediatap/core";
import {
  decimal,
  decodeText,
  hexColour,
  integer,
  number,
  oneOf,
  printNumber,
  type Reader,
  unlisted,
  unsupported,
} from "@mediatap/core/language";
import type { ImageFormat, Rgba, Gravity as Side } from "@mediatap/core/steps";

/** Where a window or a layer lies: beside a side, at a distance; around a point; or around what the image shows. */
export interface Gravity {
  readonly at: Side | "point" | "attention" | "faces";
  /** Distance from the side in pixels of the result, from ±1 on, or as a fraction; of a point the fraction. */
  readonly x: number;
  readonly y: number;
}

export interface Extension {
  readonly on: boolean;
  readonly gravity: Gravity;
}

export interface Crop {
  /** Pixels, or below 1 a fraction of the image; 0: all. */
  readonly width: number;
  readonly height: number;
  readonly gravity?: Gravity;
}

export interface Watermark {
  readonly opacity: number;
  readonly gravity: Gravity;
  /** Of the size of the result; 0: as it is. */
  readonly scale: number;
}

export const CENTER: Gravity = { at: "center", x: 0, y: 0 };

const SIDES: ReadonlyMap<string, Side> = new Map<string, Side>([
  ["ce", "center"],
  ["no", "top"],
  ["so", "bottom"],
  ["ea", "right"],
  ["we", "left"],
  ["noea", "top-right"],
  ["nowe", "top-left"],
  ["soea", "bottom-right"],
  ["sowe", "bottom-left"],
]);

/** The arguments of an option, of which there are at most so many; those that are left out are empty. */
export function argumentsOf(text: string, key: string, most: number): readonly string[] {
  const parts = text.split(":");
  if (parts.length > most) throw invalid(key, `at most ${most} arguments`, text);
  return parts;
}

/** Arguments without those at the end that are empty or zero. */
export const printArguments = (parts: readonly (string | number)[]): string =>
  parts
    .map((part) => (typeof part === "number" ? printNumber(part) : part))
    .join(":")
    .replace(/(?::0?)+$/, "");

/** As Go reads booleans. */
export const flag: Reader<boolean> = (text, key) => {
  if (/^(?:1|t|true)$/i.test(text)) return true;
  if (!/^(?:0|f|false)$/i.test(text)) throw invalid(key, "boolean such as 1 or 0", text);
  return false;
};

export const printFlag = (value: boolean): string => (value ? "1" : "0");

export const pixels = integer(0, 100_000);

const MAX_OFFSET = 100_000;

function sideOf(parts: readonly string[], key: string): Gravity {
  const [word = "", x = "", y = "", ...more] = parts;
  const at = SIDES.get(word);
  if (at === undefined || more.length > 0) throw unlisted(key, SIDES.keys(), parts.join(":"));
  const offset = (text: string) => (text === "" ? 0 : number(-MAX_OFFSET, MAX_OFFSET)(text, key));
  return { at, x: offset(x), y: offset(y) };
}

export function gravityOf(parts: readonly string[], key: string): Gravity {
  const [word = "", ...rest] = parts;
  if (word === "sm" && rest.length === 0) return { at: "attention", x: 0, y: 0 };
  if (word === "fp" && rest.length === 2) {
    const [x = 0, y = 0] = rest.map((text) => number(0, 1)(text, key));
    return { at: "point", x, y };
  }
  if (word === "obj" && rest.length > 0 && rest.every((name) => name === "face"))
    return { at: "faces", x: 0, y: 0 };
  if (word === "obj" || word === "objw") {
    throw unsupported("objects other than faces", key, parts.join(":"));
  }
  if (!SIDES.has(word)) throw unlisted(key, [...SIDES.keys(), "sm", "fp", "obj"], word);
  return sideOf(parts, key);
}

export const gravity: Reader<Gravity> = (text, key) => gravityOf(text.split(":"), key);

export function printGravity({ at, x, y }: Gravity): string {
  if (at === "attention") return "sm";
  if (at === "faces") return "obj:face";
  if (at === "point") return `fp:${printNumber(x)}:${printNumber(y)}`;
  const [word = "ce"] = [...SIDES].find(([, side]) => side === at) ?? [];
  return printArguments([word, x, y]);
}

export const extension: Reader<Extension> = (text, key) => {
  const [on = "", ...rest] = text.split(":");
  return { on: flag(on, key), gravity: rest.length === 0 || rest[0] === "" ? CENTER : sideOf(rest, key) };
};

export const printExtension = ({ on, gravity }: Extension): string =>
  `${printFlag(on)}${gravity === CENTER ? "" : `:${printGravity(gravity)}`}`;

export const crop: Reader<Crop> = (text, key) => {
  const [width = "", height = "0", ...rest] = text.split(":");
  const side = (part: string) => {
    const value = number(0, 100_000)(part === "" ? "0" : part, key);
    return value < 1 ? value : Math.trunc(value);
  };
  return {
    width: side(width),
    height: side(height),
    ...(rest.length > 0 && rest[0] !== "" && { gravity: gravityOf(rest, key) }),
  };
};

export const printCrop = ({ width, height, gravity }: Crop): string =>
  [printNumber(width), printNumber(height), ...(gravity ? [printGravity(gravity)] : [])].join(":");

export const colour: Reader<Rgba> = (text, key) => {
  const parts = text.split(":");
  if (parts.length === 3) {
    const [r = 0, g = 0, b = 0] = parts.map((part) => integer(0, 255)(part, key));
    return { r, g, b, alpha: 1 };
  }
  const parsed = text.length === 3 || text.length === 6 ? hexColour(text) : undefined;
  if (!parsed) throw invalid(key, "colour such as ff0000 or 255:0:0", text);
  return parsed;
};

export const trim: Reader<number> = (text, key) => {
  const [threshold = "", color = "", across = "", down = ""] = argumentsOf(text, key, 4);
  if (color !== "") throw unsupported("trim of a named colour", key, text);
  if ([across, down].some((part) => part !== "" && flag(part, key))) {
    throw unsupported("trim of equal parts", key, text);
  }
  if (threshold === "") return 0;
  const tolerance = number(0, 1000)(threshold, key);
  if (tolerance > 99) throw unsupported("a threshold above 99", key, text);
  return Math.max(1, tolerance);
};

/** Clockwise from the top, as in CSS. */
export const edges: Reader<readonly [number, number, number, number]> = (text, key) => {
  const parts = argumentsOf(text, key, 4);
  const edge = (at: number, otherwise: number) => (parts[at] ? pixels(parts[at], key) : otherwise);
  const top = edge(0, 0);
  const right = edge(1, top);
  return [top, right, edge(2, top), edge(3, right)];
};

export const zoom: Reader<readonly [number, number]> = (text, key) => {
  const [across = "", down = across] = argumentsOf(text, key, 2);
  return [positive(across, key), positive(down, key)];
};

const MAX_FACTOR = 1000;

export const positive: Reader<number> = (text, key) => {
  const value = decimal(text);
  if (value === undefined || value <= 0 || value > MAX_FACTOR) {
    throw invalid(key, `number above 0, up to ${MAX_FACTOR}`, text);
  }
  return value;
};

export const rotation: Reader<number> = (text, key) => {
  const angle = integer(-36_000, 36_000)(text, key);
  if (angle % 90 !== 0) throw invalid(key, "multiple of 90", text);
  return ((angle % 360) + 360) % 360;
};

export const watermark: Reader<Watermark> = (text, key) => {
  const [opacity = "", position = "", x = "", y = "", scale = ""] = argumentsOf(text, key, 5);
  if (position === "re" || position === "ch") throw unsupported("repeated watermarks", key, text);
  const parsed = sideOf([position === "" ? "ce" : position, x, y], key);
  const isOutside = (side: string, distance: number) => parsed.at.includes(side) && distance < 0;
  if (
    ["left", "right"].some((side) => isOutside(side, parsed.x)) ||
    ["top", "bottom"].some((side) => isOutside(side, parsed.y))
  ) {
    throw unsupported("watermarks that reach over the edge", key, text);
  }
  return {
    opacity: number(0, 1)(opacity, key),
    gravity: parsed,
    scale: scale === "" ? 0 : number(0, MAX_FACTOR)(scale, key),
  };
};

export type Format = ImageFormat | "auto";

const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ["jpg", "jpeg"],
  ["jpeg", "jpeg"],
  ["png", "png"],
  ["webp", "webp"],
  ["avif", "avif"],
  ["gif", "gif"],
  ["svg", "svg"],
  ["best", "auto"],
]);

/** Formats that imgproxy writes and this server does not. */
const OTHER_FORMATS = ["jxl", "ico", "bmp", "tiff", "heic", "heif", "pdf", "psd", "mp4"];

export const format: Reader<Format> = (text, key) => {
  if (OTHER_FORMATS.includes(text)) throw unsupported("this format", key, text);
  return oneOf(FORMATS)(text, key);
};

/** `jpeg:80:webp:70` → qualities by format. */
export const formatQualities: Reader<ReadonlyMap<string, number>> = (text, key) => {
  const parts = text.split(":");
  if (parts.length % 2 > 0) throw invalid(key, "pairs of format and quality such as jpeg:80:webp:70", text);
  const qualities = new Map<string, number>();
  for (let at = 0; at < parts.length; at += 2) {
    const name = parts[at] as string;
    if (OTHER_FORMATS.includes(name)) continue;
    qualities.set(oneOf(FORMATS)(name, key), integer(1, 100)(parts[at + 1] as string, key));
  }
  return qualities;
};

/** Text in URL-safe Base64. */
export const base64: Reader<string> = (text, key) => {
  if (!/^[\w-]+={0,2}$/.test(text)) throw invalid(key, "URL-safe Base64", text);
  return Buffer.from(text, "base64url").toString("utf8");
};

/** A percent-encoded argument. */
export const escaped: Reader<string> = (text, key) => decodeText(text, key);
