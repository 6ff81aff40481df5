import type { Size, StepOf } from "@mediatap/core";
import type { Box, Rgba } from "@mediatap/core/steps";
import type { OverlayOptions } from "sharp";

export interface Margins {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

/** Ready to compose: a mask or a colour over all of the picture. */
export interface ReadyOver extends OverlayOptions {
  readonly layer?: undefined;
  /** The result has no clear pixels. */
  readonly opaque?: boolean;
  readonly words?: string;
}

/** A layer that is rendered when the pass runs. */
export interface LayerOver {
  readonly layer: StepOf<"overlay">;
  /** Size of the picture below. */
  readonly base: Size;
  /** The result has no clear pixels. */
  readonly opaque: boolean;
}

export interface Scale extends Size {
  /** Size before. */
  readonly from: Size;
  /** No side becomes longer. */
  readonly down: boolean;
  /** The last part of it in linear light, which takes a pipeline of its own. */
  readonly linear?: true;
}

/**
 * Everything that one sharp pipeline can do to a picture, in the order in which libvips does it whatever the order of the
 * calls (sharp's `pipeline.cc`).
 */
export interface Slots {
  /** `alpha`: some of the picture may be clear, and only its pixels show which edges to trim. */
  trim: { readonly tolerance: number; readonly alpha: boolean };
  before: Box;
  flatten: Rgba;
  scale: Scale;
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
  over: ReadyOver | LayerOver;
  normalise: true;
}

export type Slot = keyof Slots;
/** One option of a pass. */
export type SlotValue = { [K in Slot]: { readonly slot: K; readonly value: Slots[K] } }[Slot];
/** What one pipeline does; `over` may hold several layers. */
export type Pass = { -readonly [K in Exclude<Slot, "over">]?: Slots[K] } & { over?: Slots["over"][] };

/** Properties of a slot. */
interface SlotTraits<V> {
  /** The line in `explain`. */
  words(value: V): string;
  /** What it affects, if it is only one of the two: such slots commute. */
  readonly affects?: "colours" | "positions";
  /** libvips cannot do it to all frames at once, or colours would run from one frame into the next. */
  readonly perFrame?: true;
  /** sharp does it to a gain map, too. */
  readonly keepsGainMap?: true;
}

/**
 * All slots in the order in which libvips does them. sharp could turn and flip gain maps, too, but reads freed memory while it does, as
 * long as libvips keeps no results (sharp 0.35.5).
 */
const SLOTS: { readonly [K in Slot]: SlotTraits<Slots[K]> } = {
  trim: { words: ({ tolerance }) => `trim edges (tolerance ${tolerance})`, perFrame: true },
  before: { words: cutWords, keepsGainMap: true },
  flatten: {
    words: ({ r, g, b }) => `flatten on rgb(${r},${g},${b})`,
    affects: "colours",
    keepsGainMap: true,
  },
  scale: {
    words: (to) => `scale to ${AxB(to)}${to.linear ? " in linear light" : ""}`,
    affects: "positions",
    keepsGainMap: true,
  },
  flip: { words: () => "flip vertically", affects: "positions", perFrame: true },
  flop: { words: () => "flip horizontally", affects: "positions", keepsGainMap: true },
  turn: { words: (angle) => `turn by ${angle}`, affects: "positions", perFrame: true },
  smart: { words: (to) => `${to.scaled ? "cover" : "cut"} ${AxB(to)} by ${to.strategy}` },
  rotate: { words: ({ angle }) => `rotate by ${angle}`, perFrame: true },
  after: { words: cutWords, affects: "positions", keepsGainMap: true },
  extend: {
    words: ({ top, right, bottom, left }) => `add ${top},${right},${bottom},${left} px around`,
    keepsGainMap: true,
  },
  blur: { words: (sigma) => `blur (sigma ${sigma})`, perFrame: true, keepsGainMap: true },
  grayscale: { words: () => "grayscale", affects: "colours" },
  sharpen: { words: ({ sigma }) => `sharpen (sigma ${sigma})`, perFrame: true, keepsGainMap: true },
  over: {
    words: (over) =>
      over.layer ? layerWords(over.layer) : (over.words ?? `compose (${over.blend ?? "over"})`),
  },
  normalise: { words: () => "stretch contrast" },
};

const ORDER = Object.keys(SLOTS) as Slot[];

function cutWords(box: Box): string {
  return `cut ${AxB(box)} at ${box.left},${box.top}`;
}

/** Pairs that cannot share a pipeline: they use the same option of sharp, or one ignores the other. */
const CONFLICTS: readonly (readonly [Slot, Slot])[] = [
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

const slotsOf = (pass: Pass) => Object.keys(pass) as Slot[];

export const isEmpty = (pass: Pass) => slotsOf(pass).length === 0;

/** Whether frames of an animation must go through the pass one by one. */
export const frameByFrame = (pass: Pass) =>
  slotsOf(pass).some((slot) => SLOTS[slot].perFrame) || hasLayers(pass);

/** Whether a gain map can go through the pass. */
export const takesGainMap = (pass: Pass) => slotsOf(pass).every((slot) => SLOTS[slot].keepsGainMap);

const hasLayers = ({ over = [] }: Pass) => over.some(({ layer }) => layer !== undefined);

/** Whether a colour of its own comes into the picture: it must then have three channels. */
export const addsColor = (pass: Pass) =>
  pass.flatten !== undefined ||
  pass.rotate !== undefined ||
  pass.extend !== undefined ||
  (pass.over ?? []).some((over) => over.layer !== undefined || over.blend !== "dest-in");

/** Changing the order of the two makes no difference: one affects positions, the other colours. */
const commute = (a: Slot, b: Slot) => {
  const [first, second] = [SLOTS[a].affects, SLOTS[b].affects];
  return first !== undefined && second !== undefined && first !== second;
};

/** Whether `slot`, coming after all that is in the pass, would still be done after it. */
function fits(pass: Pass, slot: Slot): boolean {
  const position = ORDER.indexOf(slot);
  return slotsOf(pass).every((other) => {
    if (other === slot) return slot === "over";
    if (CONFLICTS.some(([a, b]) => (a === other && b === slot) || (a === slot && b === other))) return false;
    return ORDER.indexOf(other) < position || commute(other, slot);
  });
}

/** Adds an operation to the pass. `false`: it needs its own pass. */
export function addToPass(pass: Pass, option: SlotValue): boolean {
  if (option.slot === "scale" && option.value.down && turnsOnly(pass)) {
    // Scaled down first, turned afterwards: the same picture, and the decoder can shrink. (Scaling up shifts by up to half a
    // pixel, so there the order shows.)
    const sideways = pass.turn === 90 || pass.turn === 270;
    pass.scale = sideways
      ? { ...option.value, ...turned(option.value), from: turned(option.value.from) }
      : option.value;
    return true;
  }
  // sharp takes a cut for one before the scaling unless there is a scaling.
  const slot = option.slot === "before" && (pass.scale || pass.smart) ? "after" : option.slot;
  if (!fits(pass, slot)) return false;
  if (option.slot === "over") pass.over = [...(pass.over ?? []), option.value];
  else Object.assign(pass, { [slot]: option.value });
  return true;
}

const turned = ({ width, height }: Size): Size => ({ width: height, height: width });

const turnsOnly = (pass: Pass) =>
  slotsOf(pass).every(
    (slot) => slot === "flip" || slot === "flop" || slot === "turn" || SLOTS[slot].affects === "colours",
  );

/** Factor of the final size to which a picture is scaled in 8 bits before it is scaled in linear light. */
const COARSE_FACTOR = 1.5;

/** Size of the first of two scalings in linear light, else of the only one. */
export function coarse({ from, linear, ...to }: Scale): Scale {
  if (!linear) return { from, ...to };
  const side = (before: number, after: number) => Math.min(before, Math.ceil(after * COARSE_FACTOR));
  return { ...to, from, width: side(from.width, to.width), height: side(from.height, to.height) };
}

const AxB = ({ width, height }: Size) => `${width}x${height}`;

/** A layer in words; never its text or path, which may be long. */
export function layerWords({ layer, blend }: StepOf<"overlay">): string {
  return `lay ${layer.kind} on it${blend ? ` (${blend.mode})` : ""}`;
}

/** The pass in words, in the order of the work. */
export const wordsOf = (pass: Pass): string[] =>
  ORDER.flatMap((slot) => {
    const words = SLOTS[slot].words as (value: unknown) => string;
    return ([pass[slot] ?? []] as unknown[]).flat().map(words);
  });
