import { createSemaphore } from "../util/semaphore.ts";

export interface WriteQueueOptions {
  /** Pieces of work that run at one time. */
  readonly writers: number;
  /** Bytes that the work that runs and the work that waits may hold; what would exceed them is left out. */
  readonly maxBytes: number;
}

/**
 * Does a piece of work that holds so many bytes once there is a writer for it, in the order of the calls. Gives its result, and
 * `undefined` where too much runs and waits already: a cache that cannot keep up keeps less, and takes no more memory.
 */
export type WriteQueue = <T>(bytes: number, work: () => Promise<T>) => Promise<T | undefined>;

/** Bounds what a cache writes at one time, and what may wait for it. */
export function createWriteQueue({ writers, maxBytes }: WriteQueueOptions): WriteQueue {
  const { run } = createSemaphore(writers);
  let heldBytes = 0;
  return async (bytes, work) => {
    if (heldBytes + bytes > maxBytes) return undefined;
    heldBytes += bytes;
    try {
      return await run(work);
    } finally {
      heldBytes -= bytes;
    }
  };
}
