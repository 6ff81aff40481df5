import type { Plan } from "../model/plan.ts";
import type { Load } from "../plugin/plugin.ts";
import { busy } from "./busy.ts";

/** What a queue goes by. */
export type Priced = Pick<Plan, "lane" | "cost" | "memory">;

interface Waiting {
  readonly plan: Priced;
  readonly start: () => void;
}

/** Limits of a queue at a moment. */
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

/**
 * Slots for plans, and a row for each lane before them. Light plans go first, but the first heavy one goes before them once as much
 * light work has passed it as it needs itself: however many light ones come, it gets half of the time. Background work goes when
 * nothing else waits, and has room of its own. A plan that waits for memory keeps its position, and only light ones pass it: what it
 * waits for may be a long video.
 */
export function createQueue(cores: number, rules: () => QueueRules, memory: Memory) {
  const light: Waiting[] = [];
  const others: Waiting[] = [];
  const background: Waiting[] = [];
  /** Estimated milliseconds of light work that has passed the first of the others. */
  let passed = 0;
  let running = 0;
  /** Estimated milliseconds of work that waits, without that in the background. */
  let waitingCost = 0;
  let backgroundCost = 0;

  const busyWith = (cost: number) => busy((waitingCost + cost) / cores / 1000);

  /** Whether it is the turn of the first of the others. */
  const areOthersDue = () => others[0] !== undefined && passed >= others[0].plan.cost;

  /** Gives a plan a slot, if there is memory for it. */
  function begin({ lane, cost, memory: bytes }: Priced): boolean {
    if (!memory.take(bytes)) return false;
    running++;
    passed = lane === "light" && others.length > 0 ? passed + cost : 0;
    return true;
  }

  function next(): void {
    while (running < rules().slots && beginNext());
  }

  function beginNext(): boolean {
    if (areOthersDue() && beginFirst(others)) return true;
    if (light.length > 0) return beginFirst(light);
    return beginFirst(others.length > 0 ? others : background);
  }

  /** Begins the first plan of a row, if there is one and memory for it. */
  function beginFirst(row: Waiting[]): boolean {
    const [first] = row;
    if (!first || !begin(first.plan)) return false;
    row.shift();
    addCost(row, -first.plan.cost);
    first.start();
    return true;
  }

  function addCost(row: Waiting[], cost: number): void {
    if (row === background) backgroundCost += cost;
    else waitingCost += cost;
  }

  /** Whether nothing waits that goes before a plan of a row. */
  function isFirst(row: Waiting[]): boolean {
    return row.length === 0 && light.length === 0 && (row === light || others.length === 0);
  }

  /** Resolves once the plan has a slot; rejects if it is refused, waits too long, or nobody waits for it any more. */
  function enter(plan: Priced, signal: AbortSignal, { isBackground = false } = {}): Promise<void> {
    signal.throwIfAborted();
    const { slots, room, wait } = rules();
    const row = isBackground ? background : plan.lane === "light" ? light : others;
    if (running < slots && isFirst(row) && begin(plan)) return Promise.resolve();
    const before = isBackground ? backgroundCost : waitingCost;
    if (before > 0 && before + plan.cost > room) throw busyWith(plan.cost);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (reason: unknown) => {
      const at = row.indexOf(waiting);
      if (at >= 0) {
        row.splice(at, 1);
        addCost(row, -plan.cost);
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
    addCost(row, plan.cost);
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
    leave({ memory: bytes }: Priced): void {
      running--;
      memory.release(bytes);
    },
    load: (): Omit<Load, "memory"> => ({
      places: rules().slots,
      running,
      waiting: light.length + others.length + background.length,
      waitingCost: waitingCost + backgroundCost,
    }),
  };
}

export type Queue = ReturnType<typeof createQueue>;
