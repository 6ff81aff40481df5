import { setTimeout as delay } from "node:timers/promises";
import type { Fetcher, FetchOptions, FetchResponse } from "../fetch/fetcher.ts";
import { parseHttpDate } from "../model/http-date.ts";
import type { Retries } from "./retries.ts";
import { inTime } from "./time.ts";

export interface HttpFilesOptions {
  /** How often a request is repeated that was answered with 500, 502, 503 or 504. @default 2 */
  readonly retries?: number | undefined;
  /** Milliseconds that an origin has for one file, waiting and retries included. @default 30000 */
  readonly timeout?: number | undefined;
  /** The same for files with a video's extension. @default 300000 */
  readonly videoTimeout?: number | undefined;
}

/** Where something is asked for, and the headers that belong there: credentials above all. */
export interface HttpAddress {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Something at an HTTP origin that can be asked for. */
export interface HttpTarget extends Pick<FetchOptions, "trusted" | "host" | "ports" | "admits"> {
  /**
   * Its address; called before each request. `renew`: the credentials of the last one were refused (401). Returns
   * `undefined` if there are no others; the request is then not repeated.
   */
  address(renew: boolean): HttpAddress | undefined | Promise<HttpAddress | undefined>;
}

/** A request, but for its address. */
export type HttpRequest = Pick<FetchOptions, "method" | "headers" | "body" | "signal">;

/** Makes a request and repeats it as long as that makes sense before `deadline` (as of `performance.now()`). */
export type Ask = (target: HttpTarget, request: HttpRequest, deadline: number) => Promise<FetchResponse>;

/** Statuses of a fault that may be gone in a moment. */
const PASSING = new Set([500, 502, 503, 504]);

/** The fetcher, with retries on top; lost connections are already retried by the fetcher itself. */
export function createAsk(fetcher: Fetcher, { begin }: Retries): Ask {
  return async ({ address, ...rules }, request, deadline) => {
    const retries = begin();
    let waited = false;
    let repeated = 0;
    let renewed = false;
    // It may be a login's that many requests wait for.
    const find = (renew: boolean) => inTime(address(renew), deadline, request.signal);
    let at = await find(false);
    for (;;) {
      if (!at) throw new Error("a target without an address");
      const headers = { accept: "*/*", ...at.headers, ...request.headers };
      const left = deadline - performance.now();
      const options = { ...rules, ...request, headers, total: Math.max(1, left) };
      const response = await fetcher.fetch(at.url, options).catch((error: unknown) => {
        if (!request.signal.aborted) retries.end(false);
        throw error;
      });
      if (response.status === 401 && !renewed) {
        renewed = true;
        const other = await find(true).catch((error: unknown) => {
          response.cancel();
          throw error;
        });
        if (!other) return response;
        response.cancel();
        at = other;
        continue;
      }
      const asked = retryAfterOf(response);
      let pause: number | undefined;
      if (asked !== undefined) pause = waited ? undefined : asked * 1000;
      else if (PASSING.has(response.status)) pause = retries.pause(repeated++);
      if (pause === undefined || performance.now() + pause >= deadline || !retries.spend()) {
        retries.end(response.status !== 429 && response.status < 500);
        return response;
      }
      waited ||= asked !== undefined;
      response.cancel();
      await delay(pause, undefined, { signal: request.signal }).catch(() => request.signal.throwIfAborted());
      at = await find(false);
    }
  };
}

/** Seconds after which an origin that is too busy wants to be asked again. */
export function retryAfterOf({ status, headers }: FetchResponse): number | undefined {
  return status === 429 || status === 503 ? parseRetryAfter(headers["retry-after"]) : undefined;
}

/** Seconds of a `Retry-After`: a number or a date (RFC 9110 §10.2.3); `undefined` if it is missing or wrong. */
export function parseRetryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  const date = parseHttpDate(text);
  return date === undefined ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}
