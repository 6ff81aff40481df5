import {
  type ByteRange,
  type EntryFacts,
  type FetchResponse,
  MediaError,
  NOT_MODIFIED,
} from "@mediatap/core";
import { retryAfterOf } from "./ask.ts";
import { contentRangeOf, factsOf, isMediaPath, isPage, lengthOf } from "./facts.ts";

/** What was asked, as far as it decides what an answer means. */
export interface Question {
  readonly path: string;
  readonly head: boolean;
  readonly range: ByteRange | undefined;
  /** Validators were sent. */
  readonly conditional: boolean;
}

/** The file, as an answer has it. */
export interface Answer {
  readonly facts: EntryFacts;
  /** The body is the range asked for, instead of the whole file. */
  readonly part: boolean;
}

/**
 * What an answer means. `undefined`: the file is not there. Throws `EACCES` where the origin denies it, and
 * `UNIDENTIFIED` for all that is no proper answer to the question.
 */
export function judge(response: FetchResponse, question: Question): Answer | typeof NOT_MODIFIED | undefined {
  const { status, headers } = response;
  if (status === 404 || status === 410) return undefined;
  if (status === 401 || status === 403)
    throw new MediaError("EACCES", "The origin denies access to the file");
  if (status === 304 && question.conditional) return NOT_MODIFIED;
  const part = status === 206 && question.range !== undefined;
  if (status !== 200 && status !== 203 && !part) {
    const seconds = retryAfterOf(response);
    throw new MediaError("UNIDENTIFIED", `The origin answered with status ${status}`, {
      outage: status === 429 || status >= 500,
      ...(seconds !== undefined && { retryAfterSeconds: seconds }),
    });
  }
  const size = part ? contentRangeOf(headers)?.size : lengthOf(headers);
  if (isMediaPath(question.path)) {
    // Error pages that come with status 200.
    if (isPage(headers)) throw new MediaError("UNIDENTIFIED", "The origin sent a page instead of the file");
    if (size === 0 && !question.head) throw new MediaError("UNIDENTIFIED", "The origin sent an empty file");
  }
  return { facts: factsOf(headers, size), part };
}

/** Whether an answer holds exactly a range: cut off at the end of the file, and in one part. */
export function isExactly({ status, headers }: FetchResponse, { start, end }: ByteRange): boolean {
  const found = contentRangeOf(headers);
  if (status !== 206 || !found || found.start !== start) return false;
  const length = lengthOf(headers);
  if (length !== undefined && length !== found.end - found.start + 1) return false;
  return found.end === (found.size === undefined ? end : Math.min(end, found.size - 1));
}
