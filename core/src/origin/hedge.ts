import type { NOT_MODIFIED, StorageEntry } from "../model/source.ts";

type Opened = StorageEntry | typeof NOT_MODIFIED | undefined;

/**
 * Opens a file; where the answer takes longer than `after` milliseconds, asks a second time beside it. The first answer
 * counts, the other attempt is stopped. A failure counts only when no other attempt is under way.
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
      (answer) => {
        running--;
        if (done) return answer && typeof answer !== "symbol" ? void answer.close?.() : undefined;
        done = true;
        for (const other of attempts) if (other !== own) other.abort();
        resolve(answer);
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
