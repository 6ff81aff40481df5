/** Failures in a row after which it is not tried again for a while. */
const MOST = 3;

/** Milliseconds between two lines of the log about the same. */
const QUIET = 60_000;

export interface BreakerOptions {
  /** Milliseconds after which a disk that failed is tried again. */
  readonly rest: number;
  /** It failed several times in a row, or works again; told at most once a minute. */
  readonly onFailure: (error: unknown) => void;
  readonly onRecovery: () => void;
}

/** Keeps requests from a disk that fails or hangs: the work is left out, and tried once in a while. */
export function createBreaker({ rest, onFailure, onRecovery }: BreakerOptions) {
  let failures = 0;
  let openUntil = 0;
  let probing = false;
  let told = Number.NEGATIVE_INFINITY;
  let isTold = false;

  function worked(): void {
    failures = 0;
    if (isTold) onRecovery();
    isTold = false;
  }

  function failed(error: unknown): void {
    const now = performance.now();
    if (++failures < MOST) return;
    openUntil = now + rest;
    if (now - told < QUIET) return;
    told = now;
    isTold = true;
    onFailure(error);
  }

  return {
    /** The work's result; `undefined` where it fails, or is left out. */
    async run<T>(work: () => Promise<T>): Promise<T | undefined> {
      const isProbe = failures >= MOST;
      if (isProbe && (probing || performance.now() < openUntil)) return undefined;
      probing ||= isProbe;
      try {
        const result = await work();
        worked();
        return result;
      } catch (error) {
        failed(error);
        return undefined;
      } finally {
        if (isProbe) probing = false;
      }
    },
  };
}

export type Breaker = ReturnType<typeof createBreaker>;
