import type { Plan } from "../model/plan.ts";
import type { Load } from "../plugin/plugin.ts";
import { busy } from "./busy.ts";

interface Waiting {
  readonly plan: Plan;
  readonly start: () => void;
}

/** What a queue goes by at a moment. */
export interface QueueRules {
  /** Plans that run at once. */
  readonly slots: number;
  /** Estimated milliseconds of work that may wait. */
  readonly room: number;
  /** Longest wait in milliseconds. */
  readonly wait: number;
}

/** Bytes of memory that the plans of all queues may take at once. */
export interface Memory {
  /** Takes bytes, if they are free. */
  take(bytes: number): boolean;
  /** Gives them back: waiting plans of any queue may have room now. */
  release(bytes: number): void;
}

/** Slots for plans, and a row for each lane before them: light ones first. A plan that waits for memory keeps its position. */
export function createQueue(cores: number, rules: () => QueueRules, memory: Memory) {
  const light: Waiting[] = [];
  const others: Waiting[] = [];
  let running = 0;
  let waitingCost = 0;

  const busyWith = (cost: number) => busy((waitingCost + cost) / cores / 1000);

  function next(): void {
    while (running < rules().slots) {
      const row = light.length > 0 ? light : others;
      const [first] = row;
      if (!first || !memory.take(first.plan.memory)) return;
      row.shift();
      waitingCost -= first.plan.cost;
      running++;
      first.start();
    }
  }

  /** Resolves once the plan has a slot; rejects if it is refused, waits too long, or nobody waits for it any more. */
  function enter(plan: Plan, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { slots, room, wait } = rules();
    const isFirst = light.length === 0 && (plan.lane === "light" || others.length === 0);
    if (running < slots && isFirst && memory.take(plan.memory)) {
      running++;
      return Promise.resolve();
    }
    if (waitingCost > 0 && waitingCost + plan.cost > room) throw busyWith(plan.cost);
    const row = plan.lane === "light" ? light : others;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (reason: unknown) => {
      const at = row.indexOf(waiting);
      if (at >= 0) {
        row.splice(at, 1);
        waitingCost -= plan.cost;
      }
      reject(reason);
      // It may have waited for more memory than the next one needs.
      next();
    };
    const timer = setTimeout(() => leave(busyWith(0)), wait);
    const onAbort = () => leave(signal.reason);
    const waiting: Waiting = { plan, start: resolve };
    signal.addEventListener("abort", onAbort, { once: true });
    row.push(waiting);
    waitingCost += plan.cost;
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    });
  }

  return {
    next,
    enter,
    assertRoom(): void {
      if (waitingCost >= rules().room) throw busyWith(0);
    },
    /** A plan has ended. */
    leave({ memory: bytes }: Plan): void {
      running--;
      memory.release(bytes);
    },
    load: (): Omit<Load, "memory"> => ({
      places: rules().slots,
      running,
      waiting: light.length + others.length,
      waitingCost,
    }),
  };
}

export type Queue = ReturnType<typeof createQueue>;
