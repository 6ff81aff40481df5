import { createBreaker } from "../util/breaker.ts";

/** Milliseconds between two lines of the log about the same. */
const LOG_INTERVAL_MS = 60_000;

/** Failures in a row after which it is skipped for a while. */
const MAX_FAILURES = 3;

export interface CacheBreakerOptions {
  /** Milliseconds after which a cache that failed is tried again. */
  readonly rest: number;
  /** It failed several times in a row; called at most once a minute. */
  readonly onFailure: (error: unknown) => void;
  /** It works again, after a failure that was reported. */
  readonly onRecovery: () => void;
  /** Milliseconds of a clock that only runs forward. @default performance.now */
  readonly now?: () => number;
}

/** Work of a cache that may be left out. */
export interface CacheBreaker {
  /** No work is left out now. */
  readonly isClosed: boolean;
  /** Notes a success of work that was done without `run`. */
  worked(): void;
  /** The work's result; `undefined` if it fails, or is left out. */
  run<T>(work: () => Promise<T>): Promise<T | undefined>;
}

/** Keeps requests from a disk or server that fails or hangs: the work is left out, and tried once in a while. */
export function createCacheBreaker(options: CacheBreakerOptions): CacheBreaker {
  const { rest, onFailure, onRecovery, now = () => performance.now() } = options;
  let reported = Number.NEGATIVE_INFINITY;
  let isReported = false;
  // The rate is never too high: only failures in a row count.
  const limits = { breakerWindow: rest, breakerRequests: 1, breakerRate: 100 };
  const breaker = createBreaker<unknown>(
    { ...limits, breakerFailures: MAX_FAILURES, breakerOpen: rest },
    {
      judge: () => "fails",
      probes: { succeeded: 1, failed: 1 },
      now,
      onChange(change) {
        if (change.state === "closed") {
          if (isReported) onRecovery();
          isReported = false;
        } else if (now() - reported >= LOG_INTERVAL_MS) {
          reported = now();
          isReported = true;
          onFailure(change.error);
        }
      },
    },
  );
  return {
    get isClosed() {
      return breaker.state === "closed";
    },
    worked: breaker.worked,
    run: (work) => breaker.run(work).catch(() => undefined),
  };
}
