import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Scope, Size } from "../expression.ts";
import type { FocusBox } from "../render-context.ts";
import type { Op, Step, StepOf } from "../transformation.ts";

/** The picture at a point of a chain. */
export interface Stage {
  /** Size of the original, upright. */
  readonly original: Size;
  /** Size before the step. */
  readonly current: Size;
  /** Further variables, for instance `parentWidth` in a layer. */
  readonly scope?: Scope;
  /** Faces in the picture before the step, and its focal point. Left out: none is known. */
  readonly faces?: readonly FocusBox[];
}

/** One whose faces are known. */
export type StageWithFaces = Stage & Required<Pick<Stage, "faces">>;

/** All that the core and the engines must know of an operation beside how to carry it out. */
export interface StepDefinition<S> {
  /** Checks a step once, at the border. Any Standard Schema library. */
  readonly schema: StandardSchemaV1<unknown, S>;
  /** The form that all equal requests share; `undefined`: it changes nothing and is dropped. */
  readonly canonical?: (step: S) => S | undefined;
  /** Size of the picture after the step. Left out: as before. */
  readonly size?: (step: S, stage: Stage) => Size;
  /**
   * Whether an opaque picture stays opaque. Left out, it may become transparent, so `auto` passes over formats that cannot hold
   * that: a photograph becomes a PNG of several times the size if the client accepts nothing better. @default false
   */
  readonly opaque?: boolean | ((step: S) => boolean);
  /**
   * Where the faces and the focal point are after the step; `stay`: where they were. `undefined`: only pixels tell, and so it is for a definition without.
   */
  readonly faces?: "stay" | ((step: S, stage: StageWithFaces) => readonly FocusBox[] | undefined);
  /**
   * Estimated milliseconds of one core, of an operation that a tap of the hook `step` carries out; engines price their own. Left
   * out: 4 for each megapixel of the larger side of the step.
   */
  readonly cost?: (step: S, before: Size, after: Size) => number;
}

/** The operations that a server knows. */
export interface StepRegistry {
  /** Adds an operation. A name that exists already is an error. */
  define<K extends Op>(op: K, definition: StepDefinition<StepOf<K>>): void;
  get(op: string): StepDefinition<Step> | undefined;
  /** Names of all operations. */
  list(): readonly string[];
}
