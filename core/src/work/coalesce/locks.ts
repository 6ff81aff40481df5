import type { Locks } from "../../plugin/locks.ts";
import type { Coalescer } from "../../util/coalescer.ts";

/** How a result reaches other processes. */
export interface Handover<T, O> {
  /** What others can use of a result; `undefined`: one of them is to do the work. */
  encode(result: T): O | undefined | Promise<O | undefined>;
  /** The same for a failure: those that another process would not meet are not shared. */
  encodeFailure(error: unknown): O | undefined;
  /** The result, from the outcome of another process; `undefined`: it cannot be had here. Throws a failure that was shared. */
  decode(outcome: O): T | undefined | Promise<T | undefined>;
}

/** Coalesces among processes: the one that has the lock does the work and hands over what it came to. */
export function createLockCoalescer<T, O>(
  locks: Locks<O>,
  { encode, encodeFailure, decode }: Handover<T, O>,
): Coalescer<T> {
  return {
    async run(key, options, work) {
      const { signal } = options;
      const acquired = await locks.acquire(key, options);
      if (!acquired) return await work(signal);
      if ("outcome" in acquired) return (await decode(acquired.outcome)) ?? (await work(signal));
      try {
        const result = await work(signal);
        void Promise.resolve(encode(result)).then((outcome) => acquired.release(outcome));
        return result;
      } catch (error) {
        acquired.release(signal.aborted ? undefined : encodeFailure(error));
        throw error;
      }
    },
  };
}
