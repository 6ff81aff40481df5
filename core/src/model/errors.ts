import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import type { Spans } from "./spans.ts";

/**
 * Every code a client can meet, with the HTTP status it is answered with. Compare errors by `code`, never by `instanceof`: two
 * installed copies of this package are two classes.
 */
export const STATUS = {
  /** No origin has the file. */
  ENOENT: 404,
  /** An origin refused our credentials, or the guard refused an address. */
  EACCES: 404,
  /** An origin could not be reached. */
  ECONNREFUSED: 404,
  /** Any other failure of an origin. */
  UNIDENTIFIED: 404,
  /** A limit was exceeded. */
  ELIMIT: 400,
  /** The URL, a header or a transformation is invalid. */
  EINVAL: 400,
  /** A signature is missing where one is required, or wrong. */
  ESIGNATURE: 401,
  /** A signature was valid once. */
  EEXPIRED: 401,
  /** An access rule of the endpoint refuses the client. */
  EFORBIDDEN: 403,
  /** The URL asks for something that no installed plugin can do. */
  EUNSUPPORTED: 403,
  /** The method is not one of GET, HEAD, OPTIONS. */
  EMETHOD: 405,
  /** The URL is longer than the limit. */
  EURL: 414,
  /** The server is full; asking again later helps. */
  EBUSY: 503,
  /** The work took longer than its limit. */
  ETIMEDOUT: 504,
  /** A request that came from this server itself (RFC 8586). */
  ELOOP: 508,
  /** A defect of ours or of a plugin. */
  EINTERNAL: 500,
  /** The configuration is wrong; met at start only. */
  ECONFIG: 500,
} as const;

export type ErrorCode = keyof typeof STATUS;

export interface MediaErrorOptions extends ErrorOptions {
  /** Seconds after which asking again makes sense; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number | undefined;
  /** An outage of the origin, not of this file alone: counts for its circuit breaker. @default false */
  readonly outage?: boolean;
  /** Another status than the code's own. */
  readonly status?: number;
  /**
   * A field of a step (`clip.start`) or a variable, as `message` contains it: the language of the URL puts its own name there
   * (`Plugin.parameterNames`).
   */
  readonly subject?: string | undefined;
  /** The hook in which it happened; set by the core. */
  readonly hook?: string | undefined;
  /** The plugin that threw; set by the core. */
  readonly plugin?: string | undefined;
}

/**
 * The only error that the pipeline shows to a client. `code` is for programs; `message` is for the client and
 * must name no host, bucket, path of ours or secret; whatever helps the operator belongs into `cause`.
 */
export class MediaError extends Error {
  override readonly name = "MediaError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly outage: boolean;
  readonly subject: string | undefined;
  hook: string | undefined;
  plugin: string | undefined;
  #spans: Spans | undefined;

  constructor(code: ErrorCode, message: string, options: MediaErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.status = options.status ?? STATUS[code];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.outage = options.outage ?? false;
    this.subject = options.subject;
    this.hook = options.hook;
    this.plugin = options.plugin;
  }

  /** What the render that failed spent its time on; set by the core. Not enumerable: no log repeats it. */
  get spans(): Spans | undefined {
    return this.#spans;
  }

  set spans(spans: Spans | undefined) {
    this.#spans = spans;
  }
}

/** Whether `error` is a MediaError of this or of another copy of this package. */
export function isMediaError(error: unknown): error is MediaError {
  return error instanceof Error && error.name === "MediaError" && "code" in error && "status" in error;
}

/** Code of the cause of a failure that `changed` tells apart. */
const CHANGED_CAUSE = "ECHANGED";

/**
 * Bytes that were promised are no longer there, or no longer the same. Thrown before the first of them, by a body's
 * `stream` or a storage, it has the request answered again.
 */
export function changed(): MediaError {
  const cause = Object.assign(new Error("the validators differ, or the file is gone"), {
    code: CHANGED_CAUSE,
  });
  return new MediaError("UNIDENTIFIED", "The file changed while it was read", { cause });
}

