import type { Size, StepOf } from "@mediatap/core";
import type { Box, Rgba } from "@mediatap/core/steps";
import type { OverlayOptions, Sharp, TrimOptions } from "sharp";

export interface Margins {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

/** Something drawn already: a mask or a colour over all of the picture. */
export interface Veil extends OverlayOptions {
  readonly layer?: undefined;
  /** The result has no clear pixels. */
  readonly opaque?: boolean;
  readonly words?: string;
}

/** A layer that is drawn when its turn comes. */
export interface LayerOver {
  readonly layer: StepOf<"overlay">;
  /** Size of the picture below. */
  readonly base: Size;
  /** The result has no clear pixels. */
  readonly opaque: boolean;
}

/**
 * Everything that one sharp pipeline can do to a picture, in the order in which libvips does it whatever the order of the
 * calls (sharp's `pipeline.cc`).
 */
export interface Slots {
  /** `alpha`: some of the picture may be clear, and only its pixels tell what its edges are. */
  trim: { readonly tolerance: number; readonly alpha: boolean };
  before: Box;
  flatten: Rgba;
  scale: Size & { readonly down: boolean };
  flip: true;
  flop: true;
  turn: 90 | 180 | 270;
  /** Scales to cover the size, or does not scale at all, and cuts where there is most to see. */
  smart: Size & { readonly strategy: "attention" | "entropy"; readonly scaled: boolean };
  rotate: { readonly angle: number; readonly background: Rgba };
  after: Box;
  extend: Margins & { readonly background: Rgba };
  blur: number;
  grayscale: true;
  sharpen: { sigma: number; m1: number; m2: number; x1: number; y2: number; y3: number };
  over: Veil | LayerOver;
  normalise: true;
}

export type Slot = keyof Slots;
/** One thing to do. */
export type Draw = { [K in Slot]: { readonly slot: K; readonly value: Slots[K] } }[Slot];
/** What one pipeline does; `over` may hold several layers. */
export type Pass = { -readonly [K in Exclude<Slot, "over">]?: Slots[K] } & { over?: (Veil | LayerOver)[] };
/** A pass whose layers are drawn and whose edges are known. */
export type ReadyPass = Omit<Pass, "over" | "trim"> & {
  readonly trim?: TrimOptions;
  readonly over?: OverlayOptions[];
  readonly opaque?: boolean;
};

const ORDER: readonly Slot[] = [
  "trim",
  "before",
  "flatten",
  "scale",
  "flip",
  "flop",
  "turn",
  "smart",
  "rotate",
  "after",
  "extend",
  "blur",
  "grayscale",
  "sharpen",
  "over",
  "normalise",
];

const POINTWISE: ReadonlySet<Slot> = new Set<Slot>(["flatten", "grayscale"]);
const GEOMETRY: ReadonlySet<Slot> = new Set<Slot>(["scale", "flip", "flop", "turn", "after"]);

/** Slots that libvips cannot do to all frames at once, or whose colours would run from one frame into the next. */
const SINGLE: ReadonlySet<Slot> = new Set<Slot>(["trim", "flip", "turn", "rotate", "blur", "sharpen"]);

/** One option of sharp serves both, or one is reckoned without the other. */
const CLASHES: readonly (readonly [Slot, Slot])[] = [
  ["scale", "smart"],
  ["turn", "smart"],
  ["turn", "rotate"],
  // sharp would report the size that the cut left.
  ["after", "extend"],
  // sharp decides on premultiplication before these make parts of the picture clear.
  ["extend", "blur"],
  ["extend", "sharpen"],
  ["rotate", "blur"],
  ["rotate", "sharpen"],
];

/**
 * What sharp does to a gain map as to its picture. It could turn and flip one, too, but reads freed memory while it does, as
 * long as libvips keeps no results (sharp 0.35.5).
 */
const MAPPED: ReadonlySet<Slot> = new Set<Slot>([
  ...(["before", "flatten", "scale", "flop", "after", "extend", "blur", "sharpen"] as const),
]);

const slotsOf = (pass: Pass) => Object.keys(pass) as Slot[];

export const isEmpty = (pass: Pass) => slotsOf(pass).length === 0;

/** Whether frames of an animation must go through the pass one by one. */
export const frameByFrame = (pass: Pass) => slotsOf(pass).some((slot) => SINGLE.has(slot)) || hasLayers(pass);

/** Whether a gain map can go through the pass. */
export const takesGainMap = (pass: Pass) => slotsOf(pass).every((slot) => MAPPED.has(slot));

export const hasLayers = ({ over = [] }: Pass) => over.some(({ layer }) => layer !== undefined);

/** Whether a colour of its own comes into the picture: it must then have three channels. */
export const addsColor = (pass: Pass) =>
  pass.flatten !== undefined ||
  pass.rotate !== undefined ||
  pass.extend !== undefined ||
  (pass.over ?? []).some((over) => over.layer !== undefined || over.blend !== "dest-in");

/** Changing the order of the two makes no difference: one works on places, the other on colours. */
const commute = (a: Slot, b: Slot) =>
  (POINTWISE.has(a) && GEOMETRY.has(b)) || (POINTWISE.has(b) && GEOMETRY.has(a));

/** Whether `slot`, coming after all that is in the pass, would still be done after it. */
function fits(pass: Pass, slot: Slot): boolean {
  const place = ORDER.indexOf(slot);
  return slotsOf(pass).every((other) => {
    if (other === slot) return slot === "over";
    if (CLASHES.some(([a, b]) => (a === other && b === slot) || (a === slot && b === other))) return false;
    return ORDER.indexOf(other) < place || commute(other, slot);
  });
}

/** Puts a draw into the pass. `false`: it needs a pass of its own. */
export function put(pass: Pass, draw: Draw): boolean {
  if (draw.slot === "scale" && draw.value.down && turnsOnly(pass)) {
    // Scaled down first, turned afterwards: the same picture, and the decoder can shrink. (Scaling up shifts by up to half a
    // pixel, so there the order shows.)
    const { width, height } = draw.value;
    const sideways = pass.turn === 90 || pass.turn === 270;
    pass.scale = sideways ? { width: height, height: width, down: true } : draw.value;
    return true;
  }
  // sharp takes a cut for one before the scaling unless there is a scaling.
  const slot = draw.slot === "before" && (pass.scale || pass.smart) ? "after" : draw.slot;
  if (!fits(pass, slot)) return false;
  if (draw.slot === "over") pass.over = [...(pass.over ?? []), draw.value];
  else Object.assign(pass, { [slot]: draw.value });
  return true;
}

const turnsOnly = (pass: Pass) =>
  slotsOf(pass).every((slot) => slot === "flip" || slot === "flop" || slot === "turn" || POINTWISE.has(slot));

/**
 * Each channel becomes the luma of ITU-R BT.709. sharp's `grayscale` leaves one channel, in which no colour can be added later,
 * and loses transparency in raw pixels.
 */
const LUMA: [number, number, number] = [0.2126, 0.7152, 0.0722];
const GREY: [typeof LUMA, typeof LUMA, typeof LUMA] = [LUMA, LUMA, LUMA];

/** Asks sharp for all that the pass holds; the calls come in an order that sharp does not take for another request. */
export function apply(
  image: Sharp,
  pass: ReadyPass,
  { fastShrinkOnLoad }: { fastShrinkOnLoad: boolean },
): Sharp {
  if (pass.trim) image.trim(pass.trim);
  if (pass.before) image.extract(plain(pass.before));
  if (pass.flatten) image.flatten({ background: pass.flatten });
  if (pass.scale) {
    image.resize({ ...size(pass.scale), fit: "fill", fastShrinkOnLoad });
  }
  if (pass.smart) {
    const { strategy, scaled } = pass.smart;
    image.resize({
      ...size(pass.smart),
      fit: "cover",
      position: strategy,
      withoutReduction: !scaled,
      fastShrinkOnLoad,
    });
  }
  if (pass.after) image.extract(plain(pass.after));
  if (pass.flip) image.flip();
  if (pass.flop) image.flop();
  if (pass.turn) image.rotate(pass.turn);
  if (pass.rotate) image.rotate(pass.rotate.angle, { background: pass.rotate.background });
  if (pass.extend) image.extend({ ...pass.extend, extendWith: "background" });
  if (pass.blur !== undefined) image.blur(pass.blur);
  if (pass.grayscale) image.recomb(GREY);
  if (pass.sharpen) image.sharpen(pass.sharpen);
  if (pass.over) image.composite(pass.over);
  if (pass.opaque) image.removeAlpha();
  if (pass.normalise) image.normalise();
  return image;
}

const size = ({ width, height }: Size): Size => ({ width, height });
const plain = ({ left, top, width, height }: Box): Box => ({ left, top, width, height });

const AxB = ({ width, height }: Size) => `${width}x${height}`;

const WORDS: { readonly [K in Slot]: (value: Slots[K]) => string } = {
  trim: ({ tolerance }) => `trim edges (tolerance ${tolerance})`,
  before: (box) => `cut ${AxB(box)} at ${box.left},${box.top}`,
  flatten: ({ r, g, b }) => `flatten on rgb(${r},${g},${b})`,
  grayscale: () => "grayscale",
  scale: (to) => `scale to ${AxB(to)}`,
  flip: () => "flip vertically",
  flop: () => "flip horizontally",
  turn: (angle) => `turn by ${angle}`,
  smart: (to) => `${to.scaled ? "cover" : "cut"} ${AxB(to)} by ${to.strategy}`,
  rotate: ({ angle }) => `rotate by ${angle}`,
  after: (box) => `cut ${AxB(box)} at ${box.left},${box.top}`,
  extend: ({ top, right, bottom, left }) => `add ${top},${right},${bottom},${left} px around`,
  blur: (sigma) => `blur (sigma ${sigma})`,
  sharpen: ({ sigma }) => `sharpen (sigma ${sigma})`,
  over: (over) => (over.layer ? layerWords(over.layer) : (over.words ?? `compose (${over.blend ?? "over"})`)),
  normalise: () => "stretch contrast",
};

/** A layer in words; never its text or path, which may be long. */
export function layerWords({ layer, blend }: StepOf<"overlay">): string {
  return `lay ${layer.kind} on it${blend ? ` (${blend.mode})` : ""}`;
}

/** The pass in words, in the order of the work. */
export function wordsOf(pass: Pass): string[] {
  return ORDER.flatMap((slot) => {
    const value = pass[slot];
    if (value === undefined) return [];
    const words = WORDS[slot] as (value: unknown) => string;
    return Array.isArray(value) ? value.map(words) : [words(value)];
  });
}
