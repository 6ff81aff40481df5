import type { Readable } from "node:stream";
import { MediaError } from "@mediatap/core";
import type { FetchResponse, FileMetadata, HttpRequest } from "@mediatap/core/storage";
import { chunksOf } from "@mediatap/core/storage";

/** Bytes that are held and sent at a time; a multiple of 256 KiB (Cloud Storage, "Resumable uploads"). */
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
 * Sends an object's bytes to a resumable upload. The object comes to be with the last byte: where the body breaks off,
 * the upload is given up, and what was there before stays.
 */
export async function upload(session: string, body: Readable | Uint8Array, send: Send): Promise<void> {
  let sent = 0;
  try {
    for await (const { bytes, isLast } of chunksOf(body, CHUNK_BYTES)) {
      sent = await put(session, bytes, sent, isLast ? sent + bytes.length : undefined, send);
    }
  } catch (error) {
    // Answered with 499; a session that nobody ends is forgotten after a week.
    await send(session, { method: "DELETE" }).then(
      ({ cancel }) => cancel(),
      () => {},
    );
    throw error;
  }
}

/**
 * Sends a chunk until the service has kept all of it; `total` with the last one. Bytes that were kept before may be sent
 * again, so a request that failed is simply repeated. Returns the place behind the chunk.
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
    const kept = keptBy(response);
    if (kept === end && total === undefined) return end;
    // Without progress this would go on for ever.
    if (kept === undefined || kept <= at || kept > end) throw stuck(response);
    at = kept;
  }
}

/** How many bytes of the object the service has; `undefined`: the upload is over, or failed. */
function keptBy({ status, headers }: FetchResponse): number | undefined {
  if (status !== 308) return undefined;
  const last = /^bytes=0-(\d{1,15})$/.exec(headers.range ?? "")?.[1];
  return last === undefined ? 0 : Number(last) + 1;
}

function stuck({ status }: FetchResponse): MediaError {
  return new MediaError("UNIDENTIFIED", `The origin responded with status ${status}`, {
    outage: status === 429 || status >= 500,
  });
}
