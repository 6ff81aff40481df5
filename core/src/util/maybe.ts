/** A value that is there already, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

// Hits in memory run to their end without a promise: each one costs an allocation and a turn of the microtask queue.

/** Continues with a value; synchronously if it is there. */
export function after<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** The result of `work`, or that of `handle` if `work` throws or rejects. */
export function recover<T>(
  work: () => MaybePromise<T>,
  handle: (error: unknown) => MaybePromise<T>,
): MaybePromise<T> {
  try {
    const result = work();
    return result instanceof Promise ? result.catch(handle) : result;
  } catch (error) {
    return handle(error);
  }
}

/** An asynchronous hook with two arguments. */
interface Hook<A, B, R> {
  callAsync(a: A, b: B, done: (error?: Error | null, result?: R) => void): void;
}

/** Calls the taps of a hook; returns synchronously if all of them do. */
export function callHook<A, B, R = void>(hook: Hook<A, B, R>, a: A, b: B): MaybePromise<R | undefined> {
  let isDone = false;
  let failure: unknown;
  let outcome: R | undefined;
  let waiting: PromiseWithResolvers<R | undefined> | undefined;
  hook.callAsync(a, b, (error, result) => {
    isDone = true;
    failure = error;
    outcome = result;
    if (error) waiting?.reject(error);
    else waiting?.resolve(result);
  });
  if (!isDone) {
    waiting = Promise.withResolvers();
    return waiting.promise;
  }
  if (failure) throw failure;
  return outcome;
}
