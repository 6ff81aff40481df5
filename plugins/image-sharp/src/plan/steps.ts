import {
  branchOf,
  type FaceBox,
  facesAfter,
  type Scope,
  type Size,
  type Step,
  type StepRegistry,
  scopeOf,
} from "@mediatap/core";
import type { Effect } from "../operations/effects.ts";
import { draw } from "../operations/index.ts";
import type { Fill, Foreign, Reshape, Work } from "../operations/operation.ts";
import { isEmpty, layerWords, type Pass, put, wordsOf } from "../operations/pass.ts";

/** A run of one pipeline, or something between two. */
export type Part = { readonly kind: "pass"; readonly pass: Pass } | Fill | Reshape | Effect | Foreign;

/** A step as it is carried out, with the sizes around it. */
export interface Taken {
  readonly step: Step;
  readonly before: Size;
  readonly after: Size;
}

export interface Planned {
  /** The steps that the parts stand for; conditions are decided. */
  readonly taken: readonly Taken[];
  readonly parts: readonly Part[];
  /** Steps left over: the size that they start from is known only once the parts have been done. */
  readonly rest: readonly Step[];
  readonly size: Size;
  readonly alpha: boolean;
  /** The step of another plugin that may have made an opaque picture transparent. */
  readonly clearedBy?: string;
  /** Faces in what the parts make, where they are known; a trim at the end is not reckoned with. */
  readonly faces?: readonly FaceBox[];
  readonly notes: readonly string[];
}

export interface PlanContext {
  readonly original: Size;
  readonly current: Size;
  readonly scope: Scope;
  readonly registry: StepRegistry;
  readonly alpha: boolean;
  readonly animated: boolean;
  /** A drawing, which can be drawn at any size. */
  readonly vector?: boolean;
  readonly faces?: readonly FaceBox[];
  /** Faces are looked for later. */
  readonly pending?: boolean;
  /** Go on with a guess where the size is not known; for prices and explanations. */
  readonly guess: boolean;
}

/**
 * Steps as few pipelines as their order allows. A new pipeline starts where libvips would do things in another order than
 * asked for, and where something needs the pixels.
 */
export function planSteps(steps: readonly Step[], context: PlanContext): Planned {
  const parts: Part[] = [];
  const notes = new Set<string>();
  const { faces: known, ...around } = context;
  let { current, alpha } = context;
  let faces = known;
  let clearedBy: string | undefined;
  let pass: Pass = {};
  const close = () => {
    if (!isEmpty(pass)) parts.push({ kind: "pass", pass });
    pass = {};
  };
  const taken: Taken[] = [];
  const left = [...steps];
  for (let step = left.shift(); step; step = left.shift()) {
    if (step.op === "when") {
      left.unshift(...branchOf(step, scopeOf(context.original, current, context.scope)));
      continue;
    }
    const vector = context.vector === true && parts.length === 0 && isEmpty(pass);
    const stage = { ...around, current, alpha, vector, ...(faces && { faces }) };
    const drawn = draw(step, stage);
    for (const work of drawn.work) {
      if ("kind" in work) {
        close();
        parts.push(work);
      } else if (!put(pass, work)) {
        close();
        put(pass, work);
      }
    }
    if (drawn.note !== undefined) notes.add(drawn.note);
    taken.push({ step, before: current, after: drawn.size });
    current = drawn.size;
    if (!alpha && drawn.alpha && isForeign(drawn.work)) clearedBy = step.op;
    alpha = drawn.alpha;
    // Only pixels tell what trimming leaves of them.
    if (step.op !== "trim") faces = facesAfter(step, stage);
    if (!drawn.unsure) continue;
    close();
    if (!context.guess) break;
  }
  close();
  if (!alpha) clearedBy = undefined;
  return {
    taken,
    parts,
    rest: left,
    size: current,
    alpha,
    ...(clearedBy && { clearedBy }),
    ...(faces && { faces }),
    notes: [...notes],
  };
}

const isForeign = (work: readonly Work[]) => work.some((one) => "kind" in one && one.kind === "foreign");

/** Size to which a decoder can scale at once: nothing comes before it but colours and turns. */
export function firstScale(parts: readonly Part[]): Size | undefined {
  const [first] = parts;
  if (first?.kind !== "pass" || first.pass.before || first.pass.trim !== undefined) return undefined;
  const { scale, smart } = first.pass;
  return scale ?? (smart?.scaled ? smart : undefined);
}

/** Size at which all of a drawing is drawn, so that the first pipeline need not scale it. */
export function drawnSize(parts: readonly Part[], original: Size): Size {
  const [first] = parts;
  const scaled = firstScale(parts);
  if (!scaled || first?.kind !== "pass" || !first.pass.smart) return scaled ?? original;
  const factor = Math.max(scaled.width / original.width, scaled.height / original.height);
  return { width: Math.ceil(original.width * factor), height: Math.ceil(original.height * factor) };
}

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
