import type { Fetcher, FetchOptions, FetchResponse } from "@mediatap/core/storage";
import { z } from "zod";
import { isOfBucket, jsonOf } from "./responses.ts";

type Headers = Readonly<Record<string, string>>;

/** Stands in the headers of a 404 that speaks of the bucket. */
const NO_BUCKET = "x-no-bucket";
/** What the service says by itself of objects without a `Cache-Control`. */
const OWN_CACHE_CONTROL = new Set(["no-cache, no-store, max-age=0, must-revalidate", "private, max-age=0"]);

const resource = z.object({
  size: z.string().optional(),
  contentType: z.string().optional(),
  contentEncoding: z.string().optional(),
  cacheControl: z.string().optional(),
  etag: z.string().optional(),
  updated: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});
const FIELDS = Object.keys(resource.shape).join(",");

/**
 * Makes objects of the JSON API look like files of HTTP: `url` is an object's, without query. HEAD is answered from the
 * object's resource, GET by its media. Entity tags get the quotes that Google leaves out, `If-Range` becomes the
 * `If-Match` that the service knows, `If-Modified-Since`, which it does not know, is judged here.
 */
export function speakGcs(fetcher: Fetcher): Fetcher {
  async function fetch(url: string, options: FetchOptions): Promise<FetchResponse> {
    const { "if-modified-since": since, ...headers } = requestOf(options.headers);
    const head = options.method === "HEAD";
    const address = `${url}?${head ? `fields=${FIELDS}` : "alt=media"}`;
    const response = await fetcher.fetch(address, { ...options, method: "GET", headers, coded: !head });
    if (response.status === 404)
      return (await isOfBucket(response)) ? withHeaders(response, { [NO_BUCKET]: "" }) : response;
    if (response.status === 304) return withHeaders(response, mediaMetadataOf(response.headers));
    if (response.status !== 200 && response.status !== 206) return response;
    const converted = withHeaders(
      response,
      head ? await metadataOf(response) : mediaMetadataOf(response.headers),
    );
    const isSame = since !== undefined && headers["if-none-match"] === undefined && isOld(converted, since);
    if (!isSame) return converted;
    converted.cancel();
    return { ...converted, status: 304 };
  }
  return { fetch, close: fetcher.close };
}

/** Whether a 404 as the dialect gives it speaks of the bucket instead of the object. */
export function saysNoBucket(headers: Headers): boolean {
  return NO_BUCKET in headers;
}

function requestOf(headers: Headers = {}): Record<string, string> {
  const { "if-none-match": ifNoneMatch, "if-range": same, ...others } = headers;
  return {
    ...others,
    ...(ifNoneMatch !== undefined && { "if-none-match": ifNoneMatch.replace(/^"(.*)"$/, "$1") }),
    ...(same !== undefined && { "if-match": same.replace(/^"(.*)"$/, "$1") }),
  };
}

function isOld({ headers }: FetchResponse, since: string): boolean {
  return Date.parse(headers["last-modified"] ?? "") <= Date.parse(since);
}

function mediaMetadataOf({ etag, "cache-control": cacheControl, ...headers }: Headers): Headers {
  return { ...headers, ...tagOf(etag), ...cachingOf(cacheControl) };
}

/** What the object's resource says, as headers. */
async function metadataOf(response: FetchResponse): Promise<Headers> {
  const object = await jsonOf(response, resource);
  const { size, contentType, contentEncoding, cacheControl, etag, updated, metadata } = object;
  return {
    // A body that is stored compressed comes decoded, and then nobody knows its length.
    ...(size !== undefined && contentEncoding !== "gzip" && { "content-length": size }),
    ...(contentType !== undefined && { "content-type": contentType }),
    ...(updated !== undefined && { "last-modified": new Date(updated).toUTCString() }),
    ...(metadata?.isprivatefile !== undefined && { "x-goog-meta-isprivatefile": metadata.isprivatefile }),
    ...tagOf(etag),
    ...cachingOf(cacheControl),
  };
}

function tagOf(etag: string | undefined): Headers {
  if (etag === undefined) return {};
  return { etag: /^(W\/)?"/.test(etag) ? etag : `"${etag}"` };
}

function cachingOf(cacheControl: string | undefined): Headers {
  return cacheControl === undefined || OWN_CACHE_CONTROL.has(cacheControl)
    ? {}
    : { "cache-control": cacheControl };
}

function withHeaders(response: FetchResponse, headers: Headers): FetchResponse {
  return { ...response, headers };
}
