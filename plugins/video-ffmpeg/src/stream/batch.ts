import { setTimeout as delay } from "node:timers/promises";

/** Milliseconds for which one that is alone waits for others that were asked for at the same moment. */
const WINDOW = 8;

/** Makes all the results named, in one run. */
export type Work<R> = (names: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, R>>;

/** One of several results that one run can give. */
interface Wish<R> {
  readonly name: string;
  readonly signal: AbortSignal;
  batch?: Batch<R>;
}

interface Batch<R> {
  /** Whose source is read. */
  readonly leader: Wish<R>;
  readonly results: Promise<ReadonlyMap<string, R>>;
}

/**
 * Has work that is wished for at the same time, and that shares most of its cost, done by one run: the rungs of a segment, whose
 * source is decoded once.
 */
export function createGathering<R>() {
  const groups = new Map<string, Set<Wish<R>>>();

  function forget(key: string, wish: Wish<R>): void {
    const waiting = groups.get(key);
    waiting?.delete(wish);
    if (waiting?.size === 0) groups.delete(key);
  }

  function begin(key: string, leader: Wish<R>, work: Work<R>): Batch<R> {
    const taken = [...(groups.get(key) ?? []), leader].filter(
      (wish) => wish === leader || !wish.signal.aborted,
    );
    for (const wish of taken) forget(key, wish);
    const nobody = new AbortController();
    const onAbort = () => {
      if (taken.every(({ signal }) => signal.aborted)) nobody.abort(leader.signal.reason);
    };
    for (const { signal } of taken) signal.addEventListener("abort", onAbort, { once: true });
    const results = work([...new Set(taken.map(({ name }) => name))].sort(), nobody.signal).finally(() => {
      for (const { signal } of taken) signal.removeEventListener("abort", onAbort);
    });
    results.catch(() => {});
    const batch = { leader, results };
    for (const wish of taken) wish.batch = batch;
    return batch;
  }

  return {
    /**
     * Announces that a result will be wanted within `patience` milliseconds: it may be made along with others before. Returns
     * what gets it when the turn has come.
     */
    announce(
      key: string,
      name: string,
      signal: AbortSignal,
      patience: number,
    ): (work: Work<R>) => Promise<R> {
      const wish: Wish<R> = { name, signal };
      const waiting = groups.get(key) ?? new Set();
      groups.set(key, waiting.add(wish));
      const leave = () => forget(key, wish);
      const timer = setTimeout(leave, patience).unref();
      signal.addEventListener("abort", leave, { once: true });

      return async (work) => {
        try {
          for (;;) {
            signal.throwIfAborted();
            if (!wish.batch && (groups.get(key)?.size ?? 0) <= 1) await delay(WINDOW, undefined, { signal });
            const batch = wish.batch ?? begin(key, wish, work);
            try {
              return (await orAborted(batch.results, signal)).get(name) as R;
            } catch (error) {
              // The one whose source was read has left, and it was closed: the others begin anew.
              if (batch.leader === wish || !batch.leader.signal.aborted || signal.aborted) throw error;
              delete wish.batch;
            }
          }
        } finally {
          clearTimeout(timer);
          signal.removeEventListener("abort", leave);
          leave();
        }
      };
    },
  };
}

export type Gathering<R> = ReturnType<typeof createGathering<R>>;

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
