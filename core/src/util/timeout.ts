interface TimeoutOptions<T> {
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Message of the error. @default "it took too long" */
  readonly message?: string;
  /** What the wait comes to when it takes too long: returns a result, or throws. @default throws an error of code `ETIMEDOUT` */
  readonly onTimeout?: () => T;
}

/**
 * Waits for work, at most so many milliseconds. The work itself goes on, and keeps the process alive until then. A result that
 * arrived while this process was busy is in time.
 */
export function withTimeout<T>(
  milliseconds: number,
  work: Promise<T>,
  { signal, message, onTimeout = () => timedOut(message) }: TimeoutOptions<T> = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason);
    const expire = () => new Promise<T>((end) => end(onTimeout())).then(resolve, reject);
    // Two turns of the event loop: what has arrived is read between them.
    const timer = setTimeout(() => setImmediate(() => setImmediate(expire)), milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    });
  });
}

function timedOut(message = "it took too long"): never {
  throw Object.assign(new Error(message), { code: "ETIMEDOUT" });
}
