import { assertAnswered, type HttpFiles } from "@mediatap/core/storage";
import type { HttpRequest } from "@smithy/core/protocols";
import { errorCode } from "./dialect.ts";
import { type Fields, keysOf } from "./fields.ts";

/** What {@link loadSdk} returns. */
export type Sdk = Awaited<ReturnType<typeof loadSdk>>;

export interface SdkOptions {
  readonly region: () => Promise<string>;
  /** Sends the client's requests. */
  readonly send: HttpFiles["send"];
  /** Milliseconds that a request may take. */
  readonly timeout: number;
}

/** Statuses of a fault that may be gone in a moment. */
export const PASSING = [429, 500, 502, 503, 504];

/** Amazon's SDK and a client for a bucket, whose requests the core sends. */
export async function loadSdk(fields: Fields, { region, send, timeout }: SdkOptions) {
  const [commands, { getEndpointFromInstructions }, { buildQueryString, escapeUriPath }] = await Promise.all([
    import("@aws-sdk/client-s3"),
    import("@smithy/core/endpoints"),
    import("@smithy/core/protocols"),
  ]);
  const { bucket, endpoint } = fields;
  const credentials = keysOf(fields);
  const client = new commands.S3Client({
    region,
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && { credentials }),
    forcePathStyle: fields.s3ForcePathStyle,
    followRegionRedirects: true,
    // Directory buckets accept ordinary signatures, too.
    disableS3ExpressSessionAuth: true,
    // Checksums of whole objects cannot be checked on ranges, and not every service knows them.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    expectContinueHeader: false,
    requestHandler: { handle },
    // The core repeats requests, but no POST; a second attempt is also made at the service's time.
    maxAttempts: 2,
  });
  /** What goes with each request. */
  const common = { Bucket: bucket, ...(fields.requesterPays && { RequestPayer: "requester" as const }) };

  async function handle(request: HttpRequest, { abortSignal }: { readonly abortSignal?: AbortSignal } = {}) {
    const { protocol, hostname, port, path, query, headers, method, body } = request;
    const trusted = `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`;
    const search = buildQueryString(query);
    const address = { url: `${trusted}${path}${search && `?${search}`}`, headers, trusted };
    const { status, ...response } = await send(
      { address: (refusal) => (refusal ? undefined : address), passing: PASSING },
      {
        method: method as "GET" | "POST" | "PUT" | "DELETE",
        ...(body !== undefined && { body }),
        signal: abortSignal ?? new AbortController().signal,
        // Counted from the beginning of the request's body.
        firstByte: timeout,
      },
      performance.now() + timeout,
    );
    // The core has repeated it.
    if (PASSING.includes(status)) assertAnswered({ status, ...response }, errorCode(response.headers));
    return { response: { ...response, statusCode: status } };
  }

  return {
    commands,
    client,
    common,
    escapeUriPath,
    /** The address of the bucket, and what signs requests to it. */
    async locate() {
      const { ListObjectsV2Command } = commands;
      const { url, properties } = await getEndpointFromInstructions(
        common,
        ListObjectsV2Command,
        client.config,
      );
      const scheme = properties?.authSchemes?.[0];
      const signer = await client.config.signer(scheme);
      // Access points of several regions are signed for all of them.
      const { signingRegion = "*", signingName = "s3" } = scheme ?? {};
      return { url, signer, signing: { signingRegion, signingService: signingName } };
    },
  };
}
