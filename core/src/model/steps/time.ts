import { z } from "zod";
import { invalid } from "../errors.ts";
import { type Expression, evaluate, type Scope } from "../expression.ts";
import type { StepOf } from "../transformation.ts";
import { foldTime } from "./canonical.ts";
import type { StepDefinition } from "./registry.ts";
import { stretch } from "./schema.ts";

declare module "../transformation.ts" {
  interface Steps {
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
  }
}

const clip: StepDefinition<StepOf<"clip">> = {
  schema: z.strictObject({ op: z.literal("clip"), ...stretch }),
  canonical(step) {
    const folded = foldTime(step);
    return Object.keys(folded).length === 0 ? undefined : { op: "clip", ...folded };
  },
  faces: "stay",
};

const speed: StepDefinition<StepOf<"speed">> = {
  schema: z.strictObject({ op: z.literal("speed"), factor: z.number().min(0.25).max(4) }),
  canonical: (step) => (step.factor === 1 ? undefined : step),
  faces: "stay",
};

const volume: StepDefinition<StepOf<"volume">> = {
  schema: z.strictObject({ op: z.literal("volume"), gain: z.number().min(0).max(4) }),
  canonical: (step) => (step.gain === 1 ? undefined : step),
  faces: "stay",
};

/** Steps that speak of time and sound. */
export const timeSteps = { clip, speed, volume };

/** A stretch of a video, in seconds of the source. */
export interface Stretch {
  readonly start: number;
  readonly duration: number;
}

/**
 * What a `clip` keeps of a video that lasts `duration` seconds. Throws `EINVAL` for a beginning or an end that is not within it;
 * an end a frame or so behind the last is the end.
 */
export function stretchOf(step: StepOf<"clip">, duration: number, scope: Scope = {}): Stretch {
  const known: Scope = { originalDuration: duration, ...scope };
  const of = (name: "start" | "end" | "duration") => {
    const value = step[name];
    return value === undefined ? undefined : evaluate(value, known);
  };
  const start = of("start") ?? 0;
  if (start < 0 || start >= duration)
    throw invalid("clip.start", `seconds from 0 to below ${shown(duration)}`, start);
  const end = of("end");
  if (end !== undefined) {
    if (end <= start || end > duration + 0.5) {
      throw invalid("clip.end", `seconds above ${shown(start)} up to ${shown(duration)}`, end);
    }
    return { start, duration: Math.min(end, duration) - start };
  }
  const length = of("duration");
  if (length === undefined) return { start, duration: duration - start };
  if (length <= 0 || length > duration + 0.5) {
    throw invalid("clip.duration", `seconds above 0 up to ${shown(duration)}`, length);
  }
  return { start, duration: Math.min(length, duration - start) };
}

const shown = (seconds: number) => String(Number(seconds.toFixed(2)));
