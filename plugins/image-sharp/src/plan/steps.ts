import type { FocusBox, Size, Step } from "@mediatap/core";
import {
  assertSizeAfter,
  branchOf,
  facesAfter,
  type SizeBounds,
  scopeOf,
  sizeAfter,
} from "@mediatap/core/steps";
import { planStep } from "../operations/index.ts";
import type { Context, Effect, Fill, Foreign, OperationWork, Reshape } from "../operations/operation.ts";
import { addToPass, isEmpty, layerWords, type Pass, wordsOf } from "../operations/pass.ts";

/** A run of one pipeline, or something between two. */
export type Stage = { readonly kind: "pass"; readonly pass: Pass } | Fill | Reshape | Effect | Foreign;

/** A step as it is carried out, with the sizes around it. */
export interface SizedStep {
  readonly step: Step;
  readonly before: Size;
  readonly after: Size;
}

/** Steps as far as their sizes are known without pixel work. */
export interface KnownStages {
  readonly stages: readonly Stage[];
  /** Remaining steps: the size that they start from is known only once these stages have run. */
  readonly remaining: readonly Step[];
  readonly size: Size;
  readonly alpha: boolean;
  /** Faces and focal point in the output of the stages, if known; ignores a trim at the end. */
  readonly faces?: readonly FocusBox[];
  /** The operation after which only pixels show the size. */
  readonly sizeUnknownAfter?: string;
}

/** All steps; sizes that only pixels show are estimated. */
export interface StepsPlan {
  /** The steps that the stages carry out; conditions are decided. */
  readonly steps: readonly SizedStep[];
  readonly stages: readonly Stage[];
  readonly size: Size;
  readonly alpha: boolean;
  /** The step of another plugin that may have made an opaque picture transparent. */
  readonly clearedBy?: string;
  readonly notes: readonly string[];
  /** What of it can be carried out before a size has to be measured. */
  readonly known: KnownStages;
}

/** The picture before the first step. */
type PlanContext = Omit<Context, "after">;

/**
 * Plans steps as few pipelines as their order allows. A new pipeline starts where libvips would do things in another order than
 * requested, and where something needs the pixels.
 */
export class Planner {
  readonly #context: PlanContext;
  readonly #stages: Stage[] = [];
  readonly #sizedSteps: SizedStep[] = [];
  readonly #notes = new Set<string>();
  #pass: Pass = {};
  #current: Size;
  #alpha: boolean;
  #faces: readonly FocusBox[] | undefined;
  #clearedBy: string | undefined;
  /** Once a size is not known. */
  #known: KnownStages | undefined;

  constructor(context: PlanContext) {
    this.#context = context;
    this.#current = context.current;
    this.#alpha = context.alpha;
    this.#faces = context.faces;
  }

  /** Adds steps. */
  add(steps: readonly Step[]): this {
    const { original, scope } = this.#context;
    if (this.#known) this.#known = { ...this.#known, remaining: [...this.#known.remaining, ...steps] };
    const queue = [...steps];
    for (let step = queue.shift(); step; step = queue.shift()) {
      if (step.op === "when") queue.unshift(...branchOf(step, scopeOf(original, this.#current, scope)));
      else if (this.#step(step))
        this.#known ??= { ...this.#state(), remaining: [...queue], sizeUnknownAfter: step.op };
    }
    return this;
  }

  /** Returns whether only pixels show the size after the step. */
  #step(step: Step): boolean {
    const { faces: _first, ...context } = this.#context;
    const [current, alpha, faces] = [this.#current, this.#alpha, this.#faces];
    const vector = context.vector === true && this.#stages.length === 0 && isEmpty(this.#pass);
    const input = { ...context, current, alpha, vector, ...(faces && { faces }) };
    const after = sizeAfter(step, input, context.registry);
    const result = planStep(step, { ...input, after });
    for (const work of result.work) this.#addWork(work);
    if (result.note !== undefined) this.#notes.add(result.note);
    this.#sizedSteps.push({ step, before: current, after });
    this.#current = after;
    if (!alpha && result.alpha && isForeign(result.work)) this.#clearedBy = step.op;
    this.#alpha = result.alpha;
    // Only pixels show what trimming leaves of them.
    if (step.op !== "trim") this.#faces = facesAfter(step, input, context.registry);
    if (result.sizeUnknown) this.#close();
    return result.sizeUnknown === true;
  }

  #addWork(work: OperationWork): void {
    if ("kind" in work) {
      this.#close();
      this.#stages.push(work);
    } else if (!addToPass(this.#pass, work)) {
      this.#close();
      addToPass(this.#pass, work);
    }
  }

  #close(): void {
    if (!isEmpty(this.#pass)) this.#stages.push({ kind: "pass", pass: this.#pass });
    this.#pass = {};
  }

  #state() {
    // The open pass may still grow.
    const open: Stage[] = isEmpty(this.#pass) ? [] : [{ kind: "pass", pass: { ...this.#pass } }];
    return {
      stages: [...this.#stages, ...open],
      size: this.#current,
      alpha: this.#alpha,
      ...(this.#faces && { faces: this.#faces }),
    };
  }

  /** The plan for the steps so far. */
  plan(): StepsPlan {
    const { faces, ...state } = this.#state();
    return {
      ...state,
      steps: [...this.#sizedSteps],
      ...(this.#alpha && this.#clearedBy && { clearedBy: this.#clearedBy }),
      notes: [...this.#notes],
      known: this.#known ?? { ...state, remaining: [], ...(faces && { faces }) },
    };
  }
}

/** Throws `ELIMIT` for a picture that is too large on its way. */
export function assertSizes({ steps }: StepsPlan, bounds: SizeBounds): void {
  for (const { step, before, after } of steps) assertSizeAfter(step, before, after, bounds);
}

const isForeign = (work: readonly OperationWork[]) =>
  work.some((one) => "kind" in one && one.kind === "foreign");

/** The stages in words. */
export const describe = (stages: readonly Stage[]): string[] => stages.map(wordsFor);

function wordsFor(stage: Stage): string {
  switch (stage.kind) {
    case "pass":
      return wordsOf(stage.pass).join(", ");
    case "fill":
      return `fill ${stage.canvas ? `${stage.canvas.width}x${stage.canvas.height} ` : ""}(${stage.paint.kind})`;
    case "reshape":
      return layerWords(stage.step);
    case "effect":
      return stage.words;
    case "foreign":
      return `step ${stage.step.op} of a plugin`;
  }
}
