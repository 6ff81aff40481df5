import { Readable } from "node:stream";
import { isForFewer } from "../../model/control.ts";
import { MediaError } from "../../model/errors.ts";
import {
  type Audience,
  type ByteRange,
  type FileMetadata,
  NOT_MODIFIED,
  type OpenOptions,
  type StorageEntry,
} from "../../model/source.ts";
import type { Fetcher, FetchResponse } from "../../plugin/fetcher.ts";
import { isVideoPath, lengthOf, metadataOf } from "./metadata.ts";
import { isExactly, isPart, readResponse, statusError } from "./response.ts";
import { createRetries } from "./retries.ts";
import { createSend, type HttpFilesOptions, type HttpTarget, type Send } from "./send.ts";
import { decodedStreamOf, type Reading, streamOf } from "./stream.ts";

type Headers = Readonly<Record<string, string>>;
type SendOne = (headers: Headers, method?: "GET" | "HEAD") => Promise<FetchResponse>;

/** A file at an HTTP origin. */
export interface HttpFile extends HttpTarget, Pick<FileMetadata, "canonical"> {
  /** Its path; the extension decides what is expected. */
  readonly path: string;
  /** Whether a 404 means that the bucket or container does not exist: then it is a failure (`EACCES`). @default never */
  noPlace?(headers: Headers): boolean;
  /** Whether a success describes something that is no file, such as a folder: then the file is not there. @default never */
  noFile?(headers: Headers): boolean;
  /** Headers whose value `true` marks a private file, beside `Is-Private-File`; lower-case. @default none */
  readonly privateHeaders?: readonly string[];
  /** A 304 does not contain the metadata of the file: a HEAD finds out for whom it is now. @default false */
  readonly hasBareNotModified?: boolean;
}

/** For signed requests only. */
const PRIVATE_AUDIENCE: Audience = { private: true, cacheControl: "private, no-store" };

/** The reader of an HTTP origin's files. */
export interface HttpFiles {
  /** All of `Storage.open` but for finding the address. */
  open(file: HttpFile, options: OpenOptions): Promise<StorageEntry | typeof NOT_MODIFIED | undefined>;
  /** Sends a request of the storage's own, such as a login, with the same retries. */
  readonly send: Send;
  /** The end of the time for a file, as of `performance.now()`. */
  deadlineOf(path: string): number;
}

/**
 * Reads files over HTTP for a storage. It renews credentials once, retries transient faults, turns statuses and broken bodies
 * into MediaErrors, cuts out ranges that the origin ignores, undoes content codings and continues a broken body once.
 * Each origin has its own, because retries share a budget.
 */
export function createHttpFiles(fetcher: Fetcher, options: HttpFilesOptions = {}): HttpFiles {
  const { retries = 2, timeout = 30_000, videoTimeout = 300_000 } = options;
  const send = createSend(fetcher, createRetries(retries));
  const deadlineOf = (path: string) => performance.now() + (isVideoPath(path) ? videoTimeout : timeout);
  return { send, deadlineOf, open: (file, options) => openFile(send, file, options, deadlineOf(file.path)) };
}

