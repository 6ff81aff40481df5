import { MediaError } from "../model/errors.ts";

export interface PlaceOptions {
  /** Ends the wait for a place; the work itself is to watch it, too. */
  readonly signal?: AbortSignal;
  /** Milliseconds that it may wait. @default as long as it takes */
  readonly patience?: number;
}

/** Lets so much work run at one time; what is more waits, and begins in the order it came. */
export interface Places {
  /**
   * The result of work that is done once there is a place for it. Before, it rejects with the signal's reason, or with `EBUSY`
   * when the patience is over.
   */
  run<T>(work: () => Promise<T>, options?: PlaceOptions): Promise<T>;
}

export function createPlaces(most: number): Places {
  const waiting: (() => void)[] = [];
  let taken = 0;

  async function take({ signal, patience }: PlaceOptions): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (reason: unknown) => {
      const at = waiting.indexOf(resolve);
      // Else it has been given a place already.
      if (at < 0) return;
      waiting.splice(at, 1);
      reject(reason);
    };
    const abort = () => leave(signal?.reason);
    const busy = () => leave(new MediaError("EBUSY", "The server is busy", { retryAfterSeconds: 1 }));
    const timer = patience === undefined ? undefined : setTimeout(busy, patience);
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
      if (taken < most) taken++;
      else await take(options);
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        // It takes over the place.
        if (next) next();
        else taken--;
      }
    },
  };
}
