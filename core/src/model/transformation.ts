import type { Rgba } from "./colour.ts";
import type { Expression } from "./expression.ts";
import type { InfoOutput } from "./info.ts";
import type { StreamPart } from "./stream.ts";

/** Pixels, or a calculation that gives pixels. A fraction of the original is `["mul", "originalWidth", 0.5]`. */
export type Length = Expression;

export const GRAVITIES = [
  "center",
  "top",
  "bottom",
  "left",
  "right",
  "top-left",
  "top-right",
  "bottom-left",
  "bottom-right",
] as const;

export type Gravity = (typeof GRAVITIES)[number];

/** Where a crop looks, or where a picture lies on a larger canvas (gravities only). */
export type Focus =
  | Gravity
  /** What catches the eye. */
  | "attention"
  | "entropy"
  /** All faces where they fit into the crop, else the largest; what catches the eye where none is known. */
  | "faces"
  /** The focal point that somebody set for the image; the centre if there is none. */
  | "custom";

/**
 * What can be done to a picture, one entry an operation; numbers in pixels, fractions or expressions. A third party
 * adds its own by declaration merging (`declare module "@mediatap/core" { interface Steps { … } }`) and
 * `steps.define`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: each operation is added where it is defined.
export interface Steps {}

export type Op = keyof Steps;
export type StepOf<K extends Op> = { readonly op: K } & Steps[K];
export type Step = { [K in Op]: StepOf<K> }[Op];

/** A place in a picture, in pixels. */
export type Point = readonly [x: number, y: number];

/** What a layer shows, before its own steps. In expressions of a layer `b…` is the picture that it is laid on. */
export type Layer =
  | {
      readonly kind: "image";
      /** Asset path on the endpoint. */
      readonly path: string;
      readonly steps: readonly Step[];
    }
  | {
      readonly kind: "text";
      /** Plain text; nothing in it is markup. */
      readonly text: string;
      readonly style: TextStyle;
      readonly steps: readonly Step[];
    }
  | {
      /** A block of one colour. */
      readonly kind: "color";
      readonly color: Rgba;
      /** Left out: as the picture below. */
      readonly width?: Length;
      readonly height?: Length;
      readonly steps: readonly Step[];
    }
  | {
      /** A video or an animation, on videos only. */
      readonly kind: "video";
      /** Asset path on the endpoint. */
      readonly path: string;
      readonly steps: readonly Step[];
    }
  | {
      /** What is said, on videos only; at the place that the file or the engine gives it. */
      readonly kind: "subtitles";
      /** Asset path of a file such as SubRip or WebVTT. */
      readonly path: string;
      readonly style: SubtitleStyle;
    };

/** When a layer shows, in seconds of the video as it is played. `end` outdoes `duration`; in expressions `parentDuration` is the video's length. */
export interface Showing {
  /** @default 0 */
  readonly start?: Expression;
  /** Left out: to the end. */
  readonly end?: Expression;
  readonly duration?: Expression;
}

/** How subtitles look. Left out: as the engine has it. */
export interface SubtitleStyle {
  /** Height of the font in pixels of the video. */
  readonly size?: Length;
  /** As in `TextStyle`. */
  readonly font?: string;
  readonly bold?: boolean;
  readonly italic?: boolean;
  readonly color?: Rgba;
  /** Of a box behind the lines. */
  readonly background?: Rgba;
  /** Around the letters, `width` in pixels. */
  readonly outline?: { readonly width: number; readonly color: Rgba };
  /** Of the letters, `indent` pixels to the right and down. */
  readonly shadow?: { readonly color: Rgba; readonly indent: number };
}

/** How a text looks. Lengths in pixels. */
export interface TextStyle {
  /** Height of the font. */
  readonly size: Length;
  /** Name of a family, or asset path of a font file with its extension. Left out: the server's default. */
  readonly font?: string;
  readonly bold?: boolean;
  readonly italic?: boolean;
  readonly strikethrough?: boolean;
  readonly color: Rgba;
  /** Of the lines. */
  readonly align: "left" | "center" | "right";
  /** Width of the box, padding included, in which lines are wrapped at words. Left out: as wide as the text. */
  readonly width?: Length;
  /** From one line to the next. Left out: the font's own. */
  readonly lineHeight?: Length;
  /** Clockwise from the top. Left out: none. */
  readonly padding?: readonly [Length, Length, Length, Length];
  /** Of the box. Left out: clear. */
  readonly background?: Rgba;
}

/** Where a layer lies: by its gravity, or by a point on each axis (a missing one counts as 0). */
export type Place =
  | { readonly gravity: Gravity }
  | {
      readonly x?: Offset;
      readonly y?: Offset;
      /** Point of the picture from which is counted. Left out: the top left corner. */
      readonly anchor?: Gravity;
    };

/** Distance along an axis. In it `c…` is the layer's final size. */
export interface Offset {
  readonly by: Length;
  /** What of the layer comes to lie there. */
  readonly of: "edge" | "center";
  /** Counted from the right or bottom edge, to the layer's right or bottom edge. */
  readonly fromEnd?: boolean;
}

/**
 * `multiply`: product of the colours · `cutout`: what is opaque in the layer becomes clear · `cutter`: only what lies
 * under it is left, in its size and shape · `displace`: red moves sideways and green up and down, by so many pixels at most.
 */
export type Blend =
  | { readonly mode: "multiply" | "cutout" | "cutter" }
  | { readonly mode: "displace"; readonly x: Length; readonly y: Length };

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
  /** Pixels of the longest side, where the endpoint says so; the core takes care of it. Left out: no bound. */
  readonly maxSide?: number;
  /** `auto` is the format with the fewest bytes, where the endpoint says so. Left out: it is chosen by rule. */
  readonly smallest?: true;
  /** 1–100; `auto`: for each picture the least that looks as it should, as the engine is told. */
  readonly quality?: number | "auto";
  /** Images are scaled down with more care, for more CPU, where the endpoint says so. Left out: the engine's usual way. */
  readonly fidelity?: "high";
  readonly lossless?: boolean;
  readonly progressive?: boolean;
  /** `srgb`: converted, no profile written. `keep`: pixels and profile stay as they are. */
  readonly colorProfile?: "srgb" | "keep";
  readonly metadata?: "strip" | "keep";
  /** Dots per inch: written as metadata; of an SVG, the resolution it is drawn at. */
  readonly density?: Expression;
  /**
   * An SVG that stays one is delivered without scripts, event handlers and references to other documents; also as the original.
   * `true` if the URL or the endpoint asks for it.
   */
  readonly sanitizeSvg?: true;
  /** The result is a video, its sound, or a part of its stream: what is said above of pictures counts for nothing. */
  readonly video?: VideoOutput;
  /** The result is a description of the file: no step applies, and nothing else of the output counts. */
  readonly info?: InfoOutput;
}

/** How a video is written. */
export interface VideoOutput {
  /** `auto`: what the codecs need, else MP4, which all clients play. */
  readonly format?: "auto" | "mp4" | "webm";
  /** `none`: the sound alone. Left out: by the format. */
  readonly codec?: "h264" | "vp9" | "av1" | "none";
  /** `none`: muted. Left out: by the format. */
  readonly audio?: "aac" | "opus" | "none";
  /** 1–100. Left out: the endpoint's. */
  readonly quality?: number;
  /** Instead of the whole: a part of its stream. */
  readonly part?: StreamPart;
}

/** The one intermediate form: made by URL languages, carried out by engines, independent of both. */
export interface Transformation {
  readonly steps: readonly Step[];
  readonly output: Output;
}