/** Whether an error is one of `changed`. */
export function isChanged(error: unknown): boolean {
  return isMediaError(error) && codeOf(error.cause) === CHANGED_CAUSE;
}

/** The code of any error: ours, Node's (`ENOENT` of a file system …), or undefined. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/**
 * Codes of the operating system (errno(3)) for a resource that is used up, and may be free again soon, and Node's for a thread that
 * could not be started.
 */
const SHORTAGES: ReadonlySet<string> = new Set([
  ...["EAGAIN", "EMFILE", "ENFILE"],
  ...["ENOMEM", "ENOBUFS"],
  ...["ENOSPC", "EDQUOT"],
  "ERR_WORKER_INIT_FAILED",
]);

/** Seconds after which a resource may be free again. */
const SHORTAGE_SECONDS = 5;

/** Codes of getaddrinfo(3), which fails in the same way if a name does not exist and if it could not open a file or a socket. */
const LOOKUP_FAILURES: ReadonlySet<string> = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_FAIL",
  "EAI_NODATA",
  "EAI_SYSTEM",
]);

/** What Node throws, without a code, if it cannot open a file of a module that is loaded. */
const LOADING_FAILURE = /^Cannot read package config .*: too many open files/;

/** Causes that are looked at. */
const MAX_CAUSES = 5;

/**
 * `EBUSY`, with `Retry-After`, if an error or one of its causes says that descriptors, threads, memory or disk space of this machine
 * are used up. `undefined`: they say something else. The fault lies neither with the file nor with its origin.
 */
export function shortageOf(error: unknown): MediaError | undefined {
  const cause = shortageIn(error, MAX_CAUSES);
  if (cause === undefined) return undefined;
  return new MediaError("EBUSY", "The server is busy", { cause, retryAfterSeconds: SHORTAGE_SECONDS });
}

function shortageIn(error: unknown, causes: number): unknown {
  if (!(error instanceof Error) || causes === 0) return undefined;
  const code = codeOf(error) ?? "";
  if (SHORTAGES.has(code)) return error;
  if (LOOKUP_FAILURES.has(code) && openingFails()) return error;
  if (LOADING_FAILURE.test(error.message)) return error;
  // One error for each address that was tried.
  const others = error instanceof AggregateError ? error.errors : [error.cause];
  for (const other of others) {
    const found = shortageIn(other, causes - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether this process can open no file now. */
function openingFails(): boolean {
  try {
    closeSync(openSync(devNull, "r"));
    return false;
  } catch (error) {
    return SHORTAGES.has(codeOf(error) ?? "");
  }
}

/**
 * The error for a bad value: `Expected positive integer for width but received 'abc'`.
 * The value is cut to 60 characters and control characters are replaced, so that it is fit for a header.
 */
export function invalid(name: string, expected: string, received: unknown): MediaError {
  const shown = typeof received === "string" ? `'${printable(received)}'` : printable(String(received));
  return new MediaError("EINVAL", `Expected ${expected} for ${name} but received ${shown}`, {
    subject: name,
  });
}

/** `text` on one line of printable ASCII, at most `length` characters: safe in headers, logs and plain text. */
export function printable(text: string, length = 60): string {
  const cut = text.length > length ? `${text.slice(0, length - 1)}…` : text;
  return cut.replace(/[^\x20-\x7e…]/g, "?").replaceAll("…", "...");
}

/** Longest pause for a file, whatever its origin requests. */
const MAX_PAUSE_MS = 30_000;

/** Milliseconds for which a file must not be requested again, by its origin's `Retry-After`. */
export function pauseOf({ outage, retryAfterSeconds = 0 }: MediaError): number | undefined {
  return outage && retryAfterSeconds > 0 ? Math.min(retryAfterSeconds * 1000, MAX_PAUSE_MS) : undefined;
}
