import { LRUCache } from "lru-cache";
import { isMediaError, MediaError, pauseOf } from "../model/errors.ts";
import { atMost } from "../util/entries.ts";

/** Code of the cause of an error that was not met again: the origin is skipped. */
export const SKIPPED = "ESKIPPED";

/** Files for which a pause is stored. */
const MAX_PAUSED_FILES = 10_000;

/**
 * Keeps requests from an origin for a file that it refused for a while (429 or 503 with `Retry-After`). It refused one file
 * and not all; the circuit breaker decides about the origin as a whole.
 */
export interface Pauses {
  /** Does the work for a file, identified by `file`; throws the refusal again while the pause lasts. */
  run<T>(file: readonly (string | undefined)[], work: () => Promise<T>): Promise<T>;
}

export function createPauses(now: () => number = () => performance.now()): Pauses {
  const paused = new LRUCache<string, { readonly until: number; readonly error: MediaError }>(
    atMost(MAX_PAUSED_FILES),
  );
  return {
    async run(file, work) {
      const key = JSON.stringify(file);
      const pause = paused.get(key);
      if (pause && now() < pause.until) throw skipped(pause.error, pause.until - now());
      try {
        return await work();
      } catch (error) {
        const milliseconds = isMediaError(error) ? pauseOf(error) : undefined;
        if (milliseconds === undefined || !isMediaError(error)) throw error;
        paused.set(key, { until: now() + milliseconds, error });
        throw shortened(error, milliseconds);
      }
    },
  };
}

/** `Retry-After` for clients is at most our own pause. */
function shortened({ code, message, cause, outage, status }: MediaError, milliseconds: number): MediaError {
  const retryAfterSeconds = Math.ceil(milliseconds / 1000);
  return new MediaError(code, message, { cause, outage, status, retryAfterSeconds });
}

/** A failure that was met before, without a new request. `milliseconds`: how long there will be none. */
export function skipped({ code, message }: MediaError, milliseconds?: number): MediaError {
  const cause = Object.assign(new Error("the origin is skipped for now"), { code: SKIPPED });
  const retryAfterSeconds = milliseconds === undefined ? undefined : Math.ceil(milliseconds / 1000);
  return new MediaError(code, message, { cause, outage: true, retryAfterSeconds });
}
