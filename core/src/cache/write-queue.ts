import { createSemaphore } from "../util/semaphore.ts";

export interface WriteQueueOptions {
  /** Pieces of work that run at one time. */
  readonly writers: number;
  /** Bytes of the writes that run and wait, at most; a write that would exceed them is skipped. */
  readonly maxBytes: number;
}

/**
 * Runs a write of so many bytes once there is a writer for it, in the order of the calls. Returns its result, or `undefined` if
 * too much runs and waits already: a cache that cannot keep up stores less, and takes no more memory.
 */
export type WriteQueue = <T>(bytes: number, work: () => Promise<T>) => Promise<T | undefined>;

/** Limits what a cache writes at one time, and what waits. */
export function createWriteQueue({ writers, maxBytes }: WriteQueueOptions): WriteQueue {
  const { run } = createSemaphore(writers);
  let queuedBytes = 0;
  return async (bytes, work) => {
    if (queuedBytes + bytes > maxBytes) return undefined;
    queuedBytes += bytes;
    try {
      return await run(work);
    } finally {
      queuedBytes -= bytes;
    }
  };
}
