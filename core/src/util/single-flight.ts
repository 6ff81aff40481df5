/** A waiter's own way out of shared work. */
interface Flying<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  waiters: number;
}

/**
 * Work that happens once however many ask for it at the same time. Each asker may leave by its signal; when the last
 * one has left, the work's own signal is aborted and a later asker begins again. `lasts`: for how long a result may be joined
 * still; left out, not at all.
 */
export function createSingleFlight<T>(lasts: (result: T) => Promise<unknown> | undefined = () => undefined) {
  const flying = new Map<string, Flying<T>>();

  return {
    /** How many pieces of work are under way. */
    get size() {
      return flying.size;
    },
    /** Resolves once nothing is under way. */
    async landed(): Promise<void> {
      while (flying.size > 0) await Promise.allSettled([...flying.values()].map(({ promise }) => promise));
    },
    /** Whether work under this key is under way and may be joined. */
    has: (key: string) => flying.has(key),
    /** Joins the work of this key, or begins it. */
    async join(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
      signal.throwIfAborted();
      let context = flying.get(key);
      if (!context) {
        const controller = new AbortController();
        const begun: Flying<T> = { controller, waiters: 0, promise: work(controller.signal) };
        const land = () => {
          if (flying.get(key) === begun) flying.delete(key);
        };
        begun.promise.then((result) => {
          const lasting = lasts(result);
          if (lasting) lasting.then(land, land);
          else land();
        }, land);
        flying.set(key, begun);
        context = begun;
      }
      return wait(key, context, signal);
    },
  };

  function wait(key: string, context: Flying<T>, signal: AbortSignal): Promise<T> {
    context.waiters++;
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        if (--context.waiters === 0) {
          if (flying.get(key) === context) flying.delete(key);
          context.controller.abort(signal.reason);
        }
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      context.promise.then(
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
  }
}

export type SingleFlight<T> = ReturnType<typeof createSingleFlight<T>>;
