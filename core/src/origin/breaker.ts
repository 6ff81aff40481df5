import { isMediaError, MediaError } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";

/** Code of the cause of an error that was not met again: the origin is skipped. */
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

export interface BreakerParts {
  /** Milliseconds that only grow. @default performance.now */
  readonly now?: () => number;
  /** From 0 to below 1. @default Math.random */
  readonly random?: () => number;
  readonly onChange?: (change: BreakerChange) => void;
}

/** Pieces of `breakerWindow` that are counted, and forgotten, at one time. */
const SLOTS = 10;

/** Probes that must be answered before all requests go through again … */
const PROBES_ANSWERED = 4;
/** … and unanswered ones, without any that was, after which the origin is skipped again. */
const PROBES_FAILED = 3;

/** Results of requests within the last `breakerWindow`. */
function createRate(limits: Limits, now: () => number) {
  let slots: { readonly since: number; requests: number; failures: number }[] = [];
  return {
    note(failed: boolean): void {
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
 * one is answered, then a share that doubles with each answer. So an origin that fails now and then is not taken for one that
 * is down, and one that comes back is not met by all requests at once.
 */
export function createBreaker(
  limits: Limits,
  { now = () => performance.now(), random = Math.random, onChange = () => {} }: BreakerParts = {},
): Breaker {
  const rate = createRate(limits, now);
  /** Failed connections since the last answer. */
  let unreached = 0;
  let openUntil = 0;
  /** The failure that opened it; `undefined`: it is closed. */
  let last: MediaError | undefined;
  const probes = { running: 0, answered: 0, failed: 0 };

  function close(): void {
    last = undefined;
    unreached = 0;
    rate.clear();
    onChange({ state: "closed" });
  }

  function open(error: MediaError): void {
    const wasOpen = last !== undefined;
    last = error;
    openUntil = now() + limits.breakerOpen;
    probes.answered = 0;
    probes.failed = 0;
    if (!wasOpen) onChange({ state: "open", error, milliseconds: limits.breakerOpen });
  }

  /** Results count while all requests go through; what began before it opened is of no interest any more. */
  function worked(): void {
    if (last) return;
    unreached = 0;
    rate.note(false);
  }

  function failed(error: MediaError): void {
    if (last) return;
    unreached = error.code === "ECONNREFUSED" ? unreached + 1 : 0;
    rate.note(true);
    if (unreached >= limits.breakerFailures || rate.isTooHigh()) open(error);
  }

  function probeFailed(error: MediaError): void {
    if (!last || now() < openUntil) return;
    probes.failed++;
    const { answered, failed } = probes;
    const isDown =
      answered === 0 ? failed >= PROBES_FAILED : failed * 100 > (answered + failed) * limits.breakerRate;
    if (isDown) open(error);
  }

  function probeAnswered(): void {
    if (!last || now() < openUntil) return;
    if (++probes.answered >= PROBES_ANSWERED) close();
  }

  /** Whether a request may be a probe. Where none is under way one always may, however few requests there are. */
  function admitsProbe(): boolean {
    if (now() < openUntil) return false;
    return (
      probes.running === 0 || (probes.answered > 0 && random() < 2 ** (probes.answered - PROBES_ANSWERED))
    );
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
      if (last && !admitsProbe()) throw skipped(last);
      if (isProbe) probes.running++;
      try {
        const answer = await work();
        // That a probe is answered is enough; should its body break off, counting begins again.
        if (isProbe) probeAnswered();
        else if (proves(answer)) worked();
        return answer;
      } catch (error) {
        if (isMediaError(error) && error.outage) (isProbe ? probeFailed : failed)(error);
        else if (isMediaError(error) && error.status < 500) (isProbe ? probeAnswered : worked)();
        throw error;
      } finally {
        if (isProbe) probes.running--;
      }
    },
  };
}

/** A failure that was met before, without a new request. `milliseconds`: how long there will be none. */
export function skipped({ code, message }: MediaError, milliseconds?: number): MediaError {
  const cause = Object.assign(new Error("the origin is skipped for now"), { code: SKIPPED });
  const retry = milliseconds === undefined ? {} : { retryAfterSeconds: Math.ceil(milliseconds / 1000) };
  return new MediaError(code, message, { cause, outage: true, ...retry });
}
