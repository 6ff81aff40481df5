import { codeOf, MediaError, parseRetryAfter } from "@mediatap/core";

/** What a request that the SDK failed means, and what may help. */
export type Failure =
  /** There is no such object. */
  | { readonly kind: "absent" }
  /** The validators sent still hold; how long they may, where the answer says so. */
  | { readonly kind: "same"; readonly cacheControl: string | undefined }
  /** The range lies behind the end of the object. */
  | { readonly kind: "behind" }
  /** The object is not the one that the request names. */
  | { readonly kind: "changed"; readonly error: MediaError }
  /** Nothing helps. */
  | { readonly kind: "final"; readonly error: MediaError }
  /** Other credentials may help. */
  | { readonly kind: "credentials"; readonly error: MediaError }
  /** The bucket lies in another region. */
  | { readonly kind: "region"; readonly region: string; readonly error: MediaError }
  /** One more try makes sense: no answer came, or the SDK has learnt the right time from it. */
  | { readonly kind: "again"; readonly error: MediaError }
  /** A fault that may be gone in a moment, or after `pause` milliseconds. */
  | { readonly kind: "passing"; readonly pause: number | undefined; readonly error: MediaError };

/** What the SDK adds to errors. */
interface SdkError {
  readonly name?: string;
  readonly Code?: string;
  /** Of a signature for the wrong one. */
  readonly Region?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: {
    readonly statusCode?: number;
    readonly headers?: Readonly<Record<string, string | undefined>>;
  };
}

/** Error codes of keys and tokens that may have been replaced. A HEAD has no code: its status stands for it. */
const STALE =
  /^(Expired|ExpiredToken|ExpiredTokenException|InvalidToken|TokenRefreshRequired|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidClientTokenId)$/;
/** Codes of requests that are denied with another status than 401 and 403. */
const DENIED = /^(ExpiredToken|ExpiredTokenException|InvalidToken|TokenRefreshRequired)$/;
/** Codes of OpenSSL and of Node's `tls`. */
const TLS =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO$|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH|ERROR_IN_)/;
/** What the SDK says of an answer that has no word. */
const BARE = /^(\d+|Error|Unknown|UnknownError|Forbidden|BadRequest)$/;
const TIMEOUT = /^(TimeoutError|ETIMEDOUT|ESOCKETTIMEDOUT)$/;

/** The service's word for a failure, such as `NoSuchKey`, or the SDK's; "" where there is none. */
export function wordOf(cause: unknown): string {
  const { name = "", Code = name } = (cause ?? {}) as SdkError;
  return BARE.test(Code) || !/^\w{1,60}$/.test(Code) ? "" : Code;
}

export function statusOf(cause: unknown): number | undefined {
  const { $metadata, $response } = (cause ?? {}) as SdkError;
  return $metadata?.httpStatusCode ?? $response?.statusCode;
}

/** What an error of the SDK means. */
export function failureOf(error: unknown): Failure {
  const { name = "", Region, $response } = error as SdkError;
  const status = statusOf(error);
  const code = wordOf(error);
  if (/^(CredentialsProviderError|TokenProviderError)$/.test(name)) return denied(error, "final");
  if (status === undefined) return unanswered(error, name);
  const cause = inWords(error, status, code);
  if (status === 304) return { kind: "same", cacheControl: $response?.headers?.["cache-control"] };
  if (status === 416) return { kind: "behind" };
  if (status === 412) {
    return {
      kind: "changed",
      error: new MediaError("UNIDENTIFIED", "The file changed while it was read", { cause }),
    };
  }
  const region = $response?.headers?.["x-amz-bucket-region"] ?? Region;
  if ((status === 301 || status === 400) && region && /^[a-z0-9-]{1,32}$/.test(region)) {
    return { kind: "region", region, error: unidentified(cause, status) };
  }
  if (code === "NoSuchBucket") {
    return {
      kind: "final",
      error: new MediaError("EACCES", "The origin's place for files does not exist", { cause }),
    };
  }
  if (status === 404 || status === 410) return { kind: "absent" };
  if (code === "RequestTimeTooSkewed") return denied(cause, "again");
  const bare = code === "";
  if (status === 401 || status === 403 || DENIED.test(code)) {
    return denied(cause, STALE.test(code) || bare ? "credentials" : "final");
  }
  if (status === 400 && bare) return { kind: "credentials", error: unidentified(cause, status) };
  if (status === 429 || [500, 502, 503, 504].includes(status)) {
    const seconds = parseRetryAfter($response?.headers?.["retry-after"]);
    return {
      kind: "passing",
      pause: seconds === undefined ? undefined : seconds * 1000,
      error: unidentified(cause, status, seconds),
    };
  }
  return { kind: "final", error: unidentified(cause, status) };
}

/** An answer's failure as the log should have it: the SDK often says no more than `UnknownError`. */
function inWords(cause: unknown, status: number, code: string): Error {
  const { message } = cause as Error;
  const words = [`status ${status}`, code, BARE.test(message) || message === code ? "" : message];
  return new Error(words.filter((word) => word !== "").join(", "), { cause });
}

/** The failure of a body of which a part may have been read. */
export function brokenBody(message: string, cause?: unknown): MediaError {
  return new MediaError("UNIDENTIFIED", message, { cause, outage: true });
}

/** An answer that is well formed, and still none to what was asked. */
export function invalidAnswer(cause?: unknown): MediaError {
  return new MediaError("UNIDENTIFIED", "The origin gave an invalid answer", { cause });
}

/** No answer, or none that is HTTP. */
function unanswered(cause: unknown, name: string): Failure {
  const code = codeOf(cause) ?? "";
  if (code.startsWith("HPE_")) {
    return { kind: "final", error: brokenBody("The origin gave an invalid answer", cause) };
  }
  const late = TIMEOUT.test(code) || TIMEOUT.test(name);
  const message = late ? "The origin did not answer in time" : "The origin could not be reached";
  const error = new MediaError("ECONNREFUSED", message, { cause, outage: true });
  return TLS.test(code) ? { kind: "final", error } : { kind: "again", error };
}

function denied(cause: unknown, kind: "final" | "credentials" | "again"): Failure {
  return { kind, error: new MediaError("EACCES", "The origin denies access to the file", { cause }) };
}

function unidentified(cause: unknown, status: number, retryAfterSeconds?: number): MediaError {
  return new MediaError("UNIDENTIFIED", `The origin answered with status ${status}`, {
    cause,
    outage: status === 429 || status >= 500,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
