import { setTimeout as delay } from "node:timers/promises";
import { parseHttpDate } from "../../model/http-date.ts";
import type { Fetcher, FetchOptions, FetchResponse } from "../../plugin/fetcher.ts";
import type { Retries } from "./retries.ts";
import { inTime } from "./time.ts";

export interface HttpFilesOptions {
  /** Retries of a request after a response with status 500, 502, 503 or 504. @default 2 */
  readonly retries?: number | undefined;
  /** Milliseconds for one file, waiting and retries included. @default 30000 */
  readonly timeout?: number | undefined;
  /** The same for files with a video's extension. @default 300000 */
  readonly videoTimeout?: number | undefined;
}

/** Where something is requested, and the headers that belong there: credentials above all. */
export interface HttpAddress extends Pick<FetchOptions, "trusted"> {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Something at an HTTP origin that can be requested. */
export interface HttpTarget extends Pick<FetchOptions, "host" | "ports" | "admits"> {
  /**
   * Its address; called before each request. `refusal`: the response to the last one, once, if its status is one of
   * `refusals`. Returns `undefined` if no other address or credentials are left; that response then counts.
   */
  address(
    refusal: FetchResponse | undefined,
    request: HttpRequest,
  ): HttpAddress | undefined | Promise<HttpAddress | undefined>;
  /** Statuses after which another address or other credentials may help. @default [401] */
  readonly refusals?: readonly number[];
  /** Statuses of a fault that may be gone in a moment: the request is repeated. @default [500, 502, 503, 504] */
  readonly passing?: readonly number[];
  /** The origin's own code for a failure, for the log. @default none */
  errorCode?(headers: FetchResponse["headers"]): string | undefined;
}

/** A request, but for its address. */
export type HttpRequest = Pick<
  FetchOptions,
  "method" | "headers" | "body" | "signal" | "coded" | "firstByte"
>;

/** Makes a request and repeats it as long as that makes sense before `deadline` (as of `performance.now()`). */
export type Send = (target: HttpTarget, request: HttpRequest, deadline: number) => Promise<FetchResponse>;

/** The fetcher, with retries on top; lost connections are already retried by the fetcher itself. */
export function createSend(fetcher: Fetcher, { begin }: Retries): Send {
  return async (
    { address, refusals = [401], passing = [500, 502, 503, 504], ...rules },
    request,
    deadline,
  ) => {
    const retries = begin();
    let waited = false;
    let repeated = 0;
    let hasNewAddress = false;
    // It may depend on a login that many requests wait for.
    const nextAddress = (refusal?: FetchResponse) =>
      inTime(address(refusal, request), deadline, request.signal);
    let at = await nextAddress();
    for (;;) {
      if (!at) throw new Error("a target without an address");
      const { url, ...place } = at;
      const headers = { accept: "*/*", ...place.headers, ...request.headers };
      const left = deadline - performance.now();
      const options = { ...rules, ...request, ...place, headers, total: Math.max(1, left) };
      const response = await fetcher.fetch(url, options).catch((error: unknown) => {
        if (!request.signal.aborted) retries.end(false);
        throw error;
      });
      if (refusals.includes(response.status) && !hasNewAddress) {
        hasNewAddress = true;
        const other = await nextAddress(response).catch((error: unknown) => {
          response.cancel();
          throw error;
        });
        if (other) {
          response.cancel();
          at = other;
          continue;
        }
      }
      const retryAfter = retryAfterOf(response);
      let pause: number | undefined;
      if (retryAfter !== undefined) pause = waited ? undefined : retryAfter * 1000;
      else if (passing.includes(response.status)) pause = retries.pause(repeated++);
      if (pause === undefined || performance.now() + pause >= deadline || !retries.spend()) {
        retries.end(response.status !== 429 && response.status < 500);
        return response;
      }
      waited ||= retryAfter !== undefined;
      response.cancel();
      await delay(pause, undefined, { signal: request.signal }).catch(() => request.signal.throwIfAborted());
      at = await nextAddress();
    }
  };
}

/** Seconds after which an origin that is too busy allows another request. */
export function retryAfterOf({
  status,
  headers,
}: Pick<FetchResponse, "status" | "headers">): number | undefined {
  return status === 429 || status === 503 ? parseRetryAfter(headers["retry-after"]) : undefined;
}

/** Seconds of a `Retry-After`: a number or a date (RFC 9110 §10.2.3); `undefined` if it is missing or wrong. */
function parseRetryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  const date = parseHttpDate(text);
  return date === undefined ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}
