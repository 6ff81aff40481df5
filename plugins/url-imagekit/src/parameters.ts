import type { StepOf } from "@mediatap/core";
import type { ImageFormat } from "@mediatap/core/steps";
import { paint } from "./colours.ts";
import { lacking, type Missing } from "./errors.ts";
import { boolean, integer, number, oneOf, type Reader } from "./numbers.ts";
import { OPERATIONS, type OperationKey } from "./operations.ts";
import * as read from "./values.ts";

type Resize = Pick<StepOf<"resize">, "fit" | "enlarge">;
type Extract = Pick<StepOf<"extract">, "outside" | "shrink">;

/**
 * How a picture meets its box: the `fit` of a resize, and whether a small picture is scaled up; or a window that is cut out of the
 * unscaled picture, and what happens where it leaves the picture.
 */
export const MODES = {
  maintain_ratio: { fit: "cover", enlarge: true },
  maintain_ratio_no_enlarge: { fit: "cover", enlarge: false },
  force: { fit: "fill", enlarge: true },
  at_max: { fit: "inside", enlarge: false },
  at_max_enlarge: { fit: "inside", enlarge: true },
  at_least: { fit: "outside", enlarge: true },
  pad_resize: { fit: "contain", enlarge: true },
  pad_resize_no_enlarge: { fit: "contain", enlarge: false },
  extract: { outside: "clip", shrink: true },
  pad_extract: { outside: "pad", shrink: true },
  pad_extract_no_shrink: { outside: "pad", shrink: false },
} as const satisfies Readonly<Record<string, Resize | Extract>>;

export type Mode = keyof typeof MODES;

/** The parameter that names a mode. */
export const keyOfMode = (mode: Mode) => (/^(?:pad_|extract)/.test(mode) ? "cm" : "c");

const modes = (parameter: "c" | "cm") =>
  words(...(Object.keys(MODES) as Mode[]).filter((mode) => keyOfMode(mode) === parameter));

/** A parameter of the language that no step stands for. */
const without = (capability: string) => (): Missing => lacking(capability);

const words = <T extends string>(...known: T[]): Reader<T> =>
  oneOf(new Map(known.map((word) => [word, word])));

type Format = "auto" | "source" | ImageFormat | "mp4" | "webm";

export const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
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
  c: modes("c"),
  cm: modes("cm"),
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
  so: read.seconds,
  eo: read.seconds,
  du: read.seconds,
  sr: read.rungs,
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

export const isKey = (key: string): key is Key => Object.hasOwn(PARAMETERS, key);
