import { setTimeout as delay } from "node:timers/promises";
import type { Fetcher, FetchOptions, FetchResponse } from "@mediatap/core";

/** What {@link storageWeb} was configured with. */
export interface Settings {
  readonly retries: number;
  readonly timeout: number;
  readonly videoTimeout: number;
}

/** One file at an origin. */
export interface Target extends Pick<FetchOptions, "trusted" | "ports" | "admits" | "headers"> {
  readonly url: string;
  /** Its path, for what can be told from its extension. */
  readonly path: string;
}

/** Makes a request and repeats it as long as that makes sense before `deadline` (as of `performance.now()`). */
export type Ask = (
  request: Omit<FetchOptions, "total">,
  url: string,
  deadline: number,
) => Promise<FetchResponse>;

/** Statuses of a fault that may be gone in a moment. */
const PASSING = new Set([500, 502, 504]);
/** Retries that an idle origin has saved up, and what each request adds: a tenth, so an outage is not amplified. */
const SAVED = 10;
const SHARE = 0.1;

/** The fetcher, with retries on top; lost connections are already retried by the fetcher itself. */
export function createAsk(fetcher: Fetcher, { retries }: Settings): Ask {
  let budget = SAVED;

  return async (request, url, deadline) => {
    budget = Math.min(SAVED, budget + SHARE);
    let waited = false;
    for (let attempt = 0; ; attempt++) {
      const left = deadline - performance.now();
      const response = await fetcher.fetch(url, { ...request, total: Math.max(1, left) });
      const asked = retryAfterOf(response);
      let pause: number | undefined;
      if (PASSING.has(response.status) && attempt < retries) pause = jitter(attempt);
      else if (asked !== undefined && !waited) pause = asked * 1000;
      if (pause === undefined || budget < 1 || performance.now() + pause >= deadline) return response;
      waited ||= asked !== undefined;
      budget -= 1;
      response.cancel();
      await delay(pause, undefined, { signal: request.signal }).catch(() => request.signal.throwIfAborted());
    }
  };
}

/** Seconds after which the origin wants to be asked again, where it is too busy (RFC 9110 §10.2.3). */
export function retryAfterOf({ status, headers }: FetchResponse): number | undefined {
  const text = headers["retry-after"];
  if (text === undefined || (status !== 429 && status !== 503)) return undefined;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  const date = Date.parse(text);
  return Number.isFinite(date) ? Math.max(0, Math.ceil((date - Date.now()) / 1000)) : undefined;
}

/** 50–150 ms, then 100–300 ms, 200–600 ms … */
function jitter(attempt: number): number {
  return 2 ** attempt * (50 + Math.random() * 100);
}
