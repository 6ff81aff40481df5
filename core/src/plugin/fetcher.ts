import type { Readable } from "node:stream";

export interface FetchOptions {
  /** Only GET and HEAD follow redirects; all but POST are repeated if no response came. */
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal: AbortSignal;
  /**
   * An address that the configuration names: its scheme, host and port are trusted although they may be private.
   * Nothing else is, redirects included.
   */
  readonly trusted?: string;
  /**
   * Sent as `Host` to the trusted address and no other. TLS still asks for, and checks, the name of the address.
   * @default the host of each address
   */
  readonly host?: string;
  /** Ports allowed for untrusted addresses. @default [80, 443] */
  readonly ports?: readonly number[] | undefined;
  /** A further judgement on every untrusted address, redirects included. @default all that the guard admits */
  readonly admits?: ((url: URL) => boolean) | undefined;
  /** Whether a redirect with these headers is followed; otherwise it is returned as the response. @default every redirect */
  readonly follows?: (headers: FetchResponse["headers"]) => boolean;
  /** Leave content codings on the body, and its `Content-Encoding` and `Content-Length` among the headers. @default false */
  readonly coded?: boolean;
  /** Milliseconds until the headers of the response are there. @default limits.originFirstByte */
  readonly firstByte?: number;
  /**
   * Milliseconds from first connect to last byte. The time that the reader takes does not count.
   * @default limits.originTotal
   */
  readonly total?: number;
}

export interface FetchResponse {
  readonly status: number;
  /** Lower-case names; a repeated header is joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** Address that responded, after redirects. */
  readonly url: string;
  /** Decoded if the origin compressed it with gzip or br although not asked to; idle and total limits apply while reading. */
  readonly body: Readable;
  /** Stops reading and frees the connection. */
  cancel(): void;
}

/**
 * Sends requests to origins: checks every address after it was resolved, pins it for the connection, follows a
 * bounded number of redirects and checks each again, and bounds every phase in time.
 * Throws MediaErrors: `EACCES` (refused by the guard), `ECONNREFUSED` (no response), `UNIDENTIFIED` (invalid response).
 * Any HTTP status is a response, not an error.
 */
export interface Fetcher {
  fetch(url: string, options: FetchOptions): Promise<FetchResponse>;
  /** Frees every connection; what is still being read breaks off. */
  close(): Promise<void>;
}
