import { type Limits, MediaError, type Probe, type Size, type Step } from "@mediatap/core";
import { branchOf, type Scope, scopeOf } from "@mediatap/core/steps";
import type { Graph, GraphContext } from "./model.ts";
import { OPERATIONS } from "./operations.ts";
import { createPicture } from "./picture.ts";
import { type Track, tempo } from "./sound.ts";
import { createTimeline } from "./timeline.ts";
import { seconds } from "./units.ts";
/**
 * Lays out steps as filters of ffmpeg. Sizes are those that pictures get by the same steps, an odd one without its last
 * column or line. Throws `EUNSUPPORTED` or `EINVAL` for a step that videos cannot have, `ELIMIT` for a size beyond the limits.
 */
export function graphOf(steps: readonly Step[], probe: Probe, context: GraphContext): Graph {
  const { limits, soundOnly = false } = context;
  const shown = soundOnly ? undefined : probe.video;
  const scope: Scope = { ...context.scope, originalDuration: probe.duration };
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
        const drawer = OPERATIONS[step.op];
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
