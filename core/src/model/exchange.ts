import type { Logger } from "pino";
import type { Endpoint } from "./endpoint.ts";
import type { MediaError } from "./errors.ts";
import type { AcceptClass, Job } from "./job.ts";
import type { Lane } from "./plan.ts";
import type { Provenance, RenditionRecord } from "./rendition.ts";
import type { Spans } from "./spans.ts";

/** A request as plugins see it. */
export interface MediaRequest {
  readonly method: string;
  /** Path and query exactly as received, never decoded. */
  readonly url: string;
  /** Lower-case host name without port. */
  readonly host: string;
  /** Address of the client, seen through trusted proxies only. */
  readonly ip: string;
  /** The client uses HTTPS, as trusted proxies say in `X-Forwarded-Proto`; `false` if none of them says so. */
  readonly isSecure: boolean;
  /** A header's value. Reading one in `resolve` (other than by `accept`) keeps the job from being memoised. */
  header(name: string): string | undefined;
}

/** The part of the URL that belongs to the endpoint, exactly as received. */
export interface Target {
  /** Path after host and prefix, without a leading slash. */
  readonly path: string;
  /** Query without `?`; `""` if none. */
  readonly query: string;
  /** What came before `path`: `""`, or the prefix with a slash behind it. */
  readonly mount: string;
}

/**
 * What `admit` has found out about a request. The core applies the endpoint's access rules to it once, after all taps;
 * what is left out opens nothing.
 */
export interface Claims {
  /**
   * State of the signature. Left out: the URL has none, or the endpoint has no key to check it with. `wrong` and `expired`
   * are refused on every endpoint.
   */
  signature?: "valid" | "wrong" | "expired";
  /** `none`: the URL asks for no transformation. `named`: every step comes from a named one. Left out: neither is known. */
  transformation?: "none" | "named";
}

/** What happened to a request in the caches; becomes `Cache-Status` (RFC 9211). */
export interface CacheOutcome {
  readonly hit: boolean;
  /** The cache that had it. */
  readonly cache?: string;
  readonly forward?: "miss" | "stale" | "uri-miss" | "bypass" | "method";
  /** Status of the next hop's response: 200, 304 or 404, whatever its protocol. */
  readonly forwardStatus?: number;
  /** Milliseconds for which the response was still fresh; left out if a record contains it. */
  readonly freshFor?: number;
  /** Seconds since the response was stored; left out if a record contains it. */
  readonly age?: number;
  readonly stored?: boolean;
  /** It waited for work that another request had begun. */
  readonly collapsed?: boolean;
  /** The stored rendition was revalidated. */
  readonly revalidated?: boolean;
}

/** How a request got its response, or its failure. */
export interface Outcome {
  readonly cache?: CacheOutcome;
  readonly provenance: Provenance;
  /** In which lane its rendition was made, where it was made for it. */
  readonly lane?: Lane;
  /** Milliseconds for which the response may be stored, if that differs from the endpoint's. */
  readonly lifetime?: number;
}

/** The response in `respond`. Header names are lower-case. */
export interface Reply {
  status: number;
  readonly headers: Record<string, string | number | undefined>;
}

/** One request on its way through the hooks. What is found out on the way is added by `addTo` alone. */
export interface Exchange extends Outcome {
  /** Random; also the value of `x-request-id`. */
  readonly id: string;
  /** `performance.now()` when it arrived. */
  readonly started: number;
  readonly request: MediaRequest;
  readonly endpoint: Endpoint;
  readonly target: Target;
  readonly accept: AcceptClass;
  /** Aborted when the client has gone or the request took too long. */
  readonly signal: AbortSignal;
  readonly claims: Claims;
  readonly spans: Spans;
  readonly log: Logger;
  /** From `resolve` on. */
  readonly job?: Job;
  readonly key?: string;
  /** The record of its response, from `respond` on. Left out: an error or a text of the server. */
  readonly record?: RenditionRecord;
  /** Why it failed, from `respond` on. */
  readonly error?: MediaError;
  /** From `respond` on. */
  readonly reply?: Reply;
}

/** Fields that are added to an exchange on its way: by `resolve`, by `answer`, and by `respond`. */
type Found =
  | Outcome
  | Required<Pick<Exchange, "job" | "key">>
  | Pick<Exchange, "record">
  | Pick<Exchange, "error">
  | Pick<Exchange, "reply">;

/** Adds such fields: each has one owner, which calls this once per response. */
export function addTo(exchange: Exchange, found: Found): void {
  Object.assign(exchange, found);
}
