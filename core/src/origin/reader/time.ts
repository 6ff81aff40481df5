import { MediaError } from "../../model/errors.ts";

/**
 * Waits for a result until `deadline` (as of `performance.now()`) or a signal. The work itself goes on, for others that may
 * wait for it. Throws `ECONNREFUSED` or the signal's reason.
 */
export async function inTime<T>(wanted: T | Promise<T>, deadline: number, signal?: AbortSignal): Promise<T> {
  if (!(wanted instanceof Promise)) return wanted;
  const over = Promise.withResolvers<never>();
  const abort = () => over.reject(signal?.reason);
  const late = setTimeout(
    () => over.reject(new MediaError("ECONNREFUSED", "The origin did not respond in time", { outage: true })),
    Math.max(1, deadline - performance.now()),
  );
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  try {
    return await Promise.race([wanted, over.promise]);
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", abort);
  }
}
