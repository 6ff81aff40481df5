import { TransientMap } from "./transient-map.ts";

/** For whom a piece of work is done. */
export interface CoalesceOptions {
  /** Aborts when the caller does not wait any longer. */
  readonly signal: AbortSignal;
  /** Work that began before this moment is out of date and is not joined; as of `monotonicNow()`. @default 0, any may be joined */
  readonly since?: number;
}

/** Does identical concurrent work once: all callers with one key get the result, or the failure, of one run. */
export interface Coalescer<T> {
  /** Joins the work of this key, or begins it. The signal of the work aborts when nobody waits for it any longer. */
  run(key: string, options: CoalesceOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** Coalesces within this process. */
interface ProcessCoalescer<T> extends Coalescer<T> {
  /** Number of keys whose work can be joined. */
  readonly size: number;
  /** Resolves once no work is running, and no result can be joined. */
  idle(): Promise<void>;
  /** Whether the work of this key can be joined. */
  has(key: string, since?: number): boolean;
}

interface Run<T> {
  readonly promise: Promise<T>;
  /** Resolves once its result cannot be joined any longer. */
  readonly ended: Promise<void>;
  readonly controller: AbortController;
  waiters: number;
}

/** A result can be joined until the promise that `joinable` returns for it is settled; left out, not at all. */
export function createCoalescer<T>(
  joinable: (result: T) => Promise<unknown> | undefined = () => undefined,
): ProcessCoalescer<T> {
  const runs = new TransientMap<string, Run<T>>();
  // The askers of one key agree on the newest moment that concerns it, so older work has another name.
  const nameOf = (key: string, since = 0) => (since > 0 ? `${key} ${since}` : key);

  function begin(name: string, work: (signal: AbortSignal) => Promise<T>): Run<T> {
    const controller = new AbortController();
    const promise = work(controller.signal);
    const end = () => forget(name, run);
    const ended = promise.then((result) => {
      const still = joinable(result);
      return still ? still.then(end, end) : end();
    }, end);
    const run: Run<T> = { controller, waiters: 0, promise, ended };
    runs.set(name, run);
    return run;
  }

  function forget(name: string, run: Run<T>): void {
    if (runs.get(name) === run) runs.delete(name);
  }

  return {
    get size() {
      return runs.size;
    },
    async idle() {
      while (runs.size > 0) await Promise.all([...runs.entries()].map(([, { ended }]) => ended));
    },
    has: (key, since) => runs.has(nameOf(key, since)),
    run(key, { signal, since }, work) {
      if (signal.aborted) return Promise.reject(signal.reason);
      const name = nameOf(key, since);
      const run = runs.get(name) ?? begin(name, work);
      run.waiters++;
      return new Promise<T>((resolve, reject) => {
        const leave = () => {
          if (--run.waiters === 0) {
            forget(name, run);
            run.controller.abort(signal.reason);
          }
          reject(signal.reason);
        };
        signal.addEventListener("abort", leave, { once: true });
        run.promise.then(
          (value) => {
            signal.removeEventListener("abort", leave);
            if (!signal.aborted) resolve(value);
          },
          (error) => {
            signal.removeEventListener("abort", leave);
            reject(error);
          },
        );
      });
    },
  };
}
