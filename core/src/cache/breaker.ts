/** Failures in a row after which it is not tried again for a while. */
const MOST = 3;

/** Milliseconds between two lines of the log about the same. */
const QUIET = 60_000;

export interface CacheBreakerOptions {
  /** Milliseconds after which a place that failed is tried again. */
  readonly rest: number;
  /** It failed several times in a row, or works again; told at most once a minute. */
  readonly onFailure: (error: unknown) => void;
  readonly onRecovery: () => void;
  /** Milliseconds of a clock that only runs forward. @default performance.now */
  readonly now?: () => number;
}

/** Work of a cache that may be left out. */
export interface CacheBreaker {
  /** The work's result; `undefined` where it fails, or is left out. */
  run<T>(work: () => Promise<T>): Promise<T | undefined>;
}

/** Keeps requests from a disk or server that fails or hangs: the work is left out, and tried once in a while. */
export function createCacheBreaker({
  rest,
  onFailure,
  onRecovery,
  now = () => performance.now(),
}: CacheBreakerOptions): CacheBreaker {
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
    const at = now();
    if (++failures < MOST) return;
    openUntil = at + rest;
    if (at - told < QUIET) return;
    told = at;
    isTold = true;
    onFailure(error);
  }

  return {
    async run(work) {
      const isProbe = failures >= MOST;
      if (isProbe && (probing || now() < openUntil)) return undefined;
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
