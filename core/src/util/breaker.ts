import type { Limits } from "../model/limits.ts";

export type BreakerState = "closed" | "open" | "half-open";

/** Keeps work from a service that is down: it fails at once instead of waiting for timeouts. */
export interface Breaker<E> {
  readonly state: BreakerState;
  /**
   * Does the work, unless the service is skipped now: then throws what `skip` returns for its last failure. `proves`: whether a
   * result shows that the service works, or whether `worked` and `failed` are called later, since a body follows. @default always
   */
  run<T>(work: () => Promise<T>, proves?: (result: T) => boolean): Promise<T>;
  /** A body was read to its end. */
  worked(): void;
  /** Notes an outage that shows only later, while a body is read. */
  failed(error: E): void;
}

export type BreakerChange<E> =
  | { readonly state: "closed" }
  | { readonly state: "open"; readonly error: E; readonly milliseconds: number };

/** When it opens and for how long; read at each use, so they may change. */
type BreakerLimits = Readonly<
  Pick<Limits, "breakerWindow" | "breakerRequests" | "breakerRate" | "breakerFailures" | "breakerOpen">
>;

export interface BreakerParts<E> {
  /** What an error shows about the service; `undefined`: nothing, it was for instance cancelled. */
  readonly judge: (error: unknown) => "works" | "fails" | undefined;
  /** Whether a failure is one of those that open it after `breakerFailures` in a row. @default all are */
  readonly isConnectionFailure?: (error: E) => boolean;
  /** What is thrown instead of doing the work. @default the last failure */
  readonly skip?: (last: E) => unknown;
  /** Probes that must succeed before all requests go through, and failed ones, without any that succeeded, that open it again. */
  readonly probes?: { readonly succeeded: number; readonly failed: number };
  /** Milliseconds that only grow. @default performance.now */
  readonly now?: () => number;
  /** From 0 to below 1. @default Math.random */
  readonly random?: () => number;
  readonly onChange?: (change: BreakerChange<E>) => void;
}

/** Pieces of `breakerWindow` that are counted, and forgotten, at one time. */
const SLOTS = 10;

/** Those of an origin. */
const PROBES = { succeeded: 4, failed: 3 };

/** Results of requests within the last `breakerWindow`. */
function createRate(limits: BreakerLimits, now: () => number) {
  let slots: { readonly since: number; requests: number; failures: number }[] = [];
  return {
    note(failed: boolean): void {
      // It is never too high: no need to count.
      if (limits.breakerRate >= 100) return;
      const at = now();
      const length = limits.breakerWindow / SLOTS;
      slots = slots.filter(({ since }) => since > at - limits.breakerWindow);
      let slot = slots.at(-1);
      if (!slot || at - slot.since >= length) {
        slot = { since: at, requests: 0, failures: 0 };
        slots.push(slot);
      }
      slot.requests++;
      if (failed) slot.failures++;
    },
    isTooHigh(): boolean {
      const requests = slots.reduce((sum, slot) => sum + slot.requests, 0);
      const failures = slots.reduce((sum, slot) => sum + slot.failures, 0);
      return requests >= limits.breakerRequests && failures * 100 > requests * limits.breakerRate;
    },
    clear(): void {
      slots = [];
    },
  };
}

/**
 * Opens if more than `breakerRate` percent of at least `breakerRequests` requests failed within `breakerWindow`, or after
 * `breakerFailures` failed connections in a row. After `breakerOpen` it lets requests through as probes: one at a time until
 * one succeeds, then a share that doubles with each success. So a service that fails now and then is not taken for one that
 * is down, and one that comes back is not met by all requests at once.
 */
export function createBreaker<E>(limits: BreakerLimits, parts: BreakerParts<E>): Breaker<E> {
  const { judge, isConnectionFailure = () => true, skip = (last) => last, onChange = () => {} } = parts;
  const { now = () => performance.now(), random = Math.random, probes: needed = PROBES } = parts;
  const rate = createRate(limits, now);
  /** Failed connections since the last success. */
  let failures = 0;
  let openUntil = 0;
  /** The failure that opened it; `undefined`: it is closed. */
  let last: { readonly error: E } | undefined;
  const probes = { running: 0, succeeded: 0, failed: 0 };

  function close(): void {
    last = undefined;
    failures = 0;
    rate.clear();
    onChange({ state: "closed" });
  }

  function open(error: E): void {
    const wasOpen = last !== undefined;
    last = { error };
    openUntil = now() + limits.breakerOpen;
    probes.succeeded = 0;
    probes.failed = 0;
    if (!wasOpen) onChange({ state: "open", error, milliseconds: limits.breakerOpen });
  }

  /** Results count while all requests go through; what began before it opened is of no interest any more. */
  function worked(): void {
    if (last) return;
    failures = 0;
    rate.note(false);
  }

  function failed(error: E): void {
    if (last) return;
    failures = isConnectionFailure(error) ? failures + 1 : 0;
    rate.note(true);
    if (failures >= limits.breakerFailures || rate.isTooHigh()) open(error);
  }

  function probeFailed(error: E): void {
    if (!last || now() < openUntil) return;
    probes.failed++;
    const { succeeded, failed } = probes;
    const isDown =
      succeeded === 0 ? failed >= needed.failed : failed * 100 > (succeeded + failed) * limits.breakerRate;
    if (isDown) open(error);
  }

  function probeWorked(): void {
    if (!last || now() < openUntil) return;
    if (++probes.succeeded >= needed.succeeded) close();
  }

  /** Whether a request may be a probe. If none is running one always may, however few requests there are. */
  function admitsProbe(): boolean {
    if (now() < openUntil) return false;
    const { running, succeeded } = probes;
    return running === 0 || (succeeded > 0 && random() < 2 ** (succeeded - needed.succeeded));
  }

  return {
    get state() {
      if (!last) return "closed";
      return now() < openUntil ? "open" : "half-open";
    },
    failed,
    worked,
    async run(work, proves = () => true) {
      const isProbe = last !== undefined;
      if (last && !admitsProbe()) throw skip(last.error);
      if (isProbe) probes.running++;
      try {
        const result = await work();
        // A probe needs no more than its result; should its body break off, counting begins again.
        if (isProbe) probeWorked();
        else if (proves(result)) worked();
        return result;
      } catch (error) {
        const judged = judge(error);
        if (judged === "fails") (isProbe ? probeFailed : failed)(error as E);
        else if (judged === "works") (isProbe ? probeWorked : worked)();
        throw error;
      } finally {
        if (isProbe) probes.running--;
      }
    },
  };
}
