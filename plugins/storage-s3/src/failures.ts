import { isMediaError, MediaError } from "@mediatap/core";
import { assertAnswered } from "@mediatap/core/storage";

/** What the SDK adds to errors. */
interface SdkError {
  /** The service's code for a failure, or the SDK's own. */
  readonly name?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** What a failure of the SDK means: of a search for credentials, or of a request. */
export function failureOf(cause: unknown): MediaError {
  if (isMediaError(cause)) return cause;
  const { name, $metadata } = cause as SdkError;
  const status = $metadata?.httpStatusCode;
  if (isWithoutKeys(cause))
    return new MediaError("EACCES", "The origin denies access to the file", { cause });
  if (status === undefined) {
    return new MediaError("ECONNREFUSED", "The origin could not be reached", { cause, outage: true });
  }
  if (name === "NoSuchBucket") {
    return new MediaError("EACCES", "The origin's folder or bucket does not exist", { cause });
  }
  try {
    assertAnswered({ status, headers: {} }, name);
  } catch (error) {
    if (isMediaError(error)) return error;
  }
  return invalidResponse(cause);
}

/** Whether the SDK has found no credentials. */
export function isWithoutKeys(error: unknown): boolean {
  return /^(Credentials|Token)ProviderError$/.test((error as SdkError).name ?? "");
}

/** Whether an object is not there. */
export function isMissing(error: unknown): boolean {
  const { name, $metadata } = error as SdkError;
  return $metadata?.httpStatusCode === 404 && name !== "NoSuchBucket";
}

/** Whether an object that should be new is there already, or is being written or deleted by somebody else. */
export function isRefusedCondition(error: unknown): boolean {
  const { $metadata } = error as SdkError;
  return $metadata?.httpStatusCode === 412 || $metadata?.httpStatusCode === 409;
}

/** Whether a service has no conditional writes. Most of those ignore the condition. */
export function isUnknownCondition(error: unknown): boolean {
  return (error as SdkError).$metadata?.httpStatusCode === 501;
}

/** A well-formed response that does not answer the request. */
export function invalidResponse(cause?: unknown): MediaError {
  return new MediaError("UNIDENTIFIED", "The origin sent an invalid response", { cause });
}

/** The response of the SDK; failures as MediaErrors. */
export async function withFailures<T>(response: Promise<T>): Promise<T> {
  try {
    return await response;
  } catch (error) {
    throw failureOf(error);
  }
}
