import type { LookupFunction } from "node:net";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type {
  GetObjectCommandInput,
  GetObjectCommandOutput,
  HeadObjectCommandInput,
  HeadObjectCommandOutput,
  S3Client,
} from "@aws-sdk/client-s3";
import { createRetries, type HttpFilesOptions, type Limits, type RequestRetries } from "@mediatap/core";
import type { NodeHttpHandler } from "@smithy/node-http-handler";
import { type Failure, failureOf } from "./failures.ts";
import type { Place } from "./fields.ts";
import { createHandler } from "./handler.ts";

/** What {@link storageS3} was configured with, its defaults filled in. */
export type Settings = { readonly [K in keyof HttpFilesOptions]-?: NonNullable<HttpFilesOptions[K]> };

/** Until when a request may go on, retries included. */
export interface Wait {
  readonly signal: AbortSignal;
  /** As of `performance.now()`. */
  readonly deadline: number;
}

export type Sdk = typeof import("@aws-sdk/client-s3");
type Own = { readonly Bucket: string; readonly RequestPayer?: "requester" };
type Get = Omit<GetObjectCommandInput, "Bucket">;
type Head = Omit<HeadObjectCommandInput, "Bucket">;

/** A bucket as its service answers, less what a retry can repair. Failures are thrown as {@link Refusal}. */
export interface Bucket {
  get(input: Get, wait: Wait): Promise<GetObjectCommandOutput>;
  head(input: Head, wait: Wait): Promise<HeadObjectCommandOutput>;
  /** The SDK and a client with the SDK's own retries, for all else; and what goes with each request. */
  client(): Promise<{ readonly sdk: Sdk; readonly client: S3Client; readonly own: Own }>;
  /** Frees all connections. */
  close(): void;
}

/** A request that failed for good; `cause` is the SDK's error. */
export class Refusal extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, cause: unknown) {
    super(failure.kind, { cause });
    this.failure = failure;
  }
}

export interface BucketOptions {
  readonly limits: Limits;
  readonly settings: Settings;
  readonly requestFrom: string;
  /** Resolves host names. @default the system's resolver */
  readonly lookup?: LookupFunction;
}

/** Milliseconds between two refreshes of credentials that are denied. */
const REFRESH = 10_000;

