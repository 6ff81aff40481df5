import { MediaError, nearest, printable } from "@mediatap/core";

/** Stands for a value that is well written but asks for something that the Transformation cannot say. */
export interface Missing {
  /** What cannot be done, in a client's words: `drop shadows`. */
  readonly missing: string;
}

export const lacking = (missing: string): Missing => ({ missing });

export const isMissing = (value: unknown): value is Missing =>
  typeof value === "object" && value !== null && "missing" in value;

export { unprintable } from "@mediatap/core/language";

/** The error for a parameter that has its value but no meaning where it stands. */
export const misplaced = (key: string, value: string, where: string) =>
  new MediaError("EINVAL", `Expected '${printable(value === "" ? key : `${key}-${value}`)}' ${where}`);

/** `error` with the known word that is closest to what was received, if one is close. */
export const suggesting = (error: MediaError, received: string, known: Iterable<string>): MediaError =>
  withWord(error, nearest(received, known));

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
