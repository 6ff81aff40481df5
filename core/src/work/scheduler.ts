import { availableParallelism } from "node:os";
import { MediaError } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import type { Lane, Plan } from "../model/plan.ts";
import type { Load } from "../plugin/plugin.ts";
import { createQueue, type Memory, type Queue } from "./queue.ts";

const MB = 1024 * 1024;

/** How much more work may wait for a slot among videos: they take longer, and players wait for them. */
const VIDEO_QUEUE_FACTOR = 20;

interface RunOptions<T> {
  /** No client waits for it. @default false */
  readonly isBackground?: boolean;
  /** What of the result goes on after the work: it keeps the slot. */
  readonly lasts?: (result: T) => Promise<unknown> | undefined;
}

/**
 * Admits work by its price. As many plans run at once as there are slots; the others wait in order of arrival, light
 * ones before heavy ones, which still get half of the time, and background work last, as long as the estimated work that waits stays
 * under the limit. What does not fit is refused
 * at once with `EBUSY`, and so is what has waited too long. All plans that run together take no more memory than there is, by their
 * estimates. Videos have slots and a queue of their own, so that pictures
 * never wait for them.
 */
export function createScheduler(initial: Limits, cores = availableParallelism()) {
  let limits = initial;
  const all = Math.max(1, Math.round(cores));
  let taken = 0;
  const memory: Memory = {
    take(bytes) {
      // What fits alone is never kept waiting by an empty server, whatever a new configuration allows.
      if (taken > 0 && taken + bytes > limits.memory) return false;
      taken += bytes;
      return true;
    },
    release(bytes) {
      taken -= bytes;
      pictures.next();
      videos.next();
    },
  };
  const pictures = createQueue(
    cores,
    () => ({
      slots: limits.transforms || all,
      room: limits.queueWork * cores,
      wait: limits.queueWait,
    }),
    memory,
  );
  const videos = createQueue(
    cores,
    () => ({
      slots: limits.videoTransforms || all,
      room: limits.queueWork * VIDEO_QUEUE_FACTOR * cores,
      wait: limits.videoQueueWait,
    }),
    memory,
  );
  const queueOf = (lane: Lane): Queue => (lane === "video" ? videos : pictures);

  return {
    /** Sets the limits of another configuration; the order of the queue stays. */
    adopt(others: Limits): void {
      limits = others;
      pictures.next();
      videos.next();
    },
    /** Throws `EBUSY` when what waits already fills the queue: before an origin is asked. */
    assertRoom(lane: Lane = "light"): void {
      queueOf(lane).assertRoom();
    },
    /** Throws `ELIMIT` for a plan that never fits. */
    assertFits({ memory }: Plan): void {
      if (memory <= limits.memory) return;
      const [maxMegabytes, received] = [limits.memory, memory].map((bytes) => Math.ceil(bytes / MB));
      throw new MediaError(
        "ELIMIT",
        `Expected work that takes at most ${maxMegabytes} MB of memory but it would take about ${received}`,
      );
    },
    /**
     * Runs the work once it has a slot, which is free again when the work has ended, and what `lasts` of its result.
     */
    async run<T>(
      plan: Plan,
      signal: AbortSignal,
      work: () => Promise<T>,
      { isBackground = false, lasts }: RunOptions<T> = {},
    ): Promise<T> {
      const queue = queueOf(plan.lane);
      await queue.enter(plan, signal, { isBackground });
      let lasting: Promise<unknown> | undefined;
      try {
        const result = await work();
        lasting = lasts?.(result);
        return result;
      } finally {
        const leave = () => queue.leave(plan);
        if (lasting) lasting.then(leave, leave);
        else leave();
      }
    },
    load(): Load {
      const [a, b] = [pictures.load(), videos.load()];
      return {
        places: a.places,
        running: a.running + b.running,
        waiting: a.waiting + b.waiting,
        waitingCost: a.waitingCost + b.waitingCost,
        memory: taken,
      };
    },
  };
}

export type Scheduler = ReturnType<typeof createScheduler>;