/** The bucket of an origin. The SDK is loaded with the first request. */
export function createBucket(place: Place, options: BucketOptions): Bucket {
  const { limits, settings, requestFrom, lookup } = options;
  const { videoTimeout } = settings;
  const { begin } = createRetries(settings.retries);
  let loading: Promise<{ sdk: Sdk; reader: S3Client; writer: S3Client }> | undefined;
  let region = place.region;
  /** When the credentials were last asked for again, and the answer. */
  let refreshed = Number.NEGATIVE_INFINITY;
  let refreshing: Promise<unknown> | undefined;

  async function load() {
    const make = (firstByte: number) =>
      createHandler({ connect: limits.originConnect, firstByte, requestFrom, lookup });
    // A part of an upload is sent before it is answered.
    const [sdk, reading, writing] = await Promise.all([
      import("@aws-sdk/client-s3"),
      make(limits.originFirstByte),
      make(videoTimeout),
    ]);
    const connect = (maxAttempts: number, requestHandler: NodeHttpHandler) =>
      new sdk.S3Client({
        region: async () => region,
        ...(place.endpoint !== undefined && { endpoint: place.endpoint }),
        ...(place.keys && { credentials: place.keys }),
        forcePathStyle: place.pathStyle,
        // Checksums of whole objects cannot be checked on ranges, and not every service knows them.
        requestChecksumCalculation: "WHEN_REQUIRED",
        responseChecksumValidation: "WHEN_REQUIRED",
        requestHandler,
        maxAttempts,
      });
    return { sdk, reader: connect(1, reading), writer: connect(3, writing) };
  }

  function clients() {
    loading ??= load();
    loading.catch(() => {
      loading = undefined;
    });
    return loading;
  }

  /** Repeats a request as long as that makes sense and there is time. */
  async function request<T>(
    send: (reader: S3Client, sdk: Sdk, signal: AbortSignal) => Promise<T>,
    wait: Wait,
  ): Promise<T> {
    const { signal, deadline } = wait;
    signal.throwIfAborted();
    const retries = begin();
    const { sdk, reader } = await clients();
    const tried = { passing: 0, again: 0, credentials: 0, region: 0, asked: 0 };
    for (;;) {
      const began = performance.now();
      try {
        const answer = await inTime((own) => send(reader, sdk, own), wait);
        retries.end(true);
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        const failure = failureOf(error);
        const renew = () => inTime(() => refresh(began, reader), wait).catch(() => false);
        const pause = await pauseBefore(failure, tried, retries, renew);
        signal.throwIfAborted();
        if (pause === undefined || performance.now() + pause >= deadline || !retries.spend()) {
          retries.end(!("error" in failure && failure.error.outage));
          throw new Refusal(failure, error);
        }
        await delay(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
  }

  /** Milliseconds after which another try makes sense; `undefined`: never. */
  async function pauseBefore(
    failure: Failure,
    tried: Record<"passing" | "again" | "credentials" | "region" | "asked", number>,
    retries: RequestRetries,
    renew: () => Promise<boolean>,
  ): Promise<number | undefined> {
    switch (failure.kind) {
      case "passing":
        if (failure.pause !== undefined) return tried.asked++ === 0 ? failure.pause : undefined;
        return retries.pause(tried.passing++);
      case "again":
        return tried.again++ === 0 ? 50 + Math.random() * 100 : undefined;
      case "credentials":
        return tried.credentials++ === 0 && (await renew()) ? 0 : undefined;
      case "region":
        if (tried.region++ > 0) return undefined;
        region = failure.region;
        return 0;
      default:
        return undefined;
    }
  }

  /** Asks for credentials again, where they are not fixed; whether others may be there than at `began`. */
  async function refresh(began: number, reader: S3Client): Promise<boolean> {
    if (place.keys) return false;
    if (began < refreshed) return true;
    if (!refreshing && performance.now() - refreshed < REFRESH) return false;
    refreshing ??= reader.config
      .credentials({ forceRefresh: true })
      .catch(() => undefined)
      .finally(() => {
        refreshed = performance.now();
        refreshing = undefined;
      });
    await refreshing;
    return true;
  }

  const own: Own = { Bucket: place.bucket, ...(place.requesterPays && { RequestPayer: "requester" }) };
  return {
    get: (input, wait) =>
      request(async (reader, sdk, abortSignal) => {
        const answer = await reader.send(new sdk.GetObjectCommand({ ...own, ...input }), { abortSignal });
        // Nobody waits for it any more.
        if (abortSignal.aborted) drop(answer);
        return answer;
      }, wait),
    head: (input, wait) =>
      request(
        (reader, sdk, abortSignal) =>
          reader.send(new sdk.HeadObjectCommand({ ...own, ...input }), { abortSignal }),
        wait,
      ),
    async client() {
      const { sdk, writer } = await clients();
      return { sdk, client: writer, own };
    },
    close() {
      loading?.then(
        ({ reader, writer }) => {
          reader.destroy();
          writer.destroy();
        },
        () => undefined,
      );
    },
  };
}

/** Gives up an answer, and its connection. */
export function drop({ Body }: GetObjectCommandOutput): void {
  (Body as Readable | undefined)?.on("error", () => undefined).destroy();
}

/** Some work until a deadline: that of an answer, not of its body. The SDK looks for credentials whatever its signal says. */
async function inTime<T>(work: (signal: AbortSignal) => Promise<T>, { signal, deadline }: Wait): Promise<T> {
  const own = new AbortController();
  const over = Promise.withResolvers<never>();
  const giveUp = () => {
    own.abort();
    over.reject(Object.assign(new Error("total time"), { code: "ETIMEDOUT" }));
  };
  const late = setTimeout(giveUp, Math.max(1, deadline - performance.now()));
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([work(own.signal), over.promise]);
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", giveUp);
  }
}
