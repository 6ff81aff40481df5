import { MediaError } from "@mediatap/core";

/** The error for what the language has no words for. */
export function unprintable(what: string): MediaError {
  return new MediaError("EUNSUPPORTED", `Not supported in URLs of this language: ${what}`);
}
