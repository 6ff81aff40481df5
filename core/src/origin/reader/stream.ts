import { Readable } from "node:stream";
import { MediaError } from "../../model/errors.ts";
import type { ByteRange } from "../../model/source.ts";
import { type Coding, decode, isCodingError } from "../client/body.ts";
import type { FetchResponse } from "../client/fetcher.ts";

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
  let wake = () => {};
  const out = new Readable({
    read: () => wake(),
    destroy(error, callback) {
      current.cancel();
      wake();
      callback(error);
    },
  });
  const room = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });

  async function copy(): Promise<void> {
    for await (const chunk of current.body as AsyncIterable<Buffer>) {
      const wanted = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
      at += chunk.length;
      if (wanted.length > 0 && !out.push(wanted)) await room();
      if (out.destroyed || (at > end && !endsThere)) return;
    }
    if (endsThere && at <= end)
      throw new MediaError("UNIDENTIFIED", "The origin's response is truncated", { outage: true });
  }

  async function copyTwice(): Promise<void> {
    try {
      await copy();
    } catch (error) {
      const rest = out.destroyed ? undefined : await resume(at).catch(() => undefined);
      if (!rest) throw error;
      current = rest;
      // Destroyed during the request.
      if (out.destroyed) return rest.cancel();
      await copy();
    }
  }

  copyTwice().then(
    () => out.push(null),
    (error: Error) => out.destroy(isCodingError(error) ? undecodable(error) : error),
  );
  return out;
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
