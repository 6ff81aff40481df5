import type { Hooks } from "../hooks.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import { codeOf } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import type { Plan } from "../model/plan.ts";
import type { RenderContext } from "../model/render-context.ts";
import type { Source } from "../model/source.ts";
import { assertDeliverable } from "./original.ts";
import type { Scheduler } from "./scheduler.ts";

export interface PlannerParts {
  readonly hooks: Pick<Hooks, "transform">;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly scheduler: Pick<Scheduler, "assertFits">;
}

/**
 * What is done with a source: an engine's plan, or `undefined`: its own bytes are delivered. Throws if neither is possible.
 * `observe` sees the plan before it is checked.
 */
export function createPlanner({ hooks, endpoints, scheduler }: PlannerParts) {
  return async function planOf(
    job: Job,
    source: Source,
    context: RenderContext,
    observe?: (plan: Plan | undefined) => void,
  ): Promise<Plan | undefined> {
    const plan = await context.spans.measure("plan", () =>
      withinMaxSide(job, (job) => hooks.transform.promise(job, source, context)),
    );
    observe?.(plan);
    if (plan) scheduler.assertFits(plan);
    else await assertDeliverable(job, endpoints.get(endpointId(job.asset)), source, context);
    return plan;
  };
}

export type PlanOf = ReturnType<typeof createPlanner>;

/** The plan for a job; if its result may be larger than the endpoint allows, for the job with a last step that scales it down. */
async function withinMaxSide(
  job: Job,
  transform: (job: Job) => Promise<Plan | undefined>,
): Promise<Plan | undefined> {
  const { steps, output } = job.transformation;
  const { maxSide: side } = output;
  if (side === undefined) return await transform(job);
  try {
    const plan = await transform(job);
    if (!plan || (plan.side ?? 0) <= side) return plan;
  } catch (error) {
    // What is too large or too expensive may not be so within the bound.
    if (codeOf(error) !== "ELIMIT") throw error;
  }
  const last = { op: "resize", width: side, height: side, fit: "inside", enlarge: false } as const;
  return await transform({ ...job, transformation: { steps: [...steps, last], output } });
}
