import type { NOT_MODIFIED, StorageEntry } from "../model/source.ts";

type Opened = StorageEntry | typeof NOT_MODIFIED | undefined;

/**
 * Opens a file; if the response takes longer than `after` milliseconds, sends a second request beside the first. The first
 * response counts, the other attempt is aborted. A failure counts only if no other attempt is running.
 */
export function hedged(
  after: number,
  signal: AbortSignal,
  open: (signal: AbortSignal) => Promise<Opened>,
): Promise<Opened> {
  const attempts: AbortController[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Opened>();
  let running = 0;
  let done = false;

  function attempt(): void {
    const own = new AbortController();
    attempts.push(own);
    running++;
    open(AbortSignal.any([signal, own.signal])).then(
      (result) => {
        running--;
        if (done) return result && typeof result !== "symbol" ? void result.close?.() : undefined;
        done = true;
        for (const other of attempts) if (other !== own) other.abort();
        resolve(result);
      },
      (error: unknown) => {
        running--;
        if (running > 0 || done) return;
        done = true;
        reject(error);
      },
    );
  }

  attempt();
  const timer = setTimeout(() => {
    if (!done) attempt();
  }, after);
  return promise.finally(() => clearTimeout(timer));
}
