import { createSemaphore } from "../util/semaphore.ts";

export interface TurnsOptions {
  /** Pieces of work that run at one time. */
  readonly places: number;
  /** Bytes that the work that runs and the work that waits may hold; what would exceed them is left out. */
  readonly most: number;
}

/**
 * Does a piece of work that holds so many bytes once there is a place, in the order of the calls. Gives its result, and
 * `undefined` where too much runs and waits already: a cache that cannot keep up keeps less, and takes no more memory.
 */
export type Turns = <T>(bytes: number, work: () => Promise<T>) => Promise<T | undefined>;

/** Bounds what a cache writes at one time, and what may wait for it. */
export function createTurns({ places, most }: TurnsOptions): Turns {
  const { run } = createSemaphore(places);
  let held = 0;
  return async (bytes, work) => {
    if (held + bytes > most) return undefined;
    held += bytes;
    try {
      return await run(work);
    } finally {
      held -= bytes;
    }
  };
}
