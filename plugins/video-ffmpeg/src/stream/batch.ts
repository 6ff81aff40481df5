import { addAbortListener } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

/** Time for which a single request waits for others that arrive at the same moment. */
const WINDOW_MS = 8;

/** Computes all named results in one run. */
export type Work<R> = (names: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, R>>;

/** A request for one of several results of one run. */
interface Request<R> {
  readonly name: string;
  readonly signal: AbortSignal;
  batch?: Batch<R>;
}

interface Batch<R> {
  /** The request whose source is read. */
  readonly leader: Request<R>;
  readonly results: Promise<ReadonlyMap<string, R>>;
}

/** Batches work that is queued at the same time and shares most of its cost: the rungs of a segment, whose source is decoded once. */
export class Batcher<R> {
  readonly #groups = new Map<string, Set<Request<R>>>();

  /**
   * Announces that a result will be needed within `timeout` milliseconds: another request's batch may include it. Returns
   * a function that returns it when this request is at the head of the queue.
   */
  announce(key: string, name: string, signal: AbortSignal, timeout: number): (work: Work<R>) => Promise<R> {
    const request: Request<R> = { name, signal };
    const group = this.#groups.get(key) ?? new Set();
    this.#groups.set(key, group.add(request));
    const leave = () => this.#leave(key, request);
    const timer = setTimeout(leave, timeout).unref();
    const aborted = addAbortListener(signal, leave);
    return async (work) => {
      try {
        return await this.#result(key, request, work);
      } finally {
        clearTimeout(timer);
        aborted[Symbol.dispose]();
        leave();
      }
    };
  }

  async #result(key: string, request: Request<R>, work: Work<R>): Promise<R> {
    const { name, signal } = request;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    aborted.catch(() => {});
    using _ = addAbortListener(signal, () => reject(signal.reason));
    for (;;) {
      signal.throwIfAborted();
      const isOnly = (this.#groups.get(key)?.size ?? 0) <= 1;
      if (!request.batch && isOnly) await delay(WINDOW_MS, undefined, { signal });
      const batch = request.batch ?? this.#startBatch(key, request, work);
      try {
        return (await Promise.race([batch.results, aborted])).get(name) as R;
      } catch (error) {
        // The leader has left, and its source is closed: the others start again.
        if (batch.leader === request || !batch.leader.signal.aborted || signal.aborted) throw error;
        delete request.batch;
      }
    }
  }

  #startBatch(key: string, leader: Request<R>, work: Work<R>): Batch<R> {
    const waiting = [...(this.#groups.get(key) ?? [])].filter(({ signal }) => !signal.aborted);
    const members = [...new Set([...waiting, leader])];
    this.#groups.delete(key);
    const cancel = new AbortController();
    const done = new AbortController();
    const onAbort = () => {
      if (members.every(({ signal }) => signal.aborted)) cancel.abort(leader.signal.reason);
    };
    for (const { signal } of members) signal.addEventListener("abort", onAbort, { signal: done.signal });
    const names = [...new Set(members.map(({ name }) => name))].sort();
    const results = work(names, cancel.signal).finally(() => done.abort());
    results.catch(() => {});
    const batch = { leader, results };
    for (const member of members) member.batch = batch;
    return batch;
  }

  #leave(key: string, request: Request<R>): void {
    const group = this.#groups.get(key);
    group?.delete(request);
    if (group?.size === 0) this.#groups.delete(key);
  }
}
