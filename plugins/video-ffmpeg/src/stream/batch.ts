import { setTimeout as delay } from "node:timers/promises";

/** Milliseconds for which one that is alone waits for others that were asked for at the same moment. */
const WINDOW = 8;

/** Makes all the results named, in one run. */
export type Work<R> = (names: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, R>>;

/** One of several results that one run can give. */
interface CopyRequest<R> {
  readonly name: string;
  readonly signal: AbortSignal;
  batch?: Batch<R>;
}

interface Batch<R> {
  /** Whose source is read. */
  readonly leader: CopyRequest<R>;
  readonly results: Promise<ReadonlyMap<string, R>>;
}

/**
 * Has work that is requested for at the same time, and that shares most of its cost, done by one run: the rungs of a segment, whose
 * source is decoded once.
 */
export function createGathering<R>() {
  const groups = new Map<string, Set<CopyRequest<R>>>();

  function forget(key: string, request: CopyRequest<R>): void {
    const waiting = groups.get(key);
    waiting?.delete(request);
    if (waiting?.size === 0) groups.delete(key);
  }

  function begin(key: string, leader: CopyRequest<R>, work: Work<R>): Batch<R> {
    const taken = [...(groups.get(key) ?? []), leader].filter(
      (request) => request === leader || !request.signal.aborted,
    );
    for (const request of taken) forget(key, request);
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
    for (const request of taken) request.batch = batch;
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
      const request: CopyRequest<R> = { name, signal };
      const waiting = groups.get(key) ?? new Set();
      groups.set(key, waiting.add(request));
      const leave = () => forget(key, request);
      const timer = setTimeout(leave, patience).unref();
      signal.addEventListener("abort", leave, { once: true });

      return async (work) => {
        try {
          for (;;) {
            signal.throwIfAborted();
            if (!request.batch && (groups.get(key)?.size ?? 0) <= 1)
              await delay(WINDOW, undefined, { signal });
            const batch = request.batch ?? begin(key, request, work);
            try {
              return (await orAborted(batch.results, signal)).get(name) as R;
            } catch (error) {
              // The one whose source was read has left, and it was closed: the others begin again.
              if (batch.leader === request || !batch.leader.signal.aborted || signal.aborted) throw error;
              delete request.batch;
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
