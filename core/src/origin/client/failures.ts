import { codeOf, isMediaError, MediaError, shortageOf } from "../../model/errors.ts";

/** A request without a response: whether a retry can help, and the error for the caller. */
export interface Failure {
  readonly error: unknown;
  readonly again: boolean;
}

/** A response that breaks HTTP or one of our limits. */
const BAD_RESPONSE = /^UND_ERR_(HEADERS_OVERFLOW|RES_|RESPONSE|NOT_SUPPORTED|ABORTED_UPGRADE)/;
/** Codes of OpenSSL and of Node's `tls`. */
const TLS =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO$|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH|ERROR_IN_)/;
const TIMEOUT = /^(UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT|ETIMEDOUT)$/;

/** What a failure before the response means. */
export function failureOf(error: unknown): Failure {
  const code = codeOf(error) ?? "";
  // A refusal of the guard, or a defect of the caller.
  if (isMediaError(error) || code === "UND_ERR_INVALID_ARG") return { error, again: false };
  if (BAD_RESPONSE.test(code) || isParserError(error)) return { error: badResponse(error), again: false };
  if (TIMEOUT.test(code)) {
    return {
      error: new MediaError("ECONNREFUSED", "The origin did not respond in time", {
        cause: error,
        outage: true,
      }),
      again: true,
    };
  }
  // No socket is free: a fault of this machine, not of the origin.
  const shortage = shortageOf(error);
  if (shortage) return { error: shortage, again: false };
  return {
    error: new MediaError("ECONNREFUSED", "The origin could not be reached", { cause: error, outage: true }),
    again: !TLS.test(code),
  };
}

/** The failure of a body of which a part may have been read. */
export function brokenBody(cause: unknown): MediaError {
  const message = TIMEOUT.test(codeOf(cause) ?? "")
    ? "The origin's response took too long"
    : "The origin's response is truncated";
  return new MediaError("UNIDENTIFIED", message, { cause, outage: true });
}

export function badResponse(cause: unknown): MediaError {
  return new MediaError("UNIDENTIFIED", "The origin sent an invalid response", { cause, outage: true });
}

/** undici's parser errors have no code for some faults. */
function isParserError(error: unknown): boolean {
  return error instanceof Error && error.name === "HTTPParserError";
}
