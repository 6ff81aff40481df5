import { LRUCache } from "lru-cache";
import { atMost } from "../../util/entries.ts";
import { monotonicNow } from "../../util/monotonic.ts";
import type { ToPrimary, ToWorker } from "./messages.ts";

type Message<T extends ToPrimary["mediatap"]> = Omit<Extract<ToPrimary, { mediatap: T }>, "mediatap">;

/** A worker, as far as locks know it. */
export interface Holder {
  send(message: ToWorker): void;
}

/** A worker that waits for a lock. */
interface Waiter {
  readonly holder: Holder;
  /** The worker's own number of its wait. */
  readonly id: number;
}

interface Lock extends Waiter {
  /** When it was granted, as of `monotonicNow()`. */
  readonly begun: number;
  /** The work has ended, and its holder may still have the outcome. */
  isReleased: boolean;
  waiting: Waiter[];
  /** Its end; left out: nobody waits for its holder. */
  timer?: NodeJS.Timeout | undefined;
}

/** Milliseconds after which work is not waited for any longer: the worker that has the lock may be stuck. */
const TIMEOUT_MS = 30_000;

/** Milliseconds for which a worker that is asked for an outcome is waited for. */
const OUTCOME_TIMEOUT_MS = 2_000;

/** Renditions of which it is known which worker rendered them: it may have them in its memory. */
export const MAX_RENDERED = 50_000;

/** Locks among workers; the others wait for the outcome of the one that has it, and get it also later, as long as that worker has it. */
export function createWorkerLocks(timeout = TIMEOUT_MS) {
  const locks = new Map<string, Lock>();
  /** The released ones, the least recently used first. */
  const released = new LRUCache<string, true>({
    ...atMost(MAX_RENDERED),
    dispose: (_, key, reason) =>
      reason === "evict" && locks.get(key)?.waiting.length === 0 && locks.delete(key),
  });

  function grant(key: string, { holder, id }: Waiter, waiting: Waiter[] = []): void {
    const timer = expireAfter(key, timeout);
    released.delete(key);
    locks.set(key, { holder, id, begun: monotonicNow(), isReleased: false, waiting, timer });
    holder.send({ mediatap: "acquired", id });
  }

  /** The end of a lock: all that still wait do the work themselves. */
  function expireAfter(key: string, milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      const lock = locks.get(key);
      locks.delete(key);
      released.delete(key);
      for (const { holder, id } of lock?.waiting ?? []) holder.send({ mediatap: "acquired", id });
    }, milliseconds).unref();
  }

  /** Outcomes are large: they are sent only if others wait for them. */
  function request(key: string, lock: Lock): void {
    clearTimeout(lock.timer);
    lock.timer = expireAfter(key, OUTCOME_TIMEOUT_MS);
    lock.holder.send({ mediatap: "wanted", id: lock.id, key });
  }

  /** The next one that waits gets it. */
  function pass(key: string, { timer, waiting: [next, ...rest] }: Lock): void {
    clearTimeout(timer);
    locks.delete(key);
    released.delete(key);
    if (next) grant(key, next, rest);
  }

  return {
    acquire(holder: Holder, { id, key, since }: Message<"acquire">): void {
      const lock = locks.get(key);
      // A worker joins its own work itself: if it asks again, what it did before is not to be had any more.
      if (!lock || lock.holder === holder || lock.begun <= since) {
        clearTimeout(lock?.timer);
        grant(key, { holder, id }, lock?.waiting);
        return;
      }
      lock.waiting.push({ holder, id });
      if (lock.isReleased && lock.waiting.length === 1) request(key, lock);
    },
    leave(holder: Holder, { id, key }: Message<"leave">): void {
      const lock = locks.get(key);
      if (!lock) return;
      const isLeaving = (one: Waiter) => one.holder === holder && one.id === id;
      // It was granted the lock just then, and does not do the work.
      if (isLeaving(lock)) pass(key, lock);
      else lock.waiting = lock.waiting.filter((one) => !isLeaving(one));
    },
    /** Without an outcome that others can use, the next one does the work. */
    release(holder: Holder, { id, key, hasOutcome, outcome }: Message<"release">): void {
      const lock = locks.get(key);
      if (lock?.holder !== holder || lock.id !== id) return;
      if (!outcome && !hasOutcome) {
        pass(key, lock);
        return;
      }
      clearTimeout(lock.timer);
      lock.timer = undefined;
      lock.isReleased = hasOutcome;
      if (hasOutcome) released.set(key, true);
      else {
        locks.delete(key);
        released.delete(key);
      }
      if (!outcome) {
        if (lock.waiting.length > 0) request(key, lock);
        return;
      }
      for (const { holder: other, id: number } of lock.waiting.splice(0)) {
        other.send({ mediatap: "acquired", id: number, outcome });
      }
    },
    /** A worker is gone, and with it what it did and waited for. */
    gone(holder: Holder): void {
      for (const [key, lock] of locks) {
        lock.waiting = lock.waiting.filter((one) => one.holder !== holder);
        if (lock.holder === holder) pass(key, lock);
      }
    },
  };
}
