import type { Transform } from "node:stream";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from "node:zlib";
import { LRUCache } from "lru-cache";
import { type Body, bodyOf, type CompleteBody } from "../model/rendition.ts";
import type { Coding } from "../util/content-coding.ts";

/** Text that compresses well; pictures, video and archives are compressed already. */
const TEXT =
  /^(?:text\/|image\/svg\+xml|application\/(?:json|javascript|xml|pdf|manifest\+json|ld\+json|wasm|vnd\.apple\.mpegurl|x-mpegurl|xhtml\+xml|rss\+xml|atom\+xml)\b|video\/mp2t|font\/(?:ttf|otf)|[\w.-]+\/[\w.-]+\+(?:json|xml)\b)/i;
const MIN_BODY_BYTES = 256;
/** Bodies up to this size are compressed once and cached in memory. */
const MAX_CACHED_BYTES = 1024 * 1024;
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

const compressed = new LRUCache<string, Promise<Uint8Array>>({ max: 500 });

/** Whether a body of this type is sent compressed to clients that can take it. */
export function isCompressible(type: string, length: number | undefined): boolean {
  return TEXT.test(type) && (length ?? MIN_BODY_BYTES) >= MIN_BODY_BYTES;
}

/** The body in a coding: compressed in advance if it is small, else while it is sent. */
export async function encoded(body: Body, coding: Coding, etag: string | undefined): Promise<Body> {
  if (body.complete && body.length <= MAX_CACHED_BYTES) {
    return bodyOf(await compress(body, coding, etag));
  }
  return {
    complete: false,
    async stream() {
      const source = await body.stream();
      const coder: Transform = coding === "br" ? createBrotliCompress(BROTLI) : createGzip();
      source.on("error", (error) => coder.destroy(error));
      coder.on("close", () => source.destroy());
      return source.pipe(coder);
    },
  };
}

function compress(body: CompleteBody, coding: Coding, etag: string | undefined): Promise<Uint8Array> {
  const name = etag && `${coding} ${etag}`;
  const known = name && compressed.get(name);
  if (known) return known;
  const work = (async () => {
    const bytes = body.bytes ?? (await buffer(await body.stream()));
    return coding === "br" ? promisify(brotliCompress)(bytes, BROTLI) : promisify(gzip)(bytes);
  })();
  if (name) {
    compressed.set(name, work);
    work.catch(() => compressed.delete(name));
  }
  return work;
}
