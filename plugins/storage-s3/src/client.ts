import type { S3Client } from "@aws-sdk/client-s3";
import { assertAnswered, type HttpFiles } from "@mediatap/core";
import type { HttpRequest } from "@smithy/core/protocols";
import { errorCode } from "./dialect.ts";
import { type Fields, keysOf } from "./fields.ts";

/** Amazon's SDK, and a client whose requests the core sends. */
export interface Sdk {
  readonly commands: typeof import("@aws-sdk/client-s3");
  readonly client: S3Client;
  /** What goes with each request. */
  readonly common: { readonly Bucket: string; readonly RequestPayer?: "requester" };
  readonly escapeUriPath: (path: string) => string;
  /** The address of the bucket, and what signs requests to it. */
  locate(): Promise<{
    readonly url: URL;
    readonly signer: Awaited<ReturnType<S3Client["config"]["signer"]>>;
    readonly signing: { readonly signingRegion: string; readonly signingService: string };
  }>;
}

/** Statuses of a fault that may be gone in a moment. */
export const PASSING = [429, 500, 502, 503, 504];

/** `timeout`: milliseconds that a request may take. */
export async function loadSdk(
  fields: Fields,
  {
    region,
    ask,
    timeout,
  }: { readonly region: () => Promise<string>; readonly ask: HttpFiles["ask"]; readonly timeout: number },
): Promise<Sdk> {
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
  const common = { Bucket: bucket, ...(fields.requesterPays && { RequestPayer: "requester" as const }) };

  async function handle(request: HttpRequest, { abortSignal }: { readonly abortSignal?: AbortSignal } = {}) {
    const { protocol, hostname, port, path, query, headers, method, body } = request;
    const trusted = `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`;
    const search = buildQueryString(query);
    const address = { url: `${trusted}${path}${search && `?${search}`}`, headers, trusted };
    const { status, ...response } = await ask(
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
