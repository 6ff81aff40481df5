import { lookup } from "node:dns/promises";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { MediaError } from "../../model/errors.ts";
import type { Limits } from "../../model/limits.ts";
import type { Fetcher, FetchOptions, FetchResponse } from "../../plugin/fetcher.ts";
import { reasonOf } from "../../util/log.ts";
import { currentTrace, traceHeaders } from "../../util/trace.ts";
import { loopListWith, printLoopToken } from "../loop.ts";
import { createAgent, type Resolve } from "./agent.ts";
import { createAllowList } from "./allow.ts";
import { codingOf, decode, isCodingError, isDecodable } from "./body.ts";
import { type Clock, createClock } from "./clock.ts";
import { badResponse, brokenBody, failureOf } from "./failures.ts";
import { sameOrigin } from "./host.ts";
import { type Received, receive } from "./receive.ts";
import { proxyOf } from "./tunnel.ts";
import { admits, checkUrl, type Hop, refused } from "./url.ts";

export interface FetcherOptions {
  readonly limits: Limits;
  readonly network?: {
    /** `host`, `host:port` or CIDR: the private addresses that client-given URLs may reach. @default none */
    readonly allow?: readonly string[] | undefined;
    /** HTTP proxy through which public addresses are reached; those of the environment are not used. @default none */
    readonly proxy?: string | undefined;
  };
  /** Value of `x-req-from`. @default "mediatap" */
  readonly requestFrom?: string;
  /** Distinguishes this server from others in `CDN-Loop` (RFC 8586): letters, digits and `-._`. @default none */
  readonly serverMark?: string;
  /** Resolves names. @default the system's resolver */
  readonly resolve?: Resolve;
  /** Measures the time that an origin has for a request. @default createClock */
  readonly clock?: typeof createClock;
  /** Gets a line at level `debug` for each request, repeated ones and redirects included. @default none */
  readonly log?: Logger;
}

