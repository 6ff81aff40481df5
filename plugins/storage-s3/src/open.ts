import { Readable } from "node:stream";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import {
  assertMedia,
  type ByteRange,
  type EntryFacts,
  isForFewer,
  isVideoPath,
  type Limits,
  MediaError,
  NOT_MODIFIED,
  type OpenOptions,
  type StorageEntry,
} from "@mediatap/core";
import { type Bucket, drop, Refusal, type Settings, type Wait } from "./bucket.ts";
import { codingOf, factsOf, isExactly, rangeOf } from "./facts.ts";
import { invalidAnswer } from "./failures.ts";
import { cutOut, decode, isDecodable, streamOf } from "./stream.ts";

export interface Opening {
  readonly bucket: Bucket;
  readonly key: string;
  /** The path that the key was made of: its extension tells what is expected. */
  readonly path: string;
  readonly options: OpenOptions;
  readonly limits: Limits;
  readonly settings: Settings;
}

type Opened = StorageEntry | typeof NOT_MODIFIED | undefined;

/** Opens an object: all of `Storage.open` but for finding the key. */
export async function openObject(opening: Opening): Promise<Opened> {
  const { path, options, settings } = opening;
  const time = isVideoPath(path) ? settings.videoTimeout : settings.timeout;
  const wait = { signal: options.signal, deadline: performance.now() + time };
  try {
    return await (options.head ? openHead(opening, wait) : openBody(opening, wait));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { failure } = error;
    if (failure.kind === "absent") return undefined;
    if (failure.kind === "same" && conditionsOf(options) !== undefined) {
      if (await isForFewerNow(opening, wait)) {
        const { ifNoneMatch: _, ifModifiedSince: __, ...bypassing } = options;
        return openObject({ ...opening, options: bypassing });
      }
      const { cacheControl } = failure;
      options.onNotModified?.(cacheControl === undefined ? {} : { cacheControl });
      return NOT_MODIFIED;
    }
    if ("error" in failure) throw failure.error;
    throw invalidAnswer(error);
  }
}

/** For nobody but those who sign. */
const FEWEST = { private: true, cacheControl: "private, no-store" };

/**
 * Whether an object that did not change is for fewer clients than it was. The entity tag is the hash of the bytes, and a 304
 * does not carry the object's metadata: a HEAD does.
 */
async function isForFewerNow({ bucket, key, options: { held } }: Opening, wait: Wait): Promise<boolean> {
  if (!held || !isForFewer(FEWEST, held)) return false;
  try {
    return isForFewer(factsOf(await bucket.head({ Key: key }, wait)), held);
  } catch (error) {
    // It is gone meanwhile: to open it tells.
    if (error instanceof Refusal && error.failure.kind === "absent") return true;
    throw error instanceof Refusal && "error" in error.failure ? error.failure.error : error;
  }
}

async function openHead({ bucket, key, path, options }: Opening, wait: Wait): Promise<StorageEntry> {
  const said = await bucket.head({ Key: key, ...conditionsOf(options) }, wait);
  const facts = factsOf(said);
  assertMedia(path, facts, true);
  return { ...facts, body: () => Readable.from([]) };
}

async function openBody(opening: Opening, wait: Wait): Promise<Opened> {
  const { bucket, key, path, options, limits } = opening;
  const { range, signal } = options;
  const conditions = conditionsOf(options);
  const ask = (part?: ByteRange) =>
    bucket.get({ Key: key, ...conditions, ...(part && { Range: `bytes=${part.start}-${part.end}` }) }, wait);

  let answer: GetObjectCommandOutput;
  try {
    answer = await ask(range);
    // Another range, or one out of coded bytes, is of no use.
    if (range && isPart(answer) && (!isExactly(answer, range) || codingOf(answer) !== undefined)) {
      drop(answer);
      answer = await ask();
    }
  } catch (error) {
    if (!(error instanceof Refusal && error.failure.kind === "behind" && range)) throw error;
    return openHead(opening, wait);
  }

  try {
    signal.throwIfAborted();
    const facts = factsOf(answer);
    assertMedia(path, facts, false);
    if (isPart(answer) && (!range || !isExactly(answer, range))) {
      throw new MediaError("UNIDENTIFIED", "The origin gave an invalid answer", { outage: true });
    }
    const coding = codingOf(answer);
    if (coding !== undefined && !isDecodable(coding)) {
      throw new MediaError("UNIDENTIFIED", "The origin's file has an unknown content coding");
    }
    const part = rangeOf(answer);
    const raw = answer.Body as Readable;
    const stream = () =>
      streamOf({
        body: raw,
        from: part?.start ?? 0,
        until: part ? part.end + 1 : answer.ContentLength,
        resume: (at, own) => askRest(opening, facts, at, part?.end ?? (answer.ContentLength ?? 0) - 1, own),
        idle: limits.originIdle,
        total: Math.max(1, wait.deadline - performance.now()),
        signal,
      });
    let body: Readable | undefined;
    return {
      ...facts,
      body() {
        body = stream();
        if (coding !== undefined) body = decode(body, coding);
        if (range && !part) body = cutOut(body, range.start, range.end);
        return body;
      },
      close() {
        body?.destroy();
        raw.destroy();
      },
    };
  } catch (error) {
    drop(answer);
    throw error;
  }
}

/** The bytes that are still missing, if they can be had of the same object. */
async function askRest(
  { bucket, key, path, settings }: Opening,
  { etag }: EntryFacts,
  at: number,
  end: number,
  signal: AbortSignal,
): Promise<Readable | undefined> {
  if (!etag?.startsWith('"') || end < at) return undefined;
  const time = isVideoPath(path) ? settings.videoTimeout : settings.timeout;
  const answer = await bucket.get(
    { Key: key, Range: `bytes=${at}-${end}`, IfMatch: etag },
    { signal, deadline: performance.now() + time },
  );
  if (isExactly(answer, { start: at, end }) && answer.ETag === etag) return answer.Body as Readable;
  drop(answer);
  return undefined;
}

function conditionsOf({ ifNoneMatch, ifModifiedSince }: OpenOptions) {
  if (ifNoneMatch === undefined && ifModifiedSince === undefined) return undefined;
  return {
    ...(ifNoneMatch !== undefined && { IfNoneMatch: ifNoneMatch }),
    ...(ifModifiedSince !== undefined && { IfModifiedSince: new Date(ifModifiedSince) }),
  };
}

function isPart({ $metadata }: GetObjectCommandOutput): boolean {
  return $metadata.httpStatusCode === 206;
}
