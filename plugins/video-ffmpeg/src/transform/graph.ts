import {
  branchOf,
  evaluate,
  type Limits,
  MediaError,
  type Paint,
  type Probe,
  parentScope,
  type Scope,
  type Size,
  type Step,
  type StepOf,
  type Stretch,
  scopeOf,
  stretchOf,
} from "@mediatap/core";
import type { FileProbe } from "../probe.ts";
import type { Tools } from "../tools.ts";
import { drawers } from "./draws.ts";
import type { LayerFiles, VideoFile } from "./files.ts";
import type { MaskWish } from "./mask.ts";
import { type Piece, type Wires, wire } from "./pieces.ts";
import { mixed } from "./sound.ts";
import { beginning } from "./start.ts";
import { type SubtitleWish, USUAL_SIZE } from "./subtitles.ts";

/** A layer that the image engine draws, on a clear canvas as large as the picture at that point. */
export interface LayerWish {
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
  /** Left out: the source has no picture. `rate`: as ffmpeg takes it; `fps` is its number. */
  readonly picture?: {
    /** Even on both sides. */
    readonly size: Size;
    readonly rate: string;
    readonly fps: number;
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
  readonly layers: readonly LayerWish[];
  readonly masks: readonly MaskWish[];
  readonly videos: readonly VideoLayer[];
  readonly subtitles: readonly SubtitleWish[];
  /** What is done, in words. */
  readonly words: readonly string[];
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

/** The state of a picture while steps are laid out. */
export interface Drafting {
  readonly original: Size;
  readonly scope: Scope;
  /** Size after the pieces so far. */
  current: Size;
  /** Adds filters. What is added first has the pictures brought to their common form, unless it is a scaling. */
  add(...pieces: readonly Piece[]): void;
  scale(to: Size): void;
  /** Paint that the next `flatten` lays behind what the step at hand leaves clear; black where there is none. */
  readonly behind: Paint;
  /** Notes what filters read beside the video. */
  layer(step: StepOf<"overlay">): LayerWish;
  mask(wish: MaskWish): MaskWish;
  video(step: StepOf<"overlay">): { readonly video: VideoLayer; readonly time: Times };
  subtitles(step: StepOf<"overlay">): string;
  /** Seconds of the filter, for seconds of the picture as it is at this point. */
  clock(): (seconds: number, offset: number) => number;
}

/** When a layer shows, in seconds of the picture below. */
export interface Times {
  readonly start: number;
  readonly end: number;
}

/**
 * Lays out steps as filters of ffmpeg. Sizes are those that pictures get by the same steps, an odd one without its last
 * column or line. Throws `EUNSUPPORTED` or `EINVAL` for a step that videos cannot have, `ELIMIT` for a size beyond the limits.
 */
export function graphOf(steps: readonly Step[], probe: Probe, context: GraphContext): Graph {
  const { limits, tools, soundOnly = false, files, keepsAlpha = false } = context;
  const { video } = probe;
  const { interlaced = false } = probe as Partial<FileProbe>;
  const shown = soundOnly ? undefined : video;
  const original: Size = video ?? { width: 0, height: 0 };
  const scope: Scope = { ...context.scope, idu: probe.duration };
  const fps = Math.min(video?.rate ?? 25, limits.videoRate);
  const rate = context.rate ?? rateOf(fps);
  const left = [...steps];
  const pieces: { piece: Piece; factor: number }[] = [];
  const layers: LayerWish[] = [];
  const masks: MaskWish[] = [];
  const videos: VideoLayer[] = [];
  const subtitles: (() => SubtitleWish)[] = [];
  const sound: Piece[] = [];
  let gain = probe.audio ? 1 : 0;
  let isMixed = false;
  const words: string[] = [];
  let stretch: Stretch = { start: 0, duration: probe.duration };
  let factor = 1;
  let begun = false;
  let step: Step | undefined;

  const push = (piece: Piece) => pieces.push({ piece, factor });
  const begin = (size: Size) => {
    begun = true;
    const behind = keepsAlpha ? undefined : behindOf(steps, "alpha");
    if (video) for (const piece of beginning(video, size, behind, tools, interlaced)) push(piece);
  };
  const draft: Drafting = {
    original,
    scope,
    current: original,
    add(...more) {
      if (!begun) begin(original);
      for (const piece of more) push(piece);
    },
    scale(to) {
      if (!begun) begin(to);
      else if (!same(to, draft.current)) push(`scale=${to.width}:${to.height},setsar=1`);
      draft.current = to;
    },
    get behind() {
      return behindOf(left, "next");
    },
    clock() {
      const [epoch, here] = [stretch.start, factor];
      return (at, offset) => at + (epoch - stretch.start) / here - offset;
    },
    layer(overlay) {
      const time = timesOf(overlay);
      const wish: LayerWish = { kind: "layer", step: overlay, base: draft.current, ...(time && { time }) };
      layers.push(wish);
      return wish;
    },
    mask(wish) {
      masks.push(wish);
      return wish;
    },
    video(overlay) {
      const { layer } = overlay;
      if (layer.kind !== "video") throw new TypeError("Expected a layer of a video");
      if (!files) throw new MediaError("EUNSUPPORTED", "Not supported in streams: layers of videos");
      const file = files.video(layer.path);
      const lasts = stretch.duration / factor;
      const graph = graphOf(layer.steps, file.probe, {
        ...context,
        soundOnly,
        keepsAlpha: true,
        scope: { ...parentScope(draft.current), bdu: lasts },
      });
      const time = timesOf(overlay) ?? { start: 0, end: lasts };
      const shown = Math.min(time.end, lasts) - time.start;
      // An animation goes on as long as it is to be seen.
      const seconds = file.demuxer === "gif" ? shown : Math.min(shown, graph.duration);
      const wish: VideoLayer = { kind: "video", file, graph, seconds };
      videos.push(wish);
      if (graph.isAudible) {
        const clock = draft.clock();
        sound.push(mixed(wish, () => clock(time.start, 0)));
        isMixed = true;
        gain = Math.max(gain, 1);
      }
      return { video: wish, time: { start: time.start, end: time.start + seconds } };
    },
    subtitles(overlay) {
      const { layer } = overlay;
      if (layer.kind !== "subtitles") throw new TypeError("Expected a layer of subtitles");
      if (!files) throw new MediaError("EUNSUPPORTED", "Not supported in streams: subtitles burnt in");
      if (!tools.filters.has("ass")) {
        throw new MediaError(
          "EUNSUPPORTED",
          "Not supported here: this server's ffmpeg cannot draw subtitles",
        );
      }
      const { path, style } = layer;
      const [base, here, clock, time] = [draft.current, factor, draft.clock(), timesOf(overlay)];
      const inside = scopeOf(original, base, { ...scope, bw: base.width, bh: base.height });
      const size = style.size === undefined ? base.height * USUAL_SIZE : evaluate(style.size, inside);
      const font = style.font === undefined ? undefined : files.font(style.font);
      const name = `subtitles-${subtitles.length}`;
      subtitles.push(() => {
        // What is said belongs to the source's own time.
        const from = time ? clock(time.start, 0) : 0;
        const to = time ? clock(time.end, 0) : Number.POSITIVE_INFINITY;
        const cues = files.cues(path).flatMap((cue) => {
          const start = Math.max(from, (cue.start - stretch.start) / here);
          const end = Math.min(to, (cue.end - stretch.start) / here);
          return end > Math.max(0, start) ? [{ ...cue, start, end }] : [];
        });
        return { name, cues, style, size, base, ...(font && { font }) };
      });
      return name;
    },
  };
  const timesOf = (overlay: StepOf<"overlay">) => {
    const lasts = stretch.duration / factor;
    return showing(overlay, lasts, scopeOf(original, draft.current, { ...scope, bdu: lasts }));
  };

  for (step = left.shift(); step; step = left.shift()) {
    switch (step.op) {
      case "when":
        left.unshift(...branchOf(step, scopeOf(original, draft.current, scope)));
        break;
      case "clip": {
        const inner = stretchOf(step, stretch.duration / factor, scope);
        stretch = { start: stretch.start + inner.start * factor, duration: inner.duration * factor };
        words.push(`clip ${seconds(stretch.start)}–${seconds(stretch.start + stretch.duration)} s`);
        break;
      }
      case "speed":
        factor *= step.factor;
        sound.push(...tempo(step.factor));
        if (shown) draft.add(`setpts=PTS/${step.factor}`);
        words.push(`speed ${step.factor}`);
        break;
      case "volume":
        sound.push(`volume=${step.gain}`);
        gain *= step.gain;
        words.push(`volume ${step.gain}`);
        break;
      default: {
        const drawer = drawers[step.op];
        if (!drawer) throw new MediaError("EUNSUPPORTED", `Not supported on videos: ${step.op}`);
        if (soundOnly) {
          if (step.op === "overlay" && step.layer.kind === "video") draft.video(step);
          break;
        }
        if (!shown) throw new MediaError("EINVAL", `Expected a video with a picture for ${step.op}`);
        drawer(step as never, draft);
        assertSize(draft.current, step.op, limits);
        words.push(`${step.op} ${draft.current.width}x${draft.current.height}`);
      }
    }
  }

  const duration = stretch.duration / factor;
  const base = {
    stretch,
    clipped: stretch.start > 0 || stretch.duration < probe.duration,
    factor,
    duration,
    sound,
    isMixed,
    isAudible: gain > 0,
    layers,
    masks,
    videos,
    subtitles: subtitles.map((finish) => finish()),
    words,
  };
  if (!shown) return base;
  const plain = !begun && !interlaced;
  if (!begun) begin(original);
  const size = even(draft.current);
  if (!same(size, draft.current)) push(cropped(size));
  push(`fps=${rate}`);
  return {
    ...base,
    picture: {
      size,
      rate,
      fps,
      plain,
      wire: ({ from, to, extra, offset = 0, prefix = "g", more = [] }) =>
        wire([...pieces, ...more.map((piece) => ({ piece, factor }))], {
          from,
          to,
          prefix,
          extra,
          // Time before a change of speed runs as the source's does.
          offset: (here) => (offset * factor) / here,
        }),
    },
  };
}

export const same = (a: Size, b: Size) => a.width === b.width && a.height === b.height;

/** Encoders take chroma of half the size: an odd side loses its last column or line. */
export const even = ({ width, height }: Size): Size => ({ width: evenSide(width), height: evenSide(height) });
const evenSide = (side: number) => Math.max(2, side - (side % 2));

/** A side of one pixel is stretched to two. */
const cropped = ({ width, height }: Size) =>
  `scale=max(iw\\,2):max(ih\\,2),crop=${width}:${height}:0:0:exact=1,setsar=1`;

export const seconds = (value: number): string => String(Number(value.toFixed(3)));

function assertSize(size: Size, op: string, limits: Limits): void {
  const side = Math.max(size.width, size.height);
  if (side <= limits.videoSide) return;
  throw new MediaError(
    "ELIMIT",
    `Expected at most ${limits.videoSide} pixels a side of a video after ${op} but received ${side}`,
  );
}

/** Rates of NTSC are fractions of 1001. */
function rateOf(fps: number): string {
  const thousand = (fps * 1001) / 1000;
  const whole = Math.round(thousand);
  if (Number.isInteger(fps)) return String(fps);
  return Math.abs(thousand - whole) < 0.002 ? `${whole}000/1001` : fps.toFixed(3);
}

/** ffmpeg changes tempo by 0.5 and more at a time. */
function tempo(factor: number): string[] {
  return factor < 0.5 ? ["atempo=0.5", ...tempo(factor / 0.5)] : [`atempo=${factor}`];
}

/** What is laid behind clear parts: by the next `flatten`, or, for a source that has such parts, by the first that tells. */
function behindOf(steps: readonly Step[], what: "next" | "alpha"): Paint {
  for (const step of steps) {
    if (step.op === "flatten") return step.background;
    if (
      what === "alpha" &&
      (step.op === "resize" || step.op === "extract") &&
      step.background?.kind === "color"
    )
      return step.background;
  }
  return { kind: "color", color: { r: 0, g: 0, b: 0, alpha: 1 } };
}

/** When a layer shows; left out: always. Throws `EINVAL` for times that are none. */
function showing({ time }: StepOf<"overlay">, duration: number, scope: Scope): Times | undefined {
  if (!time) return undefined;
  const of = (name: "start" | "end" | "duration") =>
    time[name] === undefined ? undefined : evaluate(time[name], scope);
  const start = of("start") ?? 0;
  const lasts = of("duration");
  const end = of("end") ?? (lasts === undefined ? duration : start + lasts);
  if (start < 0 || !(end > start)) {
    throw new MediaError("EINVAL", "Expected a layer that ends after it begins");
  }
  return { start, end: Math.min(end, duration + 1) };
}
