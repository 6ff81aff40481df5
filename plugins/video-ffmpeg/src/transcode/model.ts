import type { Limits, Size, StepOf } from "@mediatap/core";
import type { Scope, Stretch } from "@mediatap/core/steps";
import type { Tools } from "../process/tools.ts";
import type { LayerFiles, VideoFile } from "./files.ts";
import type { SubtitleOptions } from "./subtitles.ts";
import type { Times } from "./timeline.ts";

// The types of a filter graph.

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
  /** Left out: the source has no video track, or only its audio is needed. */
  readonly picture?: Picture;
  /** Filters of the audio, without those that set its form. */
  readonly audio: readonly Filter[];
  /** Audio of layers is mixed in, whether there is any below or not. */
  readonly isMixed: boolean;
  /** There is something to hear. */
  readonly isAudible: boolean;
  /** Inputs beside the video. */
  readonly inputs: readonly ExtraInput[];
  readonly subtitles: readonly SubtitleOptions[];
  /** What is done, in words. */
  readonly words: readonly string[];
}

/** The frames of a result. */
export interface Picture {
  /** Even on both sides. */
  readonly size: Size;
  /** As ffmpeg reads it; `fps` is its number. */
  readonly rate: string;
  readonly fps: number;
  /** Frames keep their own times, and `fps` is their mean. */
  readonly uneven: boolean;
  /** Their times are uneven in the source; the first filter gives them that rate. */
  readonly paced: boolean;
  /** No step changes them. */
  readonly plain: boolean;
  /** The filters as text. */
  wire(ends: PictureEnds): string;
}

export interface PictureEnds {
  /** Label of the frames: `0:v:0`. */
  readonly from: string;
  readonly to: string;
  readonly extra: Links["extra"];
  /** Seconds of the result at which this run begins. @default 0 */
  readonly offset?: number;
  /** Begins all its own labels; to be chosen if several graphs stand in one. @default "g" */
  readonly prefix?: string;
  /** Filters after all others, for instance the scaling to a rung. */
  readonly more?: readonly string[];
}

export interface GraphContext {
  readonly limits: Limits;
  readonly tools: Tools;
  /** Only the audio is needed: steps of the frames are ignored. @default false */
  readonly audioOnly?: boolean;
  /** Frames a second, as ffmpeg reads them. @default as the source, within the limits */
  readonly rate?: string;
  /** The files of layers of videos and subtitles. Left out: there can be none. */
  readonly files?: LayerFiles;
  /** Further variables, for instance `parentWidth` in a layer. */
  readonly scope?: Scope;
  /** Transparency is kept: of a layer. @default false */
  readonly keepsAlpha?: boolean;
}

/** A layer that the image engine draws, on a transparent canvas as large as the frame at that point. */
export interface ImageLayer {
  readonly kind: "layer";
  readonly step: StepOf<"overlay">;
  /** Size of the frame below. */
  readonly base: Size;
  /** When it shows, in seconds of the frames below; left out: always. */
  readonly time?: Times;
}

/** A mask of the corners of a frame. */
export interface Mask {
  readonly kind: "mask";
  readonly radius: StepOf<"round">["radius"];
  readonly size: Size;
  /** What is cut off, instead of what stays. */
  readonly inverted: boolean;
}

/** A video that lies on the video. */
export interface VideoLayer {
  readonly kind: "video";
  readonly file: VideoFile;
  readonly graph: Graph;
  /** Seconds of it that are shown, at most. */
  readonly seconds: number;
  /** When it shows, in seconds of the frames below. */
  readonly time: Times;
}

/** A file that filters read beside the video. */
export type ExtraInput = ImageLayer | Mask | VideoLayer;

/** The links of a filter. */
export interface Links {
  readonly from: string;
  readonly to: string;
  /** A label that nothing else has. */
  label(): string;
  /** The label of an extra input: of its frames, or of its audio. */
  extra(input: ExtraInput, track?: "audio"): string;
  /** Seconds of the result at which this run begins, in the time that the filter sees. */
  readonly offset: number;
}

/** Filters in a row, or a subgraph with its own links. */
export type Filter = string | ((links: Links) => readonly string[]);
