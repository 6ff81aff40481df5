import type { ImageFormat } from "@mediatap/core/steps";
import { paint } from "./colours.ts";
import { isMissing, lacking, type Missing } from "./missing.ts";
import { boolean, integer, number, oneOf, type Reader } from "./numbers.ts";
import { OPERATIONS, type OperationKey } from "./operations.ts";
import * as read from "./values.ts";
import { rungs, seconds } from "./video.ts";

/** How a picture meets its box. */
export type Mode =
  | "maintain_ratio"
  | "maintain_ratio_no_enlarge"
  | "force"
  | "at_max"
  | "at_max_enlarge"
  | "at_least"
  | "pad_resize"
  | "pad_resize_no_enlarge"
  | "extract"
  | "pad_extract"
  | "pad_extract_no_shrink";

function modes(...names: Mode[]): Reader<Mode> {
  return words(...names);
}

/** A parameter of the language that no step stands for. */
function without(capability: string): Reader<Missing> {
  return () => lacking(capability);
}

function words<T extends string>(...known: T[]): Reader<T> {
  return oneOf(new Map(known.map((word) => [word, word])));
}

type Format = "auto" | "source" | ImageFormat | "mp4" | "webm";

const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ["auto", "auto"],
  ["orig", "source"],
  ["jpg", "jpeg"],
  ["jpeg", "jpeg"],
  ["png", "png"],
  ["webp", "webp"],
  ["avif", "avif"],
  ["gif", "gif"],
  ["svg", "svg"],
  ["mp4", "mp4"],
  ["webm", "webm"],
]);

const READERS = Object.fromEntries(
  Object.entries(OPERATIONS).map(([key, { read }]) => [key, read]),
) as unknown as { readonly [K in OperationKey]: (typeof OPERATIONS)[K]["read"] };

/** Every parameter outside of layers, and how its value is read. */
export const PARAMETERS = {
  // Size and crop
  w: read.extent("originalWidth"),
  h: read.extent("originalHeight"),
  ar: read.ratio,
  dpr: read.dpr,
  c: modes("maintain_ratio", "maintain_ratio_no_enlarge", "force", "at_max", "at_max_enlarge", "at_least"),
  cm: modes("pad_resize", "pad_resize_no_enlarge", "extract", "pad_extract", "pad_extract_no_shrink"),
  fo: read.focus,
  z: read.zoom,
  x: read.coordinate,
  y: read.coordinate,
  xc: read.coordinate,
  yc: read.coordinate,
  bg: paint,

  pg: read.page,

  ...READERS,

  "e-bgremove": without("background removal"),
  "e-removedotbg": without("background removal"),
  "e-changebg": without("generated backgrounds"),
  "e-dropshadow": without("generated shadows"),
  "e-edit": without("generative editing"),
  "e-retouch": without("retouching"),
  "e-upscale": without("generative upscaling"),
  "e-genvar": without("generated variations"),

  // Output
  f: oneOf(FORMATS),
  q: integer(1, 100),
  lo: boolean,
  pr: boolean,
  cp: boolean,
  md: boolean,
  dn: read.density,
  di: (text: string) => text,
  orig: boolean,
  c2pa: (text: string, key: string) => (boolean(text, key) ? lacking("content credentials") : false),

  // Video; speed and loudness are words of our own
  vc: words("h264", "vp9", "av1", "none"),
  ac: words("aac", "opus", "none"),
  so: seconds,
  eo: seconds,
  du: seconds,
  sr: rungs,
  spd: number(0.25, 4),
  vol: number(0, 4),
  lang: without("generated subtitles"),
} satisfies Readonly<Record<string, Reader<unknown>>>;

export type Key = keyof typeof PARAMETERS;

/** What the parameters of a step mean. */
export type Values = { [K in Key]?: Exclude<ReturnType<(typeof PARAMETERS)[K]>, Missing> };

/** Keys that have a meaning inside of layers only. */
export const LAYER_KEYS: ReadonlySet<string> = new Set(
  "i ie lfo lx ly lxc lyc lap lm lso leo ldu fs ff co ia pa al tg lh fol fsh".split(" "),
);

/** Overlays from before layers; refused since 1 November 2023. */
export const RETIRED_KEYS: ReadonlySet<string> = new Set(
  "oi ot ote ox oy ofo oh ow obg oa or oib oic oit ots otc otf ott otw otbg otp otia".split(" "),
);

export const KEYS: ReadonlySet<string> = new Set(Object.keys(PARAMETERS));

export function isKey(key: string): key is Key {
  return Object.hasOwn(PARAMETERS, key);
}

/**
 * Reads one parameter into `values`; the last of a name wins. Gives back what the Transformation cannot say of it,
 * if anything.
 */
export function readInto(values: Values, key: Key, text: string): Missing | undefined {
  const value: unknown = PARAMETERS[key](text, key);
  if (isMissing(value)) return value;
  // A dimension that is too large to count.
  if (value === undefined) return undefined;
  (values as Record<string, unknown>)[key] = value;
  return undefined;
}
