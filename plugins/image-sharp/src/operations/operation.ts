import type { Size, Step, StepOf } from "@mediatap/core";
import type { Box, Paint, Rgba, StepRegistry, StepStage } from "@mediatap/core/steps";
import type { Bounds } from "../effects/pool.ts";
import type { Pixels } from "../pixels/buffer.ts";
import type { Search } from "../read/focus.ts";
import type { SlotValue } from "./pass.ts";

/** Fills what is clear, and the area around, with a paint that depends on the picture. */
export interface Fill {
  readonly kind: "fill";
  /** Size of the result, and where the picture lies on it. Left out: the picture's own. */
  readonly canvas?: Box;
  readonly paint: Paint;
}

/** A layer that changes the shape of the picture, or moves its pixels. */
export interface Reshape {
  readonly kind: "reshape";
  readonly step: StepOf<"overlay">;
}

/** Work on pixels between two pipelines. */
export interface Effect {
  readonly kind: "effect";
  readonly words: string;
  /** Carries it out on all frames. */
  run(pixels: Pixels, bounds: Bounds): Promise<Pixels>;
}

/** A step of a third party. */
export interface Foreign {
  readonly kind: "foreign";
  readonly step: Step;
}

export type OperationWork = SlotValue | Fill | Reshape | Effect | Foreign;

/** The stages of a step, and what is known of the picture after it. */
export interface OperationResult {
  readonly work: readonly OperationWork[];
  /** Only pixels show the size after the step. */
  readonly sizeUnknown?: boolean;
  readonly alpha: boolean;
  readonly note?: string;
}

/** The picture before a step. */
export interface Context extends StepStage {
  /** Size after the step, by its definition. */
  readonly after: Size;
  readonly registry: StepRegistry;
  readonly alpha: boolean;
  readonly animated: boolean;
  /** It is a drawing still, which can be drawn at any size. */
  readonly vector?: boolean;
  /** Opaque pictures are scaled down in linear light. */
  readonly linear?: boolean;
  /** What is looked for later. */
  readonly searches?: readonly Search[];
}

export type Operation<K extends Step["op"]> = (step: StepOf<K>, context: Context) => OperationResult;

/** Estimated milliseconds of one core for a step on one frame, measured with photographs. */
export type Price<S> = (step: S, before: Size, after: Size) => number;

/** The prices of operations by their names. An operation without one costs as much as a simple one. */
export type Prices = { readonly [K in Step["op"]]?: Price<StepOf<K>> };

export const CLEAR: Rgba = { r: 0, g: 0, b: 0, alpha: 0 };

/** Leaves the transparency alone. */
export const tone = (work: readonly OperationWork[], { alpha }: Context): OperationResult => ({
  work,
  alpha,
});
