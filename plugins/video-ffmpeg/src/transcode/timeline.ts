import { MediaError, type StepOf } from "@mediatap/core";
import { evaluate, type Scope, type Stretch, stretchOf } from "@mediatap/core/steps";

/** When a layer shows, in seconds of the frames below. */
export interface Times {
  readonly start: number;
  readonly end: number;
}

/** Seconds that a filter sees, from seconds of the frames at that point; `offset`: second of the result at which its run begins. */
export type Clock = (seconds: number, offset: number) => number;

/** What of a source plays, and how fast, while steps are added. */
export class Timeline {
  stretch: Stretch;
  /** How much faster it plays. */
  factor = 1;
  readonly #scope: Scope;

  constructor(duration: number, scope: Scope) {
    this.stretch = { start: 0, duration };
    this.#scope = scope;
  }

  /** Seconds of what plays. */
  get duration(): number {
    return this.stretch.duration / this.factor;
  }

  /** Throws `EINVAL` for a beginning or an end that does not exist. */
  clip(step: StepOf<"clip">): void {
    const { start, duration } = stretchOf(step, this.duration, this.#scope);
    this.stretch = { start: this.stretch.start + start * this.factor, duration: duration * this.factor };
  }

  /** For a filter at this point; to be called when all steps are added, since ffmpeg begins later with a later clip. */
  clock(): Clock {
    const { stretch, factor } = this;
    return (at, offset) => at + (stretch.start - this.stretch.start) / factor - offset;
  }

  /** The same for seconds of the source. */
  sourceClock(): (seconds: number) => number {
    const { factor } = this;
    return (at) => (at - this.stretch.start) / factor;
  }

  /** When a layer shows; `undefined`: always. Throws `EINVAL` if it ends before it begins. */
  timesOf({ time }: StepOf<"overlay">, scope: Scope): Times | undefined {
    if (!time) return undefined;
    const { duration } = this;
    const of = (name: keyof typeof time) =>
      time[name] === undefined ? undefined : evaluate(time[name], scope);
    const start = of("start") ?? 0;
    const end = of("end") ?? (time.duration === undefined ? duration : start + (of("duration") ?? 0));
    if (start < 0 || !(end > start)) {
      throw new MediaError("EINVAL", "Expected a layer that ends after it begins");
    }
    return { start, end: Math.min(end, duration + 1) };
  }
}
