import type { FocusBox, Size, Step } from "@mediatap/core";
import {
  assertSizeAfter,
  branchOf,
  facesAfter,
  type SizeBounds,
  scopeOf,
  sizeAfter,
} from "@mediatap/core/steps";
import { draw } from "../operations/index.ts";
import type { Context, Effect, Fill, Foreign, Reshape, Work } from "../operations/operation.ts";
import { isEmpty, layerWords, type Pass, put, wordsOf } from "../operations/pass.ts";

/** A run of one pipeline, or something between two. */
export type Part = { readonly kind: "pass"; readonly pass: Pass } | Fill | Reshape | Effect | Foreign;

/** A step as it is carried out, with the sizes around it. */
export interface Taken {
  readonly step: Step;
  readonly before: Size;
  readonly after: Size;
}

/** Steps as far as their sizes are known without pixel work. */
export interface Known {
  readonly parts: readonly Part[];
  /** Steps left over: the size that they start from is known only once the parts have been done. */
  readonly rest: readonly Step[];
  readonly size: Size;
  readonly alpha: boolean;
  /** Faces and focal point in what the parts make, where they are known; a trim at the end is not reckoned with. */
  readonly faces?: readonly FocusBox[];
  /** The operation after which only pixels tell the size. */
  readonly until?: string;
}

/** All steps; sizes that only pixels tell are guessed. */
export interface Planned {
  /** The steps that the parts stand for; conditions are decided. */
  readonly taken: readonly Taken[];
  readonly parts: readonly Part[];
  readonly size: Size;
  readonly alpha: boolean;
  /** The step of another plugin that may have made an opaque picture transparent. */
  readonly clearedBy?: string;
  readonly notes: readonly string[];
  /** What of it can be carried out before a size has to be measured. */
  readonly known: Known;
}

/** The picture before the first step. */
type PlanContext = Omit<Context, "after">;

/**
 * Plans steps as few pipelines as their order allows. A new pipeline starts where libvips would do things in another order than
 * requested, and where something needs the pixels.
 */
export class Planner {
  readonly #context: PlanContext;
  readonly #parts: Part[] = [];
  readonly #taken: Taken[] = [];
  readonly #notes = new Set<string>();
  #pass: Pass = {};
  #current: Size;
  #alpha: boolean;
  #faces: readonly FocusBox[] | undefined;
  #clearedBy: string | undefined;
  /** Once a size is not known. */
  #known: Known | undefined;

  constructor(context: PlanContext) {
    this.#context = context;
    this.#current = context.current;
    this.#alpha = context.alpha;
    this.#faces = context.faces;
  }

  /** Goes on with further steps. */
  take(steps: readonly Step[]): this {
    const { original, scope } = this.#context;
    if (this.#known) this.#known = { ...this.#known, rest: [...this.#known.rest, ...steps] };
    const left = [...steps];
    for (let step = left.shift(); step; step = left.shift()) {
      if (step.op === "when") left.unshift(...branchOf(step, scopeOf(original, this.#current, scope)));
      else if (this.#step(step)) this.#known ??= { ...this.#state(), rest: [...left], until: step.op };
    }
    return this;
  }

  /** Returns whether only pixels tell the size after the step. */
  #step(step: Step): boolean {
    const { faces: _first, ...context } = this.#context;
    const [current, alpha, faces] = [this.#current, this.#alpha, this.#faces];
    const vector = context.vector === true && this.#parts.length === 0 && isEmpty(this.#pass);
    const stage = { ...context, current, alpha, vector, ...(faces && { faces }) };
    const after = sizeAfter(step, stage, context.registry);
    const drawn = draw(step, { ...stage, after });
    for (const work of drawn.work) this.#add(work);
    if (drawn.note !== undefined) this.#notes.add(drawn.note);
    this.#taken.push({ step, before: current, after });
    this.#current = after;
    if (!alpha && drawn.alpha && isForeign(drawn.work)) this.#clearedBy = step.op;
    this.#alpha = drawn.alpha;
    // Only pixels tell what trimming leaves of them.
    if (step.op !== "trim") this.#faces = facesAfter(step, stage, context.registry);
    if (drawn.unsure) this.#close();
    return drawn.unsure === true;
  }

  #add(work: Work): void {
    if ("kind" in work) {
      this.#close();
      this.#parts.push(work);
    } else if (!put(this.#pass, work)) {
      this.#close();
      put(this.#pass, work);
    }
  }

  #close(): void {
    if (!isEmpty(this.#pass)) this.#parts.push({ kind: "pass", pass: this.#pass });
    this.#pass = {};
  }

  #state() {
    // The open pass may still grow.
    const open: Part[] = isEmpty(this.#pass) ? [] : [{ kind: "pass", pass: { ...this.#pass } }];
    return {
      parts: [...this.#parts, ...open],
      size: this.#current,
      alpha: this.#alpha,
      ...(this.#faces && { faces: this.#faces }),
    };
  }

  /** The plan for the steps so far. */
  plan(): Planned {
    const { faces, ...state } = this.#state();
    return {
      ...state,
      taken: [...this.#taken],
      ...(this.#alpha && this.#clearedBy && { clearedBy: this.#clearedBy }),
      notes: [...this.#notes],
      known: this.#known ?? { ...state, rest: [], ...(faces && { faces }) },
    };
  }
}

/** Throws `ELIMIT` for a picture that is too large on its way. */
export function assertSizes({ taken }: Planned, bounds: SizeBounds): void {
  for (const { step, before, after } of taken) assertSizeAfter(step, before, after, bounds);
}

const isForeign = (work: readonly Work[]) => work.some((one) => "kind" in one && one.kind === "foreign");

/** The parts in words. */
export const describe = (parts: readonly Part[]): string[] => parts.map(wordsFor);

function wordsFor(part: Part): string {
  switch (part.kind) {
    case "pass":
      return wordsOf(part.pass).join(", ");
    case "fill":
      return `fill ${part.canvas ? `${part.canvas.width}x${part.canvas.height} ` : ""}(${part.paint.kind})`;
    case "reshape":
      return layerWords(part.step);
    case "effect":
      return part.words;
    case "foreign":
      return `step ${part.step.op} of a plugin`;
  }
}
