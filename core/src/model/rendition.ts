import { Readable } from "node:stream";
import type { Asset } from "./asset.ts";
import type { ErrorCode } from "./errors.ts";
import type { Size } from "./expression.ts";
import type { Job } from "./job.ts";
import type { ByteRange, SourceMetadata } from "./source.ts";

/** Finished bytes: any range, many readers. */
export interface CompleteBody {
  readonly complete: true;
  readonly length: number;
  /** The bytes, where they are in memory: sent without a stream. */
  readonly bytes?: Uint8Array;
  /** Path of a local file that has exactly these bytes. */
  readonly file?: string;
  stream(range?: ByteRange): Promise<Readable>;
  /** Closes what is open for a reader that did not come; called once a response has ended. Others may still read. */
  close?(): Promise<void>;
}

/** Bytes that are still being made or fetched; their number is not known. */
export interface GrowingBody {
  readonly complete: false;
  stream(): Promise<Readable>;
  /**
   * The complete body, which caches store. Until then the plan has its slot, and further requests for it read the same stream;
   * an engine stops a body that has no reader any more, and this rejects.
   */
  readonly completed?: Promise<CompleteBody>;
  /** As of `CompleteBody`. */
  close?(): Promise<void>;
}

export type Body = CompleteBody | GrowingBody;

/** The body, if all of it is there. */
export function completeBody(body: Body | undefined): CompleteBody | undefined {
  return body?.complete ? body : undefined;
}

/** A body of bytes in memory. */
export function bodyOf(bytes: Uint8Array): CompleteBody {
  return {
    complete: true,
    length: bytes.byteLength,
    bytes,
    stream: async (range) => Readable.from([range ? bytes.subarray(range.start, range.end + 1) : bytes]),
  };
}

/**
 * Where a response comes from. `real`: the requested rendition · `stale`: past its lifetime, the origin failed ·
 * `fallback`: a default asset · `degraded`: a cheaper form for now · `placeholder`: a stand-in for work under way.
 */
export type Provenance = "real" | "stale" | "fallback" | "degraded" | "placeholder";

/** What an engine gives back. */
export interface PlanResult {
  readonly body: Body;
  /** Media type, for instance `image/webp`. */
  readonly type: string;
  /** Short name of the format chosen; part of the entity tag. */
  readonly format: string;
  readonly width?: number;
  readonly height?: number;
  /** Pixels of the picture that it was made of, upright. Left out: there is none, or the engine does not report it. */
  readonly sourceSize?: Size;
  /**
   * It differs from the requested one, because a helper failed that may succeed next time: it is not stored, and clients
   * may store it for `limits.failureLifetime`.
   */
  readonly degraded?: boolean;
  /** The text holds slots for links to the parts of this job's stream; they are filled for each request (`slot`). */
  readonly links?: Job;
}

/** The metadata of a rendition in a cache: enough for a 304, a revalidation, a purge and `explain`. */
export interface RenditionRecord extends Omit<PlanResult, "body" | "degraded"> {
  /** Key of the job. */
  readonly key: string;
  /** The requested asset. */
  readonly asset?: Asset;
  /** Fingerprint of the engines that were installed; a record of others is a miss. */
  readonly engines: string;
  readonly length?: number;
  readonly etag?: string;
  /** Milliseconds since 1970. */
  readonly lastModified?: number;
  /** Every source used, with validators; the first is the asset's own. */
  readonly sources: readonly SourceMetadata[];
  /** Names, beside its sources, under which it may be purged. */
  readonly tags?: readonly string[];
  /** When it was rendered or last revalidated, milliseconds since 1970. */
  readonly stored: number;
  /** Until when it is fresh, milliseconds since 1970. */
  readonly freshUntil: number;
  /** Milliseconds beyond that for which it is served and revalidated in the background. @default 0 */
  readonly staleFor?: number;
  /** Milliseconds beyond its freshness for which it stands in for an origin that fails. Left out: as long as it is there. */
  readonly errorFor?: number;
  /** Milliseconds for which it had lain in caches before ours, where its origins say how long it may be kept. */
  readonly age?: number;
  /** `Cache-Control` of its responses, if an origin has a part in it. */
  readonly control?: string;
  /** `CDN-Cache-Control` of its responses, if an origin has a part in it. */
  readonly cdnControl?: string;
  readonly private: boolean;
  /** The bytes are the source's own, delivered as they are. */
  readonly original: boolean;
  /** A cached failure instead of a rendition. */
  readonly error?: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly status: number;
    /** The origin had an outage. */
    readonly outage?: boolean;
  };
}

/** A rendition with its record, from a cache or fresh. */
export interface Rendition {
  readonly record: RenditionRecord;
  /** Left out: the record is known, its body is not (evicted, or a cached failure). */
  readonly body?: Body;
}

/** A rendition for no request. */
export interface Obtained extends Rendition {
  /** A cache had it. */
  readonly hit: boolean;
}
