import type { Cache } from "../cache/cache.ts";
import { etagOf, lastModifiedOf, tagsOf } from "../cache/entry.ts";
import { cachePolicyOf } from "../cache/freshness.ts";
import type { PurgeRules } from "../cache/purge-rules.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import type { Job } from "../model/job.ts";
import {
  type Body,
  completeBody,
  type PlanResult,
  type Rendition,
  type RenditionRecord,
} from "../model/rendition.ts";
import type { SourceMetadata } from "../model/source.ts";
import { type Clock, systemClock } from "../util/clock.ts";
import { type ReportedMetadata, revalidatedSources } from "./revalidation.ts";

export interface EntryWriterParts {
  readonly cache: Pick<Cache, "isUsed" | "store">;
  readonly purgeRules: Pick<PurgeRules, "isPurged">;
  readonly engines: string;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** @default the system's */
  readonly clock?: Clock;
}

/** What a render has made, and of what. */
export interface EntryParts {
  readonly job: Job;
  readonly key: string;
  readonly sources: readonly SourceMetadata[];
  readonly rendition: PlanResult;
  /** The bytes are the source's own. */
  readonly isOriginal: boolean;
}

/** A cache entry to be: all that is known of it before its body is. */
export interface NewEntry {
  /** Its origins allow that caches store it. */
  readonly isStorable: boolean;
  /** Its metadata with this body. One that still grows gives no length and no validators. */
  metadata(body: Body): RenditionRecord;
}

/** Describes renditions as cache entries, and stores them. */
export function createEntryWriter(parts: EntryWriterParts) {
  const { cache, purgeRules, engines, endpoints, clock = systemClock } = parts;

  function entryOf({ job, key, sources, rendition, isOriginal }: EntryParts): NewEntry {
    const endpoint = endpoints.get(endpointId(job.asset));
    const policy = cachePolicyOf(sources, endpoint, clock.now());
    const { type, format, width, height, sourceSize, links } = rendition;
    const lastModified = lastModifiedOf(sources);
    return {
      isStorable: policy.store,
      metadata(body) {
        const etag = body.complete
          ? etagOf(key, engines, sources, { body, original: isOriginal })
          : undefined;
        return {
          key,
          asset: job.asset,
          engines,
          type,
          format,
          sources: [...sources],
          stored: clock.now(),
          private: sources.some((metadata) => metadata.private === true),
          original: isOriginal,
          ...policy.fields,
          ...tagsOf(endpoint, sources),
          ...(width !== undefined && { width }),
          ...(height !== undefined && { height }),
          ...(sourceSize && { sourceSize }),
          ...(links && { links }),
          ...(body.complete && { length: body.length }),
          ...(body.complete && lastModified !== undefined && { lastModified }),
          ...(etag !== undefined && { etag }),
        };
      },
    };
  }

  /** A stale rendition that was revalidated: its metadata is updated, its body stays. */
  function refreshed({ record: known, body }: Rendition, reportedMetadata: ReportedMetadata, { asset }: Job) {
    const now = clock.now();
    const endpoint = endpoints.get(endpointId(asset));
    const sources = revalidatedSources(known, reportedMetadata, now);
    const policy = cachePolicyOf(sources, endpoint, now);
    const { control: _, cdnControl: __, age: ___, tags: ____, ...before } = known;
    const record = { ...before, sources, stored: now, ...policy.fields, ...tagsOf(endpoint, sources) };
    return { isStorable: policy.store, entry: { record, ...(body && { body }) } };
  }

  /** Resolves once caches have it; `undefined`: there are none, or it was purged after `since`, when work on it began. */
  function write({ record, body }: Rendition, since: number): Promise<void> | undefined {
    if (!cache.isUsed || purgeRules.isPurged(record, since)) return undefined;
    return cache.store(record, completeBody(body), since);
  }

  /** What caches have of a file that is no longer for everybody is not served again: not at once, nor if its origin fails. */
  function expire(stale: Rendition, since: number): void {
    void write({ ...stale, record: { ...stale.record, staleFor: 0, errorFor: 0 } }, since);
  }

  return { entryOf, refreshed, write, expire };
}

export type EntryWriter = ReturnType<typeof createEntryWriter>;
