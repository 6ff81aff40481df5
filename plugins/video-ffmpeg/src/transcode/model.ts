import type { Limits, Size, StepOf } from "@mediatap/core";
import type { Scope, Stretch } from "@mediatap/core/steps";
import type { Tools } from "../process/tools.ts";
import type { LayerFiles, VideoFile } from "./files.ts";
import type { MaskOptions } from "./mask.ts";
import type { SubtitleOptions } from "./subtitles.ts";
import type { Times } from "./timeline.ts";

// What steps come to on a video: the types that its parts share.

/** What steps come to on a video. */
export interface Graph {
  /** What is read of the source: `-ss` and `-t` of the input. */
  readonly stretch: Stretch;
  /** Whether that is less than all. */
  readonly clipped: boolean;
  /** How much faster it plays. */
  readonly factor: number;
  /** Seconds of the result. */
  readonly duration: number;
  /**
   * Left out: the source has no picture. `rate`: as ffmpeg takes it; `fps` is its number. `uneven`: frames keep their own times, and
   * `fps` is their mean; `paced`: their times are uneven in the source, and get that rate before all else.
   */
  readonly picture?: {
    /** Even on both sides. */
    readonly size: Size;
    readonly rate: string;
    readonly fps: number;
    readonly uneven: boolean;
    readonly paced: boolean;
    /** Nothing is done but what all results need. */
    readonly plain: boolean;
    wire(ends: PictureEnds): string;
  };
  /** What is done to the sound, without what sets its form. */
  readonly sound: readonly Piece[];
  /** Sound of layers is mixed in, whether there is any below or not. */
  readonly isMixed: boolean;
  /** There is something to hear. */
  readonly isAudible: boolean;
  readonly layers: readonly LayerOptions[];
  readonly masks: readonly MaskOptions[];
  readonly videos: readonly VideoLayer[];
  readonly subtitles: readonly SubtitleOptions[];
  /** What is done, in words. */
  readonly words: readonly string[];
}

/** Where a picture's filters begin and end, and what stands beside the video. */
export interface PictureEnds {
  /** Label of the pictures: `0:v:0`. */
  readonly from: string;
  readonly to: string;
  /** Label of a further input. */
  readonly extra: Wires["extra"];
  /** Seconds of the result at which this run begins. @default 0 */
  readonly offset?: number;
  /** Begins all labels of its own; to be chosen where several graphs stand in one. @default "g" */
  readonly prefix?: string;
  /** Filters behind all others, for instance the scaling to a rung. */
  readonly more?: readonly string[];
}

export interface GraphContext {
  readonly limits: Limits;
  readonly tools: Tools;
  /** Only the sound is wanted: what is said of pictures counts for nothing. @default false */
  readonly soundOnly?: boolean;
  /** Frames a second, as ffmpeg takes them. @default as the source, within the limits */
  readonly rate?: string;
  /** What layers of videos and subtitles show. Left out: there can be none. */
  readonly files?: LayerFiles;
  /** Further variables, for instance `bw` in a layer. */
  readonly scope?: Scope;
  /** Clear parts stay clear: of a layer. @default false */
  readonly keepsAlpha?: boolean;
}

/** A layer that the image engine draws, on a clear canvas as large as the picture at that point. */
export interface LayerOptions {
  readonly kind: "layer";
  readonly step: StepOf<"overlay">;
  /** Size of the picture below. */
  readonly base: Size;
  /** When it shows, in seconds of the picture below; left out: always. */
  readonly time?: Times;
}

/** A video that lies on the video. */
export interface VideoLayer {
  readonly kind: "video";
  readonly file: VideoFile;
  readonly graph: Graph;
  /** Seconds of it that are shown, at most. */
  readonly seconds: number;
}

/** A file that filters read beside the video: one of `Graph.layers`, `Graph.masks` or `Graph.videos`, or of those within. */
export type Extra = LayerOptions | MaskOptions | VideoLayer;

/** What a piece is wired to. */
export interface Wires {
  readonly from: string;
  readonly to: string;
  /** A label that nothing else has. */
  label(): string;
  /** The label of a further input: of its pictures, or of its sound. */
  extra(extra: Extra, track?: "sound"): string;
  /** Seconds of the result at which this run begins, in the time that the filter sees. */
  readonly offset: number;
}

/** A part of the graph: filters in a row, or a wiring of its own. */
export type Piece = string | ((wires: Wires) => readonly string[]);
