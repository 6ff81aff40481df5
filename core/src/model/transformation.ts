import type { Paint, Rgba } from "./colour.ts";
import type { Expression } from "./expression.ts";

/** Pixels, or a calculation that gives pixels. A fraction of the original is `["mul", "iw", 0.5]`. */
export type Length = Expression;

export type Gravity =
  | "center"
  | "top"
  | "bottom"
  | "left"
  | "right"
  | "top-left"
  | "top-right"
  | "bottom-left"
  | "bottom-right";

/** Where a crop looks, or where a picture lies on a larger canvas (gravities only). */
export type Focus =
  | Gravity
  /** What catches the eye. */
  | "attention"
  | "entropy"
  | "faces"
  /** A stored area of the asset; the centre where there is none. */
  | "custom";

/**
 * What can be done to a picture, one entry an operation; numbers in pixels, fractions or expressions. A third party
 * adds its own by declaration merging (`declare module "@mediatap/core" { interface Steps { … } }`) and
 * `steps.define`.
 */
export interface Steps {
  /** One frame, page or layer of the source, counted from 1. */
  frame: { readonly page: number };
  /** Scales, and crops or pads where `fit` says so. Without both dimensions the other follows the ratio. */
  resize: {
    readonly width?: Length;
    readonly height?: Length;
    /** Width / height; counts only beside exactly one of `width` and `height`. */
    readonly ratio?: Expression;
    /**
     * `cover`: fill the box, crop the excess · `contain`: fit inside, pad to the box · `fill`: stretch ·
     * `inside`: fit inside · `outside`: smallest picture that covers the box.
     */
    readonly fit: "cover" | "contain" | "fill" | "inside" | "outside";
    /** Whether a small picture may be scaled up. */
    readonly enlarge: boolean;
    /** Multiplies width and height; ignored where a result would leave 1–5000 px. */
    readonly dpr?: number;
    /** For `cover` and `contain`. Left out: the centre. */
    readonly focus?: Focus;
    /** For `contain`; an opaque colour also lies behind clear parts of the picture. Left out: black, around it only. */
    readonly background?: Paint;
  };
  /** Cuts a window out of the unscaled picture. A missing dimension is the picture's. */
  extract: {
    readonly width?: Length;
    readonly height?: Length;
    /** As in `resize`. */
    readonly ratio?: Expression;
    readonly dpr?: number;
    /** The window's corner (`from: "corner"`) or its middle; a missing one of the pair is 0. */
    readonly at?: { readonly from: "corner" | "center"; readonly x: Length; readonly y: Length };
    /** Where the window lies when `at` is left out. */
    readonly focus?: Focus;
    /** A window that leaves the picture: an error, cut to what is there, or padded. */
    readonly outside: "error" | "clip" | "pad";
    /** `false`: the window grows to hold the whole picture (`pad` only). */
    readonly shrink: boolean;
    /** As in `resize`. */
    readonly background?: Paint;
  };
  /** Clockwise, in degrees; the canvas grows. Corners are clear, or `background`. */
  rotate: { readonly angle: number; readonly background?: Paint };
  flip: { readonly horizontal: boolean; readonly vertical: boolean };
  blur: { readonly sigma: number };
  grayscale: Record<never, never>;
  /** Stretches the tones to the full range. */
  contrast: Record<never, never>;
  sharpen: { readonly amount: number };
  unsharp: {
    readonly radius: number;
    readonly sigma: number;
    readonly amount: number;
    readonly threshold: number;
  };
  /** Cuts edges that are like the corner's colour; `tolerance` 1–99. */
  trim: { readonly tolerance: number };
  /** A frame around the picture; the canvas grows by twice its width. */
  border: { readonly width: Length; readonly color: Rgba };
  /** Rounds corners: radii in pixels, clockwise from top left, or an ellipse. */
  round: { readonly radius: "max" | readonly [number, number, number, number] };
  /** 0–1, of the whole picture. */
  opacity: { readonly value: number };
  /** Lays the picture on a background. */
  flatten: { readonly background: Paint };
  /** Draws a layer over the picture. */
  overlay: { readonly layer: Layer };
  /** Chooses steps by the picture's size. */
  when: { readonly if: Condition; readonly then: readonly Step[]; readonly else: readonly Step[] };
}

export type Op = keyof Steps;
export type StepOf<K extends Op> = { readonly op: K } & Steps[K];
export type Step = { [K in Op]: StepOf<K> }[Op];

/** What a layer shows. */
export interface Layer {
  readonly kind: "image" | "text" | "color";
  /** Path of the image, or the text. */
  readonly input: string;
  readonly steps: readonly Step[];
}

export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | {
      readonly left: Expression;
      readonly is: "eq" | "ne" | "gt" | "gte" | "lt" | "lte";
      readonly right: Expression;
    };

export type ImageFormat = "jpeg" | "png" | "webp" | "avif" | "gif" | "svg";

/** How the result is written. `undefined`: the endpoint's default, filled in by the core after `resolve`. */
export interface Output {
  /** `auto`: by what the client accepts. `source`: as the source. `original`: the untouched bytes, no step applies. */
  readonly format?: "auto" | "source" | "original" | ImageFormat;
  /** What `auto` chooses from, where the endpoint says so. Left out: everything. */
  readonly allowed?: readonly ImageFormat[];
  /** 1–100. */
  readonly quality?: number;
  readonly lossless?: boolean;
  readonly progressive?: boolean;
  /** `srgb`: converted, no profile written. `keep`: pixels and profile stay as they are. */
  readonly colorProfile?: "srgb" | "keep";
  readonly metadata?: "strip" | "keep";
  /** Dots per inch: written as metadata; of an SVG, the resolution it is drawn at. */
  readonly density?: Expression;
}

/** The one intermediate form: made by URL languages, carried out by engines, independent of both. */
export interface Transformation {
  readonly steps: readonly Step[];
  readonly output: Output;
}
