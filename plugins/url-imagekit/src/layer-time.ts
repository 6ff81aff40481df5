import type { Expression, Showing } from "@mediatap/core/steps";
import { assertExpressions, type Known } from "./expression.ts";
import type { Parameter } from "./tokenize.ts";
import { printTime, seconds } from "./video.ts";

/** When a layer shows on a video: parameters of the layer, and what they are in the model. */
export const TIMES = { lso: "start", leo: "end", ldu: "duration" } as const;

export const isTimeKey = (key: string): key is keyof typeof TIMES => Object.hasOwn(TIMES, key);

/** Seconds of the video, or an expression; `idu` is the layer's length, `bdu` the video's. */
export function timeOf(
  { key, value }: Parameter,
  known: { readonly known: Known; readonly tokens: number },
): Expression {
  const time = seconds(value, key);
  assertExpressions(time, known, value, key);
  return time;
}

export function printShowing({ start, end, duration }: Showing): (string | undefined)[] {
  return [printTime("lso", start), printTime("leo", end), printTime("ldu", duration)];
}
