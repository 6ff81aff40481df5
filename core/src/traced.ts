import type { Hooks, Work } from "./hooks.ts";
import { currentTrace, inTrace } from "./util/trace.ts";

/** Does a piece of work under the trace that a plugin keeps of it, if one does. */
export function traced<T>(hooks: Hooks, work: Work, run: () => T): T {
  if (!hooks.trace.isUsed()) return run();
  const trace = hooks.trace.call(work, currentTrace());
  return trace ? inTrace(trace, run) : run();
}
