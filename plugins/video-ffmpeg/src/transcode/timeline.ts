import { MediaError, type StepOf } from "@mediatap/core";
import { evaluate, type Scope, type Stretch, stretchOf } from "@mediatap/core/steps";

/** When a layer shows, in seconds of the picture below. */
export interface Times {
  readonly start: number;
  readonly end: number;
}

/** Seconds that a filter sees, for seconds of the picture where it stands; `offset`: of the result, where its run begins. */
export type Clock = (seconds: number, offset: number) => number;

/** What of a source plays, and how fast, while steps are laid out. */
export interface Timeline {
  readonly stretch: Stretch;
  /** How much faster it plays. */
  readonly factor: number;
  /** Seconds of what plays. */
  readonly lasts: number;
  /** Throws `EINVAL` for a beginning or an end that is not there. */
  clip(step: StepOf<"clip">): void;
  speed(factor: number): void;
  /** For a filter at this point: asked once all is laid out, since a later clip has ffmpeg begin later. */
  clock(): Clock;
  /** The same for seconds of the source. */
  sourceClock(): (seconds: number) => number;
}

/** The time of a source that lasts so many seconds. */
export function createTimeline(duration: number, scope: Scope): Timeline {
  let stretch: Stretch = { start: 0, duration };
  let factor = 1;
  const lasts = () => stretch.duration / factor;
  return {
    get stretch() {
      return stretch;
    },
    get factor() {
      return factor;
    },
    get lasts() {
      return lasts();
    },
    clip(step) {
      const inner = stretchOf(step, lasts(), scope);
      stretch = { start: stretch.start + inner.start * factor, duration: inner.duration * factor };
    },
    speed(by) {
      factor *= by;
    },
    clock() {
      const [epoch, here] = [stretch.start, factor];
      return (at, offset) => at + (epoch - stretch.start) / here - offset;
    },
    sourceClock() {
      const here = factor;
      return (at) => (at - stretch.start) / here;
    },
  };
}

/** When a layer shows on what lasts `duration` seconds; left out: always. Throws `EINVAL` for times that are none. */
export function showing({ time }: StepOf<"overlay">, duration: number, scope: Scope): Times | undefined {
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
