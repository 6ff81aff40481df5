import type { Scope, Size, Step } from "@mediatap/core";
import { draw, type Fill, type Foreign } from "./draws.ts";
import { isEmpty, type Pass, put, wordsOf } from "./pass.ts";

/** A run of one pipeline, or something between two. */
export type Part = { readonly kind: "pass"; readonly pass: Pass } | Fill | Foreign;

export interface Planned {
  readonly parts: readonly Part[];
  /** Steps left over: the size that they start from is known only once the parts have been done. */
  readonly rest: readonly Step[];
  readonly size: Size;
  readonly alpha: boolean;
  readonly notes: readonly string[];
}

export interface PlanContext {
  readonly original: Size;
  readonly current: Size;
  readonly scope: Scope;
  readonly alpha: boolean;
  readonly animated: boolean;
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
  let { current, alpha } = context;
  let pass: Pass = {};
  const close = () => {
    if (!isEmpty(pass)) parts.push({ kind: "pass", pass });
    pass = {};
  };
  let done = 0;
  for (const step of steps) {
    const drawn = draw(step, { ...context, current, alpha });
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
    current = drawn.size;
    alpha = drawn.alpha;
    done++;
    if (drawn.unsure && !context.guess) break;
  }
  close();
  return { parts, rest: steps.slice(done), size: current, alpha, notes: [...notes] };
}

/** The parts in words. */
export const describe = (parts: readonly Part[]): string[] => parts.map(wordsFor);

function wordsFor(part: Part): string {
  switch (part.kind) {
    case "pass":
      return wordsOf(part.pass).join(", ");
    case "fill":
      return `fill ${part.canvas ? `${part.canvas.width}x${part.canvas.height} ` : ""}(${part.paint.kind})`;
    case "foreign":
      return `step ${part.step.op} of a plugin`;
  }
}
