import type { Asset } from "./asset.ts";
import type { Size } from "./expression.ts";
import type { Job } from "./job.ts";
import type { Limits } from "./limits.ts";
import type { Remuxable } from "./remux.ts";
import type { Rendition } from "./rendition.ts";
import type { Source, SourceMetadata } from "./source.ts";
import type { Spans } from "./spans.ts";
import type { Step } from "./transformation.ts";

/**
 * What inspectors find out about a source; open to declaration merging. `kind`: of a file that is no
 * plain picture, by its first bytes alone. `embedded`: of an image. `preview`: the first frame, small and upright, in sRGB, with three
 * channels, or four if it has transparency, for those who look at pixels; it is not memoized. `faces`: none found is an empty list.
 * `attention`: the point that catches the eye. `focalPoint`: the one that somebody set for this image; its inspector reads it by
 * `RenderContext.open`, so that it is a source of the rendition.
 * `probe`: of a file with moving pictures or sound, `keyFrames`: of one with moving pictures. `remux`: of a file whose pictures can be packaged without encoding, or why
 * they cannot, in words for `explain`; its inspector reads `source` by ranges (`source.again`).
 */
export interface Inspections {
  kind: Kind;
  header: Header;
  embedded: Embedded;
  preview: RawFrame;
  faces: readonly FaceBox[];
  attention: Spot;
  focalPoint: Spot;
  probe: Probe;
  keyFrames: KeyFrames;
  remux: Remuxable | { readonly unfit: string };
}

/** What a file is that an image engine reads only by `RenderContext.decode`, that clients draw, or that nobody here reads. */
export interface Kind {
  /** As in its header. */
  readonly format: string;
  /** It is delivered as it is unless a picture of it is asked for: PDF, PSD, animated AVIF. */
  readonly document?: boolean;
  /** Clients draw it at any size, so steps have a meaning only if a raster format is asked for: SVG. */
  readonly scalable?: boolean;
}

/** The metadata in an image's header, one frame seen upright. */
export interface Header {
  /** Format by content: `jpeg`, `png`, `webp`, `avif`, `gif`, `svg`, `tiff` … */
  readonly format: string;
  /** Pixels, with the EXIF orientation applied. */
  readonly width: number;
  readonly height: number;
  /** Frames or pages; 1 for a still. */
  readonly frames: number;
  readonly alpha: boolean;
  /** Colours come from a palette. */
  readonly palette: boolean;
  /** Bits a channel. */
  readonly depth: number;
  /** EXIF orientation, 1–8. */
  readonly orientation: number;
  /** Each part of the file has something of all of the picture (progressive JPEG, interlaced PNG), so a decoder holds it whole. */
  readonly interlaced?: boolean;
  /** It carries a gain map, from which screens that can show more make HDR. */
  readonly gainMap?: boolean;
  /** It is an animation of which only the first frame can be read. */
  readonly moves?: boolean;
  /** Dots per inch, if the file says. */
  readonly density?: number;
  /** How much more work decoding is than for a plain picture of its size: drawings. Left out: 1. */
  readonly weight?: number;
  /** Seconds that it plays; left out of pictures. */
  readonly duration?: number;
  /** Sizes of the pages, where they differ; `width` and `height` are the first one's. */
  readonly pages?: readonly Size[];
  /** An image engine reads it only by `RenderContext.decode`. */
  readonly decode?: Decoding;
}

/** What the file of an image contains beside its header and its pixels. */
export interface Embedded {
  /** Of its samples. */
  readonly colorSpace: "rgb" | "gray" | "cmyk" | "lab";
  /** ICC profile (ICC.1:2022). */
  readonly profile?: Uint8Array;
  /** EXIF, with or without the identifier before its TIFF header. */
  readonly exif?: Uint8Array;
}

/** A point of a picture, from the upper left corner, in fractions of the picture's width and height. */
export interface Spot {
  readonly x: number;
  readonly y: number;
}

/** What it takes to decode a file. */
export interface Decoding {
  /** Estimated milliseconds of one core, whatever the size … */
  readonly cost: number;
  /** … and for a megapixel. */
  readonly megapixelCost: number;
  /** Estimated bytes at work, whatever the size … */
  readonly memory: number;
  /** … and for a pixel, those of the result included. */
  readonly pixelMemory: number;
  /** Bytes of the file that are read for it. Left out: all. */
  readonly bytes?: number;
  /** It has no pixels of its own and is drawn at the size that is wanted; its own size is at 72 dots per inch. */
  readonly vector?: boolean;
}

