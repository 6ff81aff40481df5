import { MediaError, nearest, printable } from "@mediatap/core";

/** `error` with the known word that is closest to what was received, if one is close. */
export function suggesting(error: MediaError, received: string, known: Iterable<string>): MediaError {
  return withWord(error, nearest(received, known));
}

export function withWord(error: MediaError, word: string | undefined): MediaError {
  if (word === undefined) return error;
  return new MediaError(error.code, `${error.message}, did you mean "${printable(word)}"?`);
}

/** `error` about a value that goes on behind another sign than a comma: `400;h-300`. */
export function separated(error: unknown, value: string): unknown {
  const isParameter = /[;&|]\s{0,9}(?:e-)?[a-z]{1,4}-/.test(value);
  if (!isParameter || (error as { code?: unknown }).code !== "EINVAL") return error;
  return new MediaError("EINVAL", `${(error as MediaError).message}; a comma separates parameters`);
}
