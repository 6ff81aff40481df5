import type { FetchResponse } from "../fetch/fetcher.ts";
import { LOOP_CAUSE } from "../loop.ts";
import { MediaError, STATUS } from "../model/errors.ts";
import { isMediaName } from "../model/media.ts";
import { type ByteRange, type EntryFacts, NOT_MODIFIED } from "../model/source.ts";
import { retryAfterOf } from "./ask.ts";
import { contentRangeOf, factsOf, isPage, lengthOf } from "./facts.ts";

/** What was asked, as far as it decides what an answer means. */
export interface Question {
  readonly path: string;
  readonly head: boolean;
  readonly range: ByteRange | undefined;
  /** Validators were sent. */
  readonly conditional: boolean;
}

/** Throws for an answer that is neither a file nor "not here". */
export function assertAnswered(response: FetchResponse): void {
  const { status } = response;
  if (status === 401 || status === 403) {
    throw new MediaError("EACCES", "The origin denies access to the file");
  }
  if (status === 200 || status === 203 || status === 404 || status === 410) return;
  if (status === STATUS.ELOOP) {
    const cause = Object.assign(new Error("status 508"), { code: LOOP_CAUSE });
    throw new MediaError("UNIDENTIFIED", "The origin's files come from this server", { cause });
  }
  const seconds = retryAfterOf(response);
  throw new MediaError("UNIDENTIFIED", `The origin answered with status ${status}`, {
    outage: status === 429 || status >= 500,
    ...(seconds !== undefined && { retryAfterSeconds: seconds }),
  });
}

/** Throws `UNIDENTIFIED` if a picture, video or document, by its path, is a page (an error page with status 200) or empty. */
export function assertMedia(path: string, { type, size }: EntryFacts, head: boolean): void {
  if (!isMediaName(path)) return;
  if (isPage(type)) throw new MediaError("UNIDENTIFIED", "The origin sent a page instead of the file");
  if (size === 0 && !head) throw new MediaError("UNIDENTIFIED", "The origin sent an empty file");
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
  if (status === 304 && question.conditional) return NOT_MODIFIED;
  const part = status === 206 && question.range !== undefined;
  if (!part) assertAnswered(response);
  if (status === 404 || status === 410) return undefined;
  const facts = factsOf(headers, part ? contentRangeOf(headers)?.size : lengthOf(headers));
  assertMedia(question.path, facts, question.head);
  return { facts, part };
}

/** Whether an answer holds exactly a range: cut off at the end of the file, and in one part. */
export function isExactly({ status, headers }: FetchResponse, { start, end }: ByteRange): boolean {
  const found = contentRangeOf(headers);
  if (status !== 206 || !found || found.start !== start) return false;
  const length = lengthOf(headers);
  if (length !== undefined && length !== found.end - found.start + 1) return false;
  return found.end === (found.size === undefined ? end : Math.min(end, found.size - 1));
}
