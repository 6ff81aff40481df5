import type { Paint, Rgba } from "./colour.ts";
import type { Expression } from "./expression.ts";
import type { StreamPart } from "./stream.ts";

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
  /** All faces where they fit into the crop, else the largest; what catches the eye where none is known. */
  | "faces"
  /** A stored area of the asset; the centre where there is none. */
  | "custom";

/**
 * What can be done to a picture, one entry an operation; numbers in pixels, fractions or expressions. A third party
 * adds its own by declaration merging (`declare module "@mediatap/core" { interface Steps { … } }`) and
 * `steps.define`.
 */
export interface Steps {
  /** One frame, page or layer of the source, counted from 1; or, of a video, what it shows at `time` (then `page` is 1). */
  frame: {
    readonly page: number;
    /** Seconds from the beginning. */
    readonly time?: Expression;
  };
  /** What is kept of the time of a video, in seconds of the source. `end` outdoes `duration`. */
  clip: {
    /** @default 0 */
    readonly start?: Expression;
    readonly end?: Expression;
    readonly duration?: Expression;
  };
  /** Plays faster (above 1) or slower, sound at its own pitch; 0.25–4. */
  speed: { readonly factor: number };
  /** Loudness: 1 as it is, 0 silent, up to 4. */
  volume: { readonly gain: number };
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
    /** Multiplies width and height; ignored where a result would leave 1–5000 px. Zero or less is an error. */
    readonly dpr?: Expression;
    /** For `cover` and `contain`. Left out: the centre. */
    readonly focus?: Focus;
    /** For `cover` around faces: above 1 the crop shows so much less of what is around them. @default 1 */
    readonly zoom?: number;
    /** For `contain`; an opaque colour also lies behind clear parts of the picture. Left out: black, around it only. */
    readonly background?: Paint;
  };
  /**
   * Cuts a window out of the unscaled picture. A missing dimension is the picture's; with neither of them `faces` cuts the
   * box that holds all faces, made wider or higher up to `ratio`.
   */
  extract: {
    readonly width?: Length;
    readonly height?: Length;
    /** As in `resize`. */
    readonly ratio?: Expression;
    readonly dpr?: Expression;
    /** The window's corner (`from: "corner"`) or its middle; a missing one of the pair is 0. */
    readonly at?: { readonly from: "corner" | "center"; readonly x: Length; readonly y: Length };
    /** Where the window lies when `at` is left out. */
    readonly focus?: Focus;
    /** Around faces: below 1 the window shows more of what is around them, above 1 less. Its size stays. @default 1 */
    readonly zoom?: number;
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
  /**
   * A linear gradient over all of the picture, clear parts included. Colours are mixed premultiplied (CSS Images 3
   * §3.1), so that one fades into clear without a grey in between.
   */
  gradient: {
    /** The way it runs, in degrees: 0 to the top, 90 to the right. Its length reaches from corner to corner, as in CSS. */
    readonly angle: number;
    readonly from: Rgba;
    readonly to: Rgba;
    /** Where `to` is reached: up to 1 a fraction of the length, above that pixels. Zero or less is an error. */
    readonly stop: Expression;
  };
  /** Gives the picture another shape; around it the canvas is clear. */
  distort:
    | {
        readonly mode: "perspective";
        /**
         * Where the corners come to lie, clockwise from the top left one, in pixels from the picture's old top left
         * corner; a convex quadrilateral. The canvas grows where they lie outside, and never shrinks.
         */
        readonly corners: readonly [Point, Point, Point, Point];
      }
    | {
        readonly mode: "arc";
        /**
         * Degrees that the picture spans, up to 360: the middle rises, or sinks below 0. The middle line keeps its
         * length; the canvas is what the arc needs.
         */
        readonly angle: number;
      };
  /** A black shadow behind what is opaque. The canvas stays: only clear parts show it, so an opaque picture has none. */
  shadow: {
    /** Of the blur, in pixels. */
    readonly sigma: number;
    /** Opacity, 0–1. */
    readonly strength: number;
    /** Offset as a fraction of the width, -1–1; above 0 to the right. */
    readonly x: number;
    /** Offset as a fraction of the height, -1–1; above 0 to the bottom. */
    readonly y: number;
  };
  /** Lays hue and saturation of a colour on the picture, whose luminosity stays (the blend mode `color` of Compositing 1). */
  colorize: {
    readonly color: Rgba;
    /** 0–1. */
    readonly intensity: number;
  };
  /** Replaces one colour by another, its shades by the like shades. */
  recolor: {
    /** Where it is translucent, what was replaced becomes so. */
    readonly to: Rgba;
    /** Distance in CIELAB up to which a colour counts as `from`, 0–100; the effect fades over its last quarter. */
    readonly tolerance: number;
    /** Left out: the picture's dominant colour. */
    readonly from?: Rgba;
  };
  /** Lays a layer on the picture. Its size stays, unless the layer cuts it out. */
  overlay: {
    readonly layer: Layer;
    readonly place: Place;
    /** When it shows, on a video. Left out: all the time. */
    readonly time?: Showing;
    /** Left out: the layer covers what lies below. */
    readonly blend?: Blend;
  };
  /** Changes how the result is written: for branches of `when`. It outdoes the output, and what comes later outdoes it. */
  write: {
    readonly output: Pick<Output, "quality" | "lossless" | "progressive" | "colorProfile" | "metadata"> & {
      readonly format?: "source" | ImageFormat;
    };
  };
  /** Chooses steps by the picture's size. */
  when: { readonly if: Condition; readonly then: readonly Step[]; readonly else: readonly Step[] };
}

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

/** When a layer shows, in seconds of the video as it is played. `end` outdoes `duration`; in expressions `bdu` is the video's length. */
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
  /** `auto` is the format with the fewest bytes, where the endpoint says so. Left out: it is chosen by rule. */
  readonly smallest?: true;
  /** 1–100; `auto`: for each picture the least that looks as it should, as the engine is told. */
  readonly quality?: number | "auto";
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