async function openFile(
  sendTo: Send,
  file: HttpFile,
  options: OpenOptions,
  deadline: number,
): Promise<StorageEntry | typeof NOT_MODIFIED | undefined> {
  const { signal, head = false } = options;
  const { path, privateHeaders = [] } = file;
  const range = head ? undefined : options.range;
  const send: SendOne = (headers, method = "GET") =>
    sendTo(file, { method, headers, signal, coded: true }, deadline);

  const conditions = conditionsOf(options);
  const response = head ? await requestHead(send, conditions) : await requestBody(send, conditions, range);
  const conditional = Object.keys(conditions).length > 0;
  const errorCode = file.errorCode?.(response.headers);
  let result: ReturnType<typeof readResponse>;
  try {
    result = file.noFile?.(response.headers)
      ? undefined
      : readResponse(response, { path, head, range, conditional, errorCode, privateHeaders });
    if (result === undefined && file.noPlace?.(response.headers)) {
      const cause = statusError(response.status, errorCode);
      throw new MediaError("EACCES", "The origin's folder or bucket does not exist", { cause });
    }
  } catch (error) {
    response.cancel();
    throw error;
  }
  if (typeof result !== "object" || head) response.cancel();
  if (result === NOT_MODIFIED) {
    const { ifNoneMatch: _, ifModifiedSince: __, held, ...rest } = options;
    const reopen = (again: Partial<OpenOptions> = {}) =>
      openFile(sendTo, file, { ...rest, ...again }, deadline);
    const metadata = metadataOf(response.headers, undefined, privateHeaders);
    let now: Audience = metadata;
    if (held && file.hasBareNotModified && isForFewer(PRIVATE_AUDIENCE, held)) {
      const entry = await reopen({ head: true });
      now = typeof entry === "object" ? entry : PRIVATE_AUDIENCE;
    }
    if (held && isForFewer(now, held)) return reopen();
    options.onNotModified?.(metadata);
  }
  if (typeof result !== "object") return result;

  const { metadata, part, coding } = result;
  const wanted = range && upTo(metadata.size, range);
  let stream: Readable | undefined;
  return {
    ...metadata,
    ...(file.canonical !== undefined && { canonical: file.canonical }),
    ...(wanted && { ranged: part }),
    body() {
      const length = part ? metadata.size : lengthOf(response.headers);
      const last = coding === undefined ? wanted?.end : undefined;
      const reading: Reading = {
        response,
        from: part && range ? range.start : 0,
        range: wanted,
        endsThere: part,
        async resume(at) {
          return length === undefined ? undefined : requestRest(send, metadata.etag, at, last ?? length - 1);
        },
      };
      if (wanted && wanted.start > wanted.end) stream = Readable.from([]);
      else stream = coding === undefined ? streamOf(reading) : decodedStreamOf(reading, coding);
      return stream;
    },
    close() {
      // First the stream: it takes a body that ends under it for one that broke off.
      stream?.destroy();
      response.cancel();
    },
  };
}

/** The headers of the file, by `HEAD` if the origin supports it. */
async function requestHead(send: SendOne, conditions: Headers): Promise<FetchResponse> {
  const response = await send(conditions, "HEAD");
  if (response.status !== 405 && response.status !== 501) return response;
  response.cancel();
  return send(conditions);
}

/** The file or a range of it; the whole file if the origin sends another range. */
async function requestBody(
  send: SendOne,
  conditions: Headers,
  range: ByteRange | undefined,
): Promise<FetchResponse> {
  if (!range) return send(conditions);
  const response = await send({ ...conditions, range: `bytes=${range.start}-${range.end}` });
  if (response.status !== 416 && (response.status !== 206 || isPart(response, range))) return response;
  response.cancel();
  return send(conditions);
}

/** The missing bytes, if the file has the same strong entity tag (RFC 9110 §13.1.5). */
async function requestRest(
  send: SendOne,
  etag: string | undefined,
  start: number,
  end: number,
): Promise<FetchResponse | undefined> {
  if (!etag?.startsWith('"') || end < start) return undefined;
  const response = await send({ range: `bytes=${start}-${end}`, "if-range": etag });
  if (isExactly(response, { start, end }) && response.headers.etag === etag) return response;
  response.cancel();
  return undefined;
}

function conditionsOf({ ifNoneMatch, ifModifiedSince }: OpenOptions): Headers {
  return {
    ...(ifNoneMatch !== undefined && { "if-none-match": ifNoneMatch }),
    ...(ifModifiedSince !== undefined && { "if-modified-since": new Date(ifModifiedSince).toUTCString() }),
  };
}

/** The range, cut off at the end of the file. */
function upTo(size: number | undefined, { start, end }: ByteRange): ByteRange {
  return { start, end: size === undefined ? end : Math.min(end, size - 1) };
}
