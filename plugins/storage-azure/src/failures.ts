import { isMediaError, MediaError } from "@mediatap/core";
import { nameTaken } from "@mediatap/core/storage";

/** What a failure of Azure's client means, without the names and addresses in its words. */
export function failureOf(cause: unknown): MediaError {
  if (isMediaError(cause)) return cause;
  const { statusCode, name, code } = cause as { statusCode?: number; name?: string; code?: string };
  if (name === "AbortError" || name === "TimeoutError") {
    return new MediaError("ECONNREFUSED", "The origin did not respond in time", { cause, outage: true });
  }
  if (code === "BlobAlreadyExists") return nameTaken(cause);
  // 404 is that of the container: a blob that is missing is no failure where this is used.
  if (statusCode === 401 || statusCode === 403 || statusCode === 404) {
    return new MediaError("EACCES", "The origin denies access", { cause });
  }
  const outage = statusCode === 429 || (statusCode ?? 0) >= 500;
  return new MediaError("UNIDENTIFIED", "The origin failed", { cause, outage });
}

/** What it means that a credential gave no token; Azure's default one has then tried all its ways. */
export function loginFailureOf(cause: unknown): MediaError {
  const { statusCode = 0, errors = [] } = cause as { statusCode?: number; errors?: readonly Error[] };
  if (statusCode === 429 || statusCode >= 500) {
    return new MediaError("UNIDENTIFIED", `The origin's login responded with status ${statusCode}`, {
      cause,
      outage: true,
    });
  }
  if (
    errors.some((error) => (error.cause as { errorCode?: string } | undefined)?.errorCode === "network_error")
  ) {
    return new MediaError("ECONNREFUSED", "The origin's login could not be reached", { cause, outage: true });
  }
  return new MediaError("EACCES", "The server has no credentials for the origin", {
    // Each of the ways says why not, at length.
    cause: errors.length === 0 ? cause : new Error(errors.map(({ message }) => firstOf(message)).join("; ")),
  });
}

/** The first sentence of a message. */
function firstOf(message: string): string {
  return (/^.*?[.](?=\s|$)/m.exec(message)?.[0] ?? message.split("\n", 1)[0] ?? "").slice(0, 200);
}
