import { availableParallelism } from "node:os";
import { MediaError } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import type { Plan } from "../model/plan.ts";

interface Waiting {
  readonly plan: Plan;
  readonly start: () => void;
}

/** What a scheduler holds at a moment; costs in estimated milliseconds of one core. */
export interface Load {
  /** How many plans run at once at most. */
  readonly places: number;
  readonly running: number;
  readonly waiting: number;
  readonly waitingCost: number;
}

/**
 * Admits work by its price. As many plans run at once as there are places; the others wait in order of arrival, light
 * ones before heavy ones, as long as the estimated work that waits stays under the limit. What does not fit is refused
 * at once with `EBUSY`, and so is what has waited too long.
 */
export function createScheduler(initial: Limits, cores = availableParallelism()) {
  let limits = initial;
  const places = () => limits.transforms || Math.max(1, Math.round(cores));
  const room = () => limits.queueWork * cores;
  const light: Waiting[] = [];
  const heavy: Waiting[] = [];
  let running = 0;
  let waitingCost = 0;

  const busy = (cost: number) =>
    new MediaError("EBUSY", "The server is busy", {
      retryAfterSeconds: Math.max(1, Math.ceil((waitingCost + cost) / cores / 1000)),
    });

  function next(): void {
    while (running < places()) {
      const waiting = light.shift() ?? heavy.shift();
      if (!waiting) return;
      waitingCost -= waiting.plan.cost;
      running++;
      waiting.start();
    }
  }

  /** Resolves when the plan's turn has come; rejects when it is refused, waits too long, or nobody wants it any more. */
  function turn(plan: Plan, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (running < places()) {
      running++;
      return Promise.resolve();
    }
    if (waitingCost > 0 && waitingCost + plan.cost > room()) throw busy(plan.cost);
    const queue = plan.lane === "light" ? light : heavy;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (reason: unknown) => {
      const at = queue.indexOf(waiting);
      if (at >= 0) {
        queue.splice(at, 1);
        waitingCost -= plan.cost;
      }
      reject(reason);
    };
    const timer = setTimeout(() => leave(busy(0)), limits.queueWait);
    const onAbort = () => leave(signal.reason);
    const waiting: Waiting = { plan, start: resolve };
    signal.addEventListener("abort", onAbort, { once: true });
    queue.push(waiting);
    waitingCost += plan.cost;
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    });
  }

  return {
    /** The limits of another configuration hold from now on; what waits keeps its place. */
    adopt(others: Limits): void {
      limits = others;
      next();
    },
    /** Throws `EBUSY` when what waits already fills the queue: asked before an origin is. */
    assertRoom(): void {
      if (waitingCost >= room()) throw busy(0);
    },
    /** Runs the work when its turn has come. The place is given back only when the work has ended. */
    async run<T>(plan: Plan, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
      await turn(plan, signal);
      try {
        return await work();
      } finally {
        running--;
        next();
      }
    },
    load: (): Load => ({ places: places(), running, waiting: light.length + heavy.length, waitingCost }),
  };
}

export type Scheduler = ReturnType<typeof createScheduler>;
