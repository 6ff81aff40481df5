import { Readable } from "node:stream";
import { type Fetcher, type FetchOptions, type FetchResponse, textOf } from "@mediatap/core/storage";

type Headers = Readonly<Record<string, string>>;

/** Holds the service's own code for a failure, such as `NoSuchKey`: S3 sends it in the body alone. */
const ERROR_CODE = "x-amz-error-code";
const REGION = "x-amz-bucket-region";
/** An error's XML is shorter than this. */
const MAX_ERROR_BYTES = 64 * 1024;
/** Codes of credentials that are refused with status 400. */
const DENIED = /^(ExpiredToken|ExpiredTokenException|InvalidToken|TokenRefreshRequired)$/;

/**
 * Makes S3 look like any HTTP origin. Codes of failures stand in a header, credentials are always denied with 403, and
 * `If-Range`, which S3 does not know, becomes `If-Match`. A redirect that names the bucket's region is not followed: the
 * request must be signed for that region.
 */
export function speakS3(fetcher: Fetcher): Fetcher {
  async function fetch(url: string, options: FetchOptions): Promise<FetchResponse> {
    const response = await fetcher.fetch(url, {
      ...options,
      headers: requestHeaders(options.headers),
      follows: (headers) => regionOf(headers) === undefined,
    });
    const { status, headers } = response;
    if (status < 300 || status === 304) return { ...response, headers: withoutChunked(headers) };
    // A response to HEAD has no body.
    const text = options.method === "HEAD" ? "" : await textOf(response, MAX_ERROR_BYTES).catch(() => "");
    const code = /<Code>\s*(\w{1,60})\s*<\/Code>/.exec(text)?.[1];
    const region = regionOf(headers) ?? /<Region>\s*([a-z0-9-]{1,32})\s*<\/Region>/.exec(text)?.[1];
    return {
      ...response,
      status: code !== undefined && DENIED.test(code) ? 403 : status,
      headers: {
        ...headers,
        ...(code !== undefined && { [ERROR_CODE]: code }),
        ...(region !== undefined && { [REGION]: region }),
      },
      body: Readable.from([text], { objectMode: false }),
    };
  }
  return { fetch, close: fetcher.close };
}

/** The service's code for a failure; "": there is none. */
export function errorCode(headers: Headers): string {
  return headers[ERROR_CODE] ?? "";
}

/** The bucket's region, if a response names it. */
export function regionOf(headers: Headers): string | undefined {
  const region = headers[REGION];
  return region !== undefined && /^[a-z0-9-]{1,32}$/.test(region) ? region : undefined;
}

function requestHeaders(headers: Headers = {}): Headers {
  const { "if-range": etag, ...others } = headers;
  return etag === undefined ? headers : { ...others, "if-match": etag };
}

/** `aws-chunked` is the framing of an upload, which some services store by mistake. */
function withoutChunked(headers: Headers): Headers {
  const { "content-encoding": coding, ...others } = headers;
  if (coding === undefined || !/aws-chunked/i.test(coding)) return headers;
  const codings = coding.split(/[\s,]+/).filter((name) => !/^(aws-chunked)?$/i.test(name));
  return codings.length === 0 ? others : { ...others, "content-encoding": codings.join(", ") };
}
