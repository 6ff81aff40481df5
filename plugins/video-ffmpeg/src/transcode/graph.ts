import {
  branchOf,
  type Limits,
  MediaError,
  type Probe,
  type Scope,
  type Size,
  type Step,
  type Stretch,
  scopeOf,
} from "@mediatap/core";
import type { Tools } from "../process/tools.ts";
import { drawers } from "./draws.ts";
import type { LayerFiles } from "./files.ts";
import type { MaskOptions } from "./mask.ts";
import type { LayerOptions, VideoLayer } from "./overlays.ts";
import { createPicture } from "./picture.ts";
import { type Track, tempo } from "./sound.ts";
import type { SubtitleOptions } from "./subtitles.ts";
import { createTimeline } from "./timeline.ts";
import { seconds } from "./units.ts";
import type { Piece, Wires } from "./wiring.ts";

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

/**
 * Lays out steps as filters of ffmpeg. Sizes are those that pictures get by the same steps, an odd one without its last
 * column or line. Throws `EUNSUPPORTED` or `EINVAL` for a step that videos cannot have, `ELIMIT` for a size beyond the limits.
 */
export function graphOf(steps: readonly Step[], probe: Probe, context: GraphContext): Graph {
  const { limits, soundOnly = false } = context;
  const shown = soundOnly ? undefined : probe.video;
  const scope: Scope = { ...context.scope, idu: probe.duration };
  const left = [...steps];
  const timeline = createTimeline(probe.duration, scope);
  const track: Track = { pieces: [], gain: probe.audio ? 1 : 0, isMixed: false };
  const picture = createPicture({ probe, context, steps, left, scope, timeline, track, graphOf });
  const { draft } = picture;
  const words: string[] = [];

  for (let step = left.shift(); step; step = left.shift()) {
    switch (step.op) {
      case "when":
        left.unshift(...branchOf(step, scopeOf(draft.original, draft.current, scope)));
        break;
      case "clip": {
        timeline.clip(step);
        const { start, duration } = timeline.stretch;
        words.push(`clip ${seconds(start)}–${seconds(start + duration)} s`);
        break;
      }
      case "speed":
        timeline.speed(step.factor);
        track.pieces.push(...tempo(step.factor));
        if (shown) draft.add(`setpts=PTS/${step.factor}`);
        words.push(`speed ${step.factor}`);
        break;
      case "volume":
        track.pieces.push(`volume=${step.gain}`);
        track.gain *= step.gain;
        words.push(`volume ${step.gain}`);
        break;
      default: {
        const drawer = drawers[step.op];
        if (!drawer) throw new MediaError("EUNSUPPORTED", `Not supported on videos: ${step.op}`);
        if (soundOnly) {
          if (step.op === "overlay" && step.layer.kind === "video") draft.video(step);
          break;
        }
        if (!shown) throw new MediaError("EINVAL", `Expected a source with a video track for ${step.op}`);
        drawer(step as never, draft);
        assertSize(draft.current, step.op, limits);
        words.push(`${step.op} ${draft.current.width}x${draft.current.height}`);
      }
    }
  }

  const { stretch, factor, lasts } = timeline;
  return {
    stretch,
    clipped: stretch.start > 0 || stretch.duration < probe.duration,
    factor,
    duration: lasts,
    sound: track.pieces,
    isMixed: track.isMixed,
    isAudible: track.gain > 0,
    ...picture.gathered(),
    words,
    ...(shown && { picture: picture.finish() }),
  };
}

function assertSize(size: Size, op: string, limits: Limits): void {
  const side = Math.max(size.width, size.height);
  if (side <= limits.videoSide) return;
  throw new MediaError(
    "ELIMIT",
    `Expected at most ${limits.videoSide} pixels a side of a video after ${op} but received ${side}`,
  );
}
