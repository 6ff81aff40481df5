import type { RenderContext } from "./render-context.ts";
import type { PlanResult } from "./rendition.ts";

/** Queues with places of their own: quick pictures, slow pictures, video. */
export type Lane = "light" | "heavy" | "video";

/** What an engine would do for a job and a source. Made without pixel work. */
export interface Plan {
  /** Name of the engine's plugin. */
  readonly engine: string;
  readonly lane: Lane;
  /** Estimated milliseconds of one core. */
  readonly cost: number;
  /** Estimated peak of memory in bytes. */
  readonly memory: number;
  /**
   * Pixels of the longest side of the image that it makes, for `maxSide` of the endpoint; infinite if only its pixels tell. Left out: the
   * result has no pixels, or is no image.
   */
  readonly side?: number;
  /** What will be done and why, for people; plain data. */
  explain(): unknown;
  /** Does it. Called at most once, when the plan's turn has come. */
  run(context: RenderContext): Promise<PlanResult>;
}
