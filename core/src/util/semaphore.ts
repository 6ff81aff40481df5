import { MediaError } from "../model/errors.ts";

export interface SemaphoreOptions {
  /** Ends the wait for a slot; the work itself is to watch it, too. */
  readonly signal?: AbortSignal;
  /** Milliseconds that it may wait for a slot. @default as long as it takes */
  readonly timeout?: number;
}

/**
 * Runs so much work at one time; further work waits, and begins in the order of the calls. Not `p-queue`: it cannot limit the wait, its
 * `timeout` is that of the work; a signal frees the slot while the work still runs; and a call takes 2 to 5 µs instead of 0.2 µs.
 */
export interface Semaphore {
  /**
   * The result of work that begins once a slot is free. Until then it rejects with the signal's reason, or with `EBUSY` after the
   * timeout.
   */
  run<T>(work: () => Promise<T>, options?: SemaphoreOptions): Promise<T>;
}

export function createSemaphore(slots: number): Semaphore {
  const waiting: (() => void)[] = [];
  let running = 0;

  async function acquire({ signal, timeout }: SemaphoreOptions): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (reason: unknown) => {
      const at = waiting.indexOf(resolve);
      // Else it has a slot already.
      if (at < 0) return;
      waiting.splice(at, 1);
      reject(reason);
    };
    const abort = () => leave(signal?.reason);
    const busy = () => leave(new MediaError("EBUSY", "The server is busy", { retryAfterSeconds: 1 }));
    const timer = timeout === undefined ? undefined : setTimeout(busy, timeout);
    signal?.addEventListener("abort", abort, { once: true });
    waiting.push(resolve);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  return {
    async run(work, options = {}) {
      options.signal?.throwIfAborted();
      if (running < slots) running++;
      else await acquire(options);
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        // It takes over the slot.
        if (next) next();
        else running--;
      }
    },
  };
}
