import type { Readable } from "node:stream";
import { MediaError } from "@mediatap/core";
import type { FetchResponse, FileMetadata, HttpRequest } from "@mediatap/core/storage";
import { chunksOf } from "@mediatap/core/storage";

/** Bytes that are buffered and sent at once; a multiple of 256 KiB (Cloud Storage, "Resumable uploads"). */
const CHUNK_BYTES = 4 * 1024 * 1024;

export type Send = (url: string, request: Omit<HttpRequest, "signal">) => Promise<FetchResponse>;

/** What an object is made of besides its bytes. */
export function resourceOf(name: string, { type, cacheControl, private: isPrivate }: FileMetadata): object {
  return {
    name,
    ...(type !== undefined && { contentType: type }),
    ...(cacheControl !== undefined && { cacheControl }),
    ...(isPrivate && { metadata: { isprivatefile: "true" } }),
  };
}

/**
 * Sends an object's bytes to a resumable upload. The object is created with the last byte: if the body breaks off,
 * the upload is cancelled, and the previous object stays.
 */
export async function upload(session: string, body: Readable | Uint8Array, send: Send): Promise<void> {
  let sent = 0;
  try {
    for await (const { bytes, isLast } of chunksOf(body, CHUNK_BYTES)) {
      sent = await put(session, bytes, sent, isLast ? sent + bytes.length : undefined, send);
    }
  } catch (error) {
    // The response is 499; a session that is not cancelled expires after a week.
    await send(session, { method: "DELETE" }).then(
      ({ cancel }) => cancel(),
      () => {},
    );
    throw error;
  }
}

/**
 * Sends a chunk until the service has stored all of it; `total` with the last one. Stored bytes can be sent
 * again, so a failed request is repeated. Returns the position after the chunk.
 */
async function put(
  session: string,
  chunk: Buffer,
  start: number,
  total: number | undefined,
  send: Send,
): Promise<number> {
  const end = start + chunk.length;
  for (let at = start; ; ) {
    const range = at < end ? `${at}-${end - 1}` : "*";
    const response = await send(session, {
      method: "PUT",
      headers: { "content-range": `bytes ${range}/${total ?? "*"}` },
      body: chunk.subarray(at - start),
    });
    response.cancel();
    if (total !== undefined && (response.status === 200 || response.status === 201)) return end;
    const storedBytes = storedBytesOf(response);
    if (storedBytes === end && total === undefined) return end;
    // Without progress this would go on for ever.
    if (storedBytes === undefined || storedBytes <= at || storedBytes > end) throw stuck(response);
    at = storedBytes;
  }
}

/** Bytes of the object that the service has stored; `undefined`: the upload is over, or failed. */
function storedBytesOf({ status, headers }: FetchResponse): number | undefined {
  if (status !== 308) return undefined;
  const last = /^bytes=0-(\d{1,15})$/.exec(headers.range ?? "")?.[1];
  return last === undefined ? 0 : Number(last) + 1;
}

function stuck({ status }: FetchResponse): MediaError {
  return new MediaError("UNIDENTIFIED", `The origin responded with status ${status}`, {
    outage: status === 429 || status >= 500,
  });
}