/** What of a file is wanted as pixels. */
export interface DecodeOptions {
  /** Counted from 1. Left out: the first. */
  readonly page?: number;
  /** Seconds from the beginning. */
  readonly time?: number;
  /** Size of the whole page in pixels, for what is drawn; anything else comes in its own. */
  readonly width?: number;
  readonly height?: number;
}

/** The metadata of a file with moving pictures or sound. */
export interface Probe {
  /** Container by content: `mp4`, `matroska`, `ogg`, `gif` … */
  readonly format: string;
  /** Seconds. */
  readonly duration: number;
  /** Bits a second, of the whole file. */
  readonly bitrate?: number;
  /** The main picture track; left out where there is only sound. */
  readonly video?: VideoTrack;
  /** The main sound track; left out where it is silent. */
  readonly audio?: AudioTrack;
  /** All tracks, in the order of the file. Left out: nothing is known of those beside the main ones. */
  readonly tracks?: readonly Track[];
}

/** A track of a file, by what it is for. */
export type Track = {
  /** As in BCP 47 or ISO 639-2; left out if the file does not say. */ readonly language?: string;
} & (
  | ({ readonly kind: "video" } & VideoTrack)
  | ({ readonly kind: "audio" } & AudioTrack)
  | { readonly kind: "subtitles" | "cover" | "data"; readonly codec: string }
);

export interface VideoTrack {
  /** `h264`, `hevc`, `vp9`. */
  readonly codec: string;
  /** Pixels, upright, of square pixels. */
  readonly width: number;
  readonly height: number;
  /** Clockwise degrees by which the stored pictures are turned to stand upright. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** Frames a second, on average. */
  readonly rate: number;
  /** `yuv420p`, `yuv420p10le` … */
  readonly pixels: string;
  readonly alpha: boolean;
  /** Transfer function: `bt709`, `smpte2084` (PQ), `arib-std-b67` (HLG). */
  readonly transfer?: string;
}

interface AudioTrack {
  readonly codec: string;
  readonly channels: number;
  /** Samples a second. */
  readonly rate: number;
}

/** The frames of a video that need none before them. */
export interface KeyFrames {
  /** Most seconds from one to the next, as far as the file was read. */
  readonly interval: number;
}

/** Where a face is in a picture, from the upper left corner, in fractions of the picture's width and height. */
export interface FaceBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A part of a picture at which crops look: a face, or the focal point, which has no size. */
export interface FocusBox extends FaceBox {
  /** @default false */
  readonly isFocalPoint?: boolean;
}

/** What a search for faces takes beside the preview that it looks at: milliseconds of one core, and bytes. */
export const FACES_PRICE = { cost: 350, memory: 90 * 1024 * 1024 } as const;

/**
 * An image as pixels, for steps that engines do not know. Always sRGB, whatever the source or the output is in, and upright;
 * colours are not multiplied by alpha.
 */
export interface RawFrame {
  /** Samples of 8 bits, pixel by pixel, row by row from the top, without padding. A tap may write into it and return it. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** 1: grey · 2: grey, alpha · 3: red, green, blue · 4: red, green, blue, alpha. Engines pass 3 or 4, and accept any. */
  readonly channels: number;
}

/**
 * One piece of shared work under one key. It knows no request. It is aborted when nobody waits for it any more,
 * or at its deadline.
 */
export interface RenderContext {
  readonly key: string;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  readonly limits: Limits;
  readonly spans: Spans;
  /** Every source opened so far; they end up in the record. */
  readonly sources: readonly SourceMetadata[];
  /** Opens a further source (layer, font, subtitle, default image), under the same guard and limits. */
  open(asset: Asset): Promise<Source>;
  /** A nested job, in its parent's place in the queue, to a bounded depth. */
  render(job: Job): Promise<Rendition>;
  /** What an inspector finds out about a source, once. `undefined`: no inspector knows this kind of file. */
  inspect<K extends keyof Inspections>(name: K, source: Source): Promise<Inspections[K] | undefined>;
  /** Whether any plugin taps `inspect` of that name. */
  hasInspector(name: keyof Inspections): boolean;
  /**
   * A source that no image engine reads (HEIC, PDF, a video's frame) → one that it reads, upright, one page. To be called when
   * the plan's turn has come: it is pixel work. What is requested for twice is decoded once. `undefined`: nobody decodes it.
   * Closed with the render.
   */
  decode(source: Source, request: DecodeOptions): Promise<Source | undefined>;
  /**
   * Carries out a step that the engine does not know, by the `step` hook. `size`: of the frame that comes back, by the
   * step's definition. `undefined`: no plugin carries it out.
   */
  step(frame: RawFrame, step: Step, size: Size): Promise<RawFrame | undefined>;
}
