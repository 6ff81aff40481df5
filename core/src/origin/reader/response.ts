import { MediaError, STATUS } from "../../model/errors.ts";
import { isMediaName } from "../../model/media.ts";
import { type ByteRange, type FileMetadata, NOT_MODIFIED } from "../../model/source.ts";
import type { FetchResponse } from "../../plugin/fetcher.ts";
import { type Coding, codingOf, isDecodable } from "../client/body.ts";
import { LOOP_CAUSE } from "../loop.ts";
import { contentRangeOf, isPage, lengthOf, metadataOf } from "./metadata.ts";
import { retryAfterOf } from "./send.ts";

/** What was requested, as far as it decides what a response means. */
interface FileRequest {
  readonly path: string;
  readonly head: boolean;
  readonly range: ByteRange | undefined;
  /** Validators were sent. */
  readonly conditional: boolean;
  /** The origin's own code for a failure. */
  readonly errorCode: string | undefined;
  /** Headers that mark a private file, beside the usual one. */
  readonly privateHeaders: readonly string[];
}

/** Throws for a response that is neither a file nor "not here". `errorCode`: the origin's own, for the log. */
export function assertAnswered(
  response: Pick<FetchResponse, "status" | "headers">,
  errorCode?: string,
): void {
  const { status } = response;
  const cause = statusError(status, errorCode);
  if (status === 401 || status === 403) {
    throw new MediaError("EACCES", "The origin denies access to the file", { cause });
  }
  if (status === 200 || status === 203 || status === 404 || status === 410) return;
  if (status === STATUS.ELOOP) {
    const cause = Object.assign(new Error("status 508"), { code: LOOP_CAUSE });
    throw new MediaError("UNIDENTIFIED", "The origin's files come from this server", { cause });
  }
  throw new MediaError("UNIDENTIFIED", `The origin responded with status ${status}`, {
    cause,
    outage: status === 429 || status >= 500,
    retryAfterSeconds: retryAfterOf(response),
  });
}

/** Another file has the name of one that should be new. */
export function nameTaken(cause?: unknown): MediaError {
  return new MediaError("EINVAL", "There is a file with this name already.", { status: 409, cause });
}

/** A status as the cause of a failure. */
export function statusError(status: number, errorCode = ""): Error {
  return new Error(errorCode === "" ? `status ${status}` : `status ${status}, ${errorCode}`);
}

/** Throws `UNIDENTIFIED` if the path is that of a picture, video or document, and the file a page (an error page with status 200) or empty. */
function assertMedia(path: string, { type, size }: FileMetadata, head: boolean): void {
  if (!isMediaName(path)) return;
  if (isPage(type)) throw new MediaError("UNIDENTIFIED", "The origin sent a page instead of the file");
  if (size === 0 && !head) throw new MediaError("UNIDENTIFIED", "The origin sent an empty file");
}

/** The file in a response. */
interface FileResponse {
  readonly metadata: FileMetadata;
  /** The body is the requested range instead of the whole file. */
  readonly part: boolean;
  /** Content coding of the body. */
  readonly coding?: Coding;
}

/**
 * What a response means. `undefined`: the file is not there. Throws `EACCES` if the origin denies it, and `UNIDENTIFIED` for
 * everything that does not fit the request.
 */
export function readResponse(
  response: FetchResponse,
  { path, head, range, conditional, errorCode, privateHeaders }: FileRequest,
): FileResponse | typeof NOT_MODIFIED | undefined {
  const { status, headers } = response;
  if (status === 304 && conditional) return NOT_MODIFIED;
  const coding = codingOf(headers["content-encoding"]);
  const part = range !== undefined && isPart(response, range);
  if (!part) assertAnswered(response, errorCode);
  if (status === 404 || status === 410) return undefined;
  const size = part ? contentRangeOf(headers)?.size : lengthOf(headers);
  const metadata = metadataOf(headers, coding === undefined ? size : undefined, privateHeaders);
  assertMedia(path, metadata, head);
  if (coding === undefined || head) return { metadata, part };
  if (isDecodable(coding)) return { metadata, part, coding };
  throw new MediaError("UNIDENTIFIED", "The origin's file has an unknown content coding");
}

/** Whether a response contains a range of the file. One of coded bytes does not count: it cannot be decoded by itself. */
export function isPart(response: FetchResponse, range: ByteRange): boolean {
  return isExactly(response, range) && codingOf(response.headers["content-encoding"]) === undefined;
}

/** Whether a response contains exactly a range, in one part, and cut off at the end of the file. */
export function isExactly({ status, headers }: FetchResponse, { start, end }: ByteRange): boolean {
  const range = contentRangeOf(headers);
  if (status !== 206 || range?.start !== start) return false;
  const length = lengthOf(headers);
  if (length !== undefined && length !== range.end - range.start + 1) return false;
  return range.end === (range.size === undefined ? end : Math.min(end, range.size - 1));
}
