import type { CoalesceOptions } from "../util/coalescer.ts";

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

/** Locks among machines, if there are any and a plugin connects them: each caller chooses keys that nobody else uses. */
export interface ClusterLocks extends Locks {
  /** Whether a plugin has connected them. If not, `acquire` resolves with `undefined` at once. */
  readonly isUsed: boolean;
  /** Connects them; the newest connection is used. Returns what disconnects it. `name`: for the log. */
  connect(name: string, locks: Locks): () => void;
}
