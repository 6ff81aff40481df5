import type { CoalesceOptions, Coalescer } from "../../util/coalescer.ts";

/** The right to do a piece of work: this process does it, and others wait. */
export interface Lock<O = string> {
  /**
   * Releases it. `outcome`: what the work came to, for all that wait and, for a moment, for those that come late; left out: one
   * of them is to do the work. Waits for nobody, and does nothing if the lock was lost meanwhile.
   */
  release(outcome?: O): void;
}

/** What the work of another process came to. */
export interface LockOutcome<O = string> {
  readonly outcome: O;
}

/** A way in which processes agree on who does a piece of work. */
export interface Locks<O = string> {
  /**
   * Acquires the lock of a key; waits while another process has it. Resolves with the lock, with what the work came to elsewhere,
   * or with `undefined` if that takes too long or cannot be known: then the work is done without a lock. Rejects only with the
   * reason of `options.signal`.
   */
  acquire(key: string, options: CoalesceOptions): Promise<Lock<O> | LockOutcome<O> | undefined>;
}

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
