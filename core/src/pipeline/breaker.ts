import { isMediaError, MediaError } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";

/** Code of the cause of an error that was not met anew: the origin is skipped. */
export const SKIPPED = "ESKIPPED";

export type BreakerState = "closed" | "open" | "half-open";

/** Keeps requests from an origin that is down: they move on at once instead of waiting for its timeouts. */
export interface Breaker {
  readonly state: BreakerState;
  /**
   * Does the work, if the origin is not skipped now; else throws its last failure again. Answers such as "not here" and
   * "denied" show that the origin works; only outages count against it. `proves`: whether an answer shows as much, or
   * whether that is told by `worked` and `failed` later, since a body follows. @default always
   */
  run<T>(work: () => Promise<T>, proves?: (answer: T) => boolean): Promise<T>;
  /** A body was read to its end. */
  worked(): void;
  /** Notes an outage that shows only later, while a body is read. */
  failed(error: MediaError): void;
}

export type BreakerChange =
  | { readonly state: "closed" }
  | { readonly state: "open"; readonly error: MediaError; readonly milliseconds: number };

/**
 * Opens after `breakerFailures` outages within `breakerWindow`, or at once for the time that an origin asks for
 * (`Retry-After`). After `breakerOpen` one request goes through as a probe; it decides.
 */
export function createBreaker(
  limits: Limits,
  now: () => number = () => performance.now(),
  onChange: (change: BreakerChange) => void = () => {},
): Breaker {
  let failures: number[] = [];
  let openUntil = 0;
  let last: MediaError | undefined;
  let probing = false;

  const isOpen = () => last !== undefined;

  function close(): void {
    const wasOpen = isOpen();
    failures = [];
    last = undefined;
    if (wasOpen) onChange({ state: "closed" });
  }

  function failed(error: MediaError): void {
    const at = now();
    failures = [...failures.filter((time) => time > at - limits.breakerWindow), at];
    const asked = (error.retryAfterSeconds ?? 0) * 1000;
    if (asked === 0 && failures.length < limits.breakerFailures && !isOpen()) return;
    const wasOpen = isOpen();
    last = error;
    openUntil = at + Math.max(asked, limits.breakerOpen);
    if (!wasOpen) onChange({ state: "open", error, milliseconds: openUntil - at });
  }

  return {
    get state() {
      if (!isOpen()) return "closed";
      return now() < openUntil ? "open" : "half-open";
    },
    failed,
    worked() {
      if (!isOpen()) close();
    },
    async run(work, proves = () => true) {
      if (last && (now() < openUntil || probing)) throw skipped(last);
      const isProbe = isOpen();
      probing ||= isProbe;
      try {
        const answer = await work();
        // A probe that is answered ends the skipping; should its body break off, counting begins anew.
        if (isProbe || proves(answer)) close();
        return answer;
      } catch (error) {
        if (isMediaError(error) && error.outage) failed(error);
        else if (isMediaError(error) && error.status < 500) close();
        throw error;
      } finally {
        if (isProbe) probing = false;
      }
    },
  };
}

/** The failure that opened the circuit, said again without a new request. */
function skipped({ code, message }: MediaError): MediaError {
  const cause = Object.assign(new Error("the origin is skipped for now: its circuit is open"), {
    code: SKIPPED,
  });
  return new MediaError(code, message, { cause, outage: true });
}
