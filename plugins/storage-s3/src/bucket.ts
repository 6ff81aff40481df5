import {
  createHttpFiles,
  type Fetcher,
  type FetchResponse,
  type HttpAddress,
  type HttpFiles,
  type HttpFilesOptions,
  type HttpTarget,
} from "@mediatap/core/storage";
import { loadSdk, PASSING, type Sdk } from "./client.ts";
import { errorCode, regionOf, speakS3 } from "./dialect.ts";
import { failureOf } from "./failures.ts";
import { type Fields, keysOf } from "./fields.ts";

/** A bucket. Amazon's SDK finds its address and the credentials, and signs; the core sends. */
export interface Bucket {
  readonly files: HttpFiles;
  /** The object of a key, to be read. */
  objectOf(key: string): HttpTarget;
  /** For all but reading. */
  sdk(): Promise<Sdk>;
}

/** What {@link storageS3} is configured with. */
export type Settings = { readonly [K in keyof HttpFilesOptions]-?: NonNullable<HttpFilesOptions[K]> };

/** What a request was signed with. */
interface Signature {
  readonly region: string;
  /** Milliseconds that the service's clock is ahead of this machine's. */
  readonly clockOffset: number;
  /** As of `performance.now()`. */
  readonly at: number;
}

/** Milliseconds between two searches for credentials that are denied. */
const REFRESH_INTERVAL_MS = 10_000;
/** Difference of two clocks that explains a denial: the service allows 15 minutes, the SDK corrects it from 4 on. */
const CLOCK_SKEW_MS = 4 * 60_000;
/** Error codes of keys and tokens that may have been replaced. A response to HEAD has no code. */
const STALE =
  /^(|Expired|ExpiredToken|ExpiredTokenException|InvalidToken|TokenRefreshRequired|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidClientTokenId)$/;

/** The bucket of an origin. The SDK is loaded, and credentials are searched for, with the first request. */
export function createBucket(fields: Fields, fetcher: Fetcher, settings: Settings): Bucket {
  const files = createHttpFiles(speakS3(fetcher), settings);
  let region = fields.region;
  let refreshedAt = Number.NEGATIVE_INFINITY;
  let refreshing: Promise<unknown> | undefined;
  const sdk = memoize(() =>
    loadSdk(fields, { region: async () => region, send: files.send, timeout: settings.videoTimeout }),
  );
  const locate = memoize(async () => (await sdk()).locate());

  async function addressOf(key: string, method: string, signingDate: Date): Promise<HttpAddress> {
    const [{ escapeUriPath }, { url, signer, signing }] = await Promise.all([sdk(), locate()]);
    const { protocol, hostname, host, origin, pathname } = url;
    const path = `${pathname.replace(/\/$/, "")}/${escapeUriPath(key)}`;
    const unsigned = { host, ...(fields.requesterPays && { "x-amz-request-payer": "requester" }) };
    const request = { method, protocol, hostname, path, query: {}, headers: unsigned };
    const { headers } = await signer.sign(request, { ...signing, signingDate });
    return { url: origin + path, headers, trusted: origin };
  }

  /** Whether a request that was refused may succeed when it is signed again. */
  async function adapt({ status, headers }: FetchResponse, used: Signature): Promise<boolean> {
    const { config } = (await sdk()).client;
    const named = regionOf(headers);
    if (status <= 400 && named !== undefined && named !== used.region) {
      if (named !== region) locate.forget();
      region = named;
      return true;
    }
    const clockOffset = Date.parse(headers.date ?? "") - Date.now();
    if (status === 403 && Math.abs(clockOffset - used.clockOffset) > CLOCK_SKEW_MS) {
      config.systemClockOffset = clockOffset;
      return true;
    }
    if (status < 400 || !STALE.test(errorCode(headers))) return false;
    return keysOf(fields) === undefined && refresh(config, used);
  }

  /** Searches for credentials again; whether there may be others than those used. */
  async function refresh({ credentials }: Sdk["client"]["config"], used: Signature): Promise<boolean> {
    if (used.at < refreshedAt) return true;
    if (!refreshing && performance.now() - refreshedAt < REFRESH_INTERVAL_MS) return false;
    refreshing ??= credentials({ forceRefresh: true })
      .catch(() => undefined)
      .finally(() => {
        refreshedAt = performance.now();
        refreshing = undefined;
      });
    await refreshing;
    return true;
  }

  return {
    files,
    sdk,
    objectOf(key) {
      let used: Signature;
      return {
        refusals: [301, 307, 400, 401, 403],
        passing: PASSING,
        errorCode,
        async address(refusal, { method = "GET" }) {
          try {
            if (refusal && !(await adapt(refusal, used))) return undefined;
            const clockOffset = (await sdk()).client.config.systemClockOffset;
            used = { region, clockOffset, at: performance.now() };
            return await addressOf(key, method, new Date(Date.now() + clockOffset));
          } catch (error) {
            throw failureOf(error);
          }
        },
      };
    },
  };
}

/** Keeps the result of some work; after a failure, or when it is forgotten, the work is done again. */
function memoize<T>(work: () => Promise<T>): (() => Promise<T>) & { forget(): void } {
  let result: Promise<T> | undefined;
  const forget = () => {
    result = undefined;
  };
  const get = () => {
    result ??= work();
    result.catch(forget);
    return result;
  };
  return Object.assign(get, { forget });
}
