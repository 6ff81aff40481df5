import { MediaError } from "../model/errors.ts";

/** The server is too busy for more. */
export function busy(seconds: number): MediaError {
  return new MediaError("EBUSY", "The server is busy", {
    retryAfterSeconds: Math.max(1, Math.ceil(seconds)),
  });
}