/** Request headers that a redirect to another origin keeps; they carry no secret. */
const SAFE_HEADERS = new Set(["accept", "range", "if-range", "if-none-match", "if-modified-since"]);
/** An unneeded body up to this length is read to its end to keep the connection; a longer one is closed. */
const SHORT_BODY_BYTES = 16_384;
/** Milliseconds that this may take. */
const DRAIN_TIMEOUT_MS = 100;
/** Interim responses (1xx) that an origin may send before its response (RFC 9110 §15.2). */
const MAX_INTERIM_RESPONSES = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Makes the one HTTP client for addresses that a client can influence; see {@link Fetcher}. */
export function createFetcher(options: FetcherOptions): Fetcher {
  const { limits, resolve = (name) => lookup(name, { all: true }), clock: start = createClock } = options;
  const allow = createAllowList(options.network?.allow ?? []);
  const network = { resolve, limits, proxy: proxyOf(options.network?.proxy) };
  const createAgents = () => {
    // Two pools, so that a connection opened by trust is never reused without it.
    const createPools = (reuse: boolean) => ({
      guarded: createAgent({
        ...network,
        reuse,
        admit: (host, port, address) => admits(allow, host, port, address),
      }),
      trusting: createAgent({ ...network, reuse, admit: () => true }),
    });
    // If one idle connection is dead, the others to the same host probably are, too: a retry opens its own.
    return { first: createPools(true), retry: createPools(false) };
  };
  let agents: ReturnType<typeof createAgents> | undefined;
  const own = {
    "user-agent": "mediatap",
    "accept-encoding": "identity",
    "x-req-from": options.requestFrom ?? "mediatap",
  };
  const loopToken = printLoopToken(options.serverMark);

  async function fetch(address: string, request: FetchOptions): Promise<FetchResponse> {
    request.signal.throwIfAborted();
    const url = URL.parse(address);
    if (!url) throw refused("not a URL");
    const { trusted, ports, admits } = request;
    const rules = { allow, ports, admits, trusted: trusted === undefined ? undefined : new URL(trusted) };
    const work = new AbortController();
    const abort = () => work.abort(request.signal.reason);
    request.signal.addEventListener("abort", abort, { once: true });
    const clock = start(request.total ?? limits.originTotal, () =>
      work.abort(Object.assign(new Error("total time"), { code: "ETIMEDOUT" })),
    );
    const done = () => {
      clock.pause();
      request.signal.removeEventListener("abort", abort);
    };
    try {
      let headers = lowerCase(request.headers);
      let hop = checkUrl(url, rules);
      for (let redirects = 0; ; redirects++) {
        const response = await send(
          hop,
          { ...headers, ...own, "cdn-loop": loopListWith(loopToken) },
          request,
          work,
          clock,
        );
        const next = redirectOf(response, hop, request);
        if (!next) return respond(response, hop, request, done);
        await drop(response);
        if (redirects === limits.redirects) {
          throw new MediaError("UNIDENTIFIED", "The origin redirects too many times");
        }
        if (!sameOrigin(next, hop.url)) headers = safeHeaders(headers);
        hop = checkUrl(next, rules);
      }
    } catch (error) {
      done();
      request.signal.throwIfAborted();
      throw work.signal.aborted ? failureOf(work.signal.reason).error : error;
    }
  }

  /** One request; repeated once if no response came, unless it is a POST (RFC 9110 §9.2.2). */
  async function send(
    hop: Hop,
    headers: Record<string, string>,
    { method = "GET", body, host, firstByte, signal: caller }: FetchOptions,
    work: AbortController,
    clock: Clock,
  ): Promise<Received> {
    const { signal } = work;
    let interim = 0;
    const named = hop.trusted && host !== undefined ? { host } : {};
    agents ??= createAgents();
    const { first, retry } = agents;
    for (let attempt = 1; ; attempt++) {
      const started = performance.now();
      const note = (outcome: object) => {
        if (!options.log?.isLevelEnabled("debug")) return;
        const ms = Math.round(performance.now() - started);
        const what = { method, host: hop.url.host, attempt, ms, trace: currentTrace()?.id };
        options.log.debug({ ...what, ...outcome }, "a request to an origin");
      };
      try {
        signal.throwIfAborted();
        const { trusting, guarded } = attempt === 1 ? first : retry;
        const response = await receive(
          hop.trusted ? trusting : guarded,
          {
            origin: hop.url.origin,
            path: hop.url.pathname + hop.url.search,
            method,
            headers: { ...headers, ...named, ...traceHeaders() },
            // TLS asks for the name of the address, whatever the host.
            ...(named.host === undefined ? {} : { servername: hop.host }),
            body: body ?? null,
            ...(firstByte !== undefined && { headersTimeout: firstByte }),
            // undici closes connections after HEAD, for servers that send a body all the same.
            ...(hop.trusted && { reset: false }),
          },
          {
            signal,
            clock,
            failure: (error) => (caller.aborted ? caller.reason : brokenBody(signal.reason ?? error)),
            onInterim() {
              if (++interim > MAX_INTERIM_RESPONSES)
                work.abort(badResponse(new Error("interim answers without end")));
            },
          },
        );
        note({ status: response.status });
        return response;
      } catch (error) {
        note({ reason: reasonOf(error) });
        if (signal.aborted) throw error;
        const failure = failureOf(error);
        const pause = 20 + Math.random() * 80;
        if (!failure.again || method === "POST" || attempt === 2 || clock.left() < pause) throw failure.error;
        await delay(pause, undefined, { signal });
      }
    }
  }

  /** Gives the body to the caller, under the clock, as long as the caller's signal lasts. */
  function respond(response: Received, hop: Hop, request: FetchOptions, done: () => void): FetchResponse {
    const headers = flatten(response.headers);
    response.body.once("close", done);
    const body = decoded(response, headers, request);
    // A short rest is read to its end: closing the connection would cost a new one.
    const short = !hasBody(response, request.method) || Number(headers["content-length"]) <= SHORT_BODY_BYTES;
    const cancel = () => {
      if (!short) return void body.destroy();
      const timer = setTimeout(() => body.destroy(), DRAIN_TIMEOUT_MS);
      body.once("close", () => clearTimeout(timer)).resume();
    };
    return { status: response.status, headers, url: hop.url.href, body, cancel };
  }

  /** The body without content coding; `headers` then no longer describe the coded form. */
  function decoded(
    response: Received,
    headers: Record<string, string>,
    { method, coded = false }: FetchOptions,
  ): Readable {
    if (countOf(response.headers) > limits.headers) throw invalidResponse(response, "header count");
    const coding = codingOf(headers["content-encoding"]);
    if (coding === undefined || coded) return response.body;
    delete headers["content-encoding"];
    delete headers["content-length"];
    if (!hasBody(response, method)) return response.body;
    // A range of coded bytes cannot be decoded by itself.
    if (!isDecodable(coding) || response.status === 206) throw invalidResponse(response, "content coding");
    return decode(response.body, coding, (error) => (isCodingError(error) ? brokenBody(error) : error));
  }

  return {
    fetch,
    async close() {
      const { first, retry } = agents ?? {};
      const all = [first, retry].flatMap((pools) => (pools ? [pools.guarded, pools.trusting] : []));
      await Promise.all(all.map((agent) => agent.destroy()));
    },
  };
}

/** Whether a body follows the headers (RFC 9110 §6.4.1). */
function hasBody({ status }: Received, method: FetchOptions["method"]): boolean {
  return method !== "HEAD" && status !== 204 && status !== 304;
}

/** Where a redirect leads to; `undefined`: it is the response. Throws `UNIDENTIFIED` if it names no address. */
function redirectOf(
  response: Received,
  hop: Hop,
  { method = "GET", follows = () => true }: FetchOptions,
): URL | undefined {
  const isReading = method === "GET" || method === "HEAD";
  if (!isReading || !REDIRECTS.has(response.status) || !follows(flatten(response.headers))) return undefined;
  const location = response.headers.location;
  const next = typeof location === "string" ? URL.parse(location, hop.url.href) : null;
  if (next) return next;
  const { message, cause } = invalidResponse(response, "redirect without a location");
  // One file's fault, not the origin's.
  throw new MediaError("UNIDENTIFIED", message, { cause });
}

/** The error for an invalid response; its connection is closed. */
function invalidResponse(response: Received, reason: string): MediaError {
  response.body.destroy();
  return badResponse(new Error(reason));
}

/** Reads a short body to its end, so that the connection can be used again, or closes it. */
async function drop({ headers, body }: Received): Promise<void> {
  if (Number(headers["content-length"]) > SHORT_BODY_BYTES) return void body.destroy();
  let bytes = 0;
  body.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > SHORT_BODY_BYTES) body.destroy();
  });
  await once(body, "close").catch(() => undefined);
}

function lowerCase(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function safeHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => SAFE_HEADERS.has(name)));
}

function countOf(headers: Received["headers"]): number {
  let count = 0;
  for (const name in headers) count += Array.isArray(headers[name]) ? headers[name].length : 1;
  return count;
}

function flatten(headers: Received["headers"]): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return flat;
}
