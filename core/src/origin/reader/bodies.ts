import type { Readable } from "node:stream";
import { MediaError } from "../../model/errors.ts";
import type { FetchResponse } from "../../plugin/fetcher.ts";

/** A part of a body that is sent. */
export interface Chunk {
  readonly bytes: Buffer;
  readonly isLast: boolean;
}

/** A body in chunks of the same length. The last one may be shorter, and is empty only if the body is. */
export async function* chunksOf(body: Readable | Uint8Array, length: number): AsyncGenerator<Chunk> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body instanceof Uint8Array ? [body] : (body as AsyncIterable<Uint8Array>)) {
    pieces.push(piece);
    size += piece.length;
    if (size <= length) continue;
    let rest = Buffer.concat(pieces);
    for (; rest.length > length; rest = rest.subarray(length)) {
      yield { bytes: rest.subarray(0, length), isLast: false };
    }
    pieces = [rest];
    size = rest.length;
  }
  yield { bytes: Buffer.concat(pieces), isLast: true };
}

/** The body of a response as text. Throws `UNIDENTIFIED` if it breaks off, or is longer than `maxBytes`. */
export async function textOf({ body }: FetchResponse, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new MediaError("UNIDENTIFIED", "The origin sent an invalid response");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
