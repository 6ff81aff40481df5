import { MediaError } from "../../model/errors.ts";
import { withTimeout } from "../../util/timeout.ts";

/**
 * Waits for a result until `deadline` (as of `performance.now()`) or a signal. The work itself goes on, for others that may
 * wait for it. Throws `ECONNREFUSED` or the signal's reason.
 */
export async function inTime<T>(wanted: T | Promise<T>, deadline: number, signal?: AbortSignal): Promise<T> {
  if (!(wanted instanceof Promise)) return wanted;
  return await withTimeout(Math.max(1, deadline - performance.now()), wanted, {
    signal,
    onTimeout() {
      throw new MediaError("ECONNREFUSED", "The origin did not respond in time", { outage: true });
    },
  });
}
