import { Readable } from "node:stream";
import { MediaError } from "../../model/errors.ts";
import type { ByteRange } from "../../model/source.ts";
import type { FetchResponse } from "../../plugin/fetcher.ts";
import { type Coding, decode, isCodingError } from "../client/body.ts";

type Body = Pick<FetchResponse, "body" | "cancel">;

export interface Reading {
  readonly response: Body;
  /** Offset of the body's first byte in the file. */
  readonly from: number;
  /** The requested bytes; left out: all of them. */
  readonly range?: ByteRange | undefined;
  /** Nothing follows the range: reading to the end costs little, and keeps the connection. */
  readonly endsThere: boolean;
  /** Requests the same file from an offset on; `undefined`: that is not possible. */
  readonly resume: (at: number) => Promise<Body | undefined>;
}

/**
 * The requested bytes of a response, which may begin before them and end after them. A body that breaks off is
 * continued once. The stream fails if bytes are missing; destroying it frees the connection.
 */
export function streamOf({ response, from, range, endsThere, resume }: Reading): Readable {
  const { start, end } = range ?? { start: 0, end: Number.POSITIVE_INFINITY };
  let current = response;
  let at = from;
  let isResumed = false;
  const out = new Readable({
    read: () => void current.body.resume(),
    destroy(error, callback) {
      current.cancel();
      callback(error);
    },
  });

  function copy(): void {
    const { body } = current;
    let isOver = false;
    const finish = (error?: Error) => {
      if (isOver) return;
      isOver = true;
      if (error) return void resumeAfter(error);
      out.push(null);
      if (!body.readableEnded) current.cancel();
    };
    body
      .on("data", (chunk: Buffer) => {
        if (isOver) return;
        const wanted = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
        at += chunk.length;
        if (wanted.length > 0 && !out.push(wanted)) body.pause();
        if (at > end && !endsThere) finish();
      })
      .on("end", () => finish(endsThere && at <= end ? truncated() : undefined))
      .on("error", finish)
      .on("close", () => finish(truncated()));
    // It broke off before anybody read it.
    if (body.destroyed) finish(body.errored ?? truncated());
  }

  async function resumeAfter(error: Error): Promise<void> {
    const rest = out.destroyed || isResumed ? undefined : await resume(at).catch(() => undefined);
    if (!rest) return void out.destroy(isCodingError(error) ? undecodable(error) : error);
    isResumed = true;
    current = rest;
    // Destroyed during the request.
    if (out.destroyed) return rest.cancel();
    copy();
  }

  copy();
  return out;
}

function truncated(): MediaError {
  return new MediaError("UNIDENTIFIED", "The origin's response is truncated", { outage: true });
}

/** The requested bytes of a response with a content coding. A body that breaks off is continued in its coded form. */
export function decodedStreamOf(reading: Reading, coding: Coding): Readable {
  const body = decode(streamOf({ ...reading, range: undefined }), coding);
  const response = { body, cancel: () => void body.destroy() };
  return streamOf({ ...reading, response, resume: async () => undefined });
}

function undecodable(cause: Error): MediaError {
  return new MediaError("UNIDENTIFIED", "The origin's file cannot be decoded", { cause });
}
