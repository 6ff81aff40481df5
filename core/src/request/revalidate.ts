import { COMPOSED_TAG, etagOf, jobTag, ORIGINAL_TAG, tagsOf } from "../cache/entry.ts";
import { cachePolicyOf } from "../cache/freshness.ts";
import type { PurgeRules } from "../cache/purge-rules.ts";
import { isTrusted } from "../model/claims.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { Rendition, RenditionRecord } from "../model/rendition.ts";
import type { SourceMetadata } from "../model/source.ts";
import { createCoalescer } from "../util/coalescer.ts";
import { codedTag, codingOf } from "../util/content-coding.ts";
import { originalType } from "../work/original.ts";
import { type ContextParts, createContext } from "../work/render-context.ts";
import { coalescedBy } from "../work/renders.ts";
import { matches } from "./conditions.ts";

/** A file that has not changed since the client got it. */
interface Unmodified {
  readonly key: string;
  readonly job: Job;
  readonly endpoint: Endpoint;
  readonly etag: string;
  readonly metadata: SourceMetadata;
  readonly original: boolean;
}

export interface RevalidateForClientParts extends ContextParts {
  readonly purgeRules: PurgeRules;
  readonly engines: string;
}

export type RevalidateForClient = ReturnType<typeof createRevalidateForClient>;

/**
 * Revalidates a rendition that the client has and no cache knows any more, by the origin's validators: without download or
 * transformation.
 */
export function createRevalidateForClient(parts: RevalidateForClientParts) {
  const { hooks, engines } = parts;
  const revalidations = createCoalescer<SourceMetadata | undefined>();

  /** A record without its body, if one of the tags that the client has is still right. */
  async function revalidateForClient(
    exchange: Exchange,
    job: Job,
    key: string,
    tags: string,
  ): Promise<Rendition | undefined> {
    const ownHalf = jobTag(key, engines);
    if (!tags.includes(`"${ownHalf}.`) || tags.includes(`"${ownHalf}.${COMPOSED_TAG}`)) return undefined;
    const { key: name, since } = coalescedBy({ job, key, trusted: isTrusted(exchange) }, parts);
    const { signal } = exchange;
    const metadata = await revalidations.run(name, { signal, since }, (signal) =>
      metadataOf(job, key, signal),
    );
    const original = tags.includes(`.${ORIGINAL_TAG}`);
    const etag = metadata && etagOf(key, engines, [metadata], { original });
    const form = etag && clientsForm(tags, etag, exchange);
    if (!form) return undefined;
    const { endpoint } = exchange;
    return { record: unmodifiedRecord({ key, job, endpoint, etag: form, metadata, original }) };
  }

  /** What the origin reports of a file; `undefined` for one that is not for everybody. */
  async function metadataOf(job: Job, key: string, signal: AbortSignal): Promise<SourceMetadata | undefined> {
    const context = createContext(parts, { key, asset: job.asset, signal });
    const source = await hooks.fetch.promise(job.asset, { head: true }, context).catch(() => undefined);
    if (!source || typeof source === "symbol") return undefined;
    await source.close();
    return source.metadata.private ? undefined : source.metadata;
  }

  /** As of a rendition made now: how long it may be stored, and under which tags. */
  function unmodifiedRecord({ key, job, endpoint, etag, metadata, original }: Unmodified): RenditionRecord {
    return {
      key,
      asset: job.asset,
      engines,
      type: original ? originalType(metadata) : "application/octet-stream",
      format: "confirmed",
      etag,
      ...(metadata.lastModified === undefined ? {} : { lastModified: metadata.lastModified }),
      sources: [metadata],
      stored: Date.now(),
      ...cachePolicyOf([metadata], endpoint).fields,
      ...tagsOf(endpoint, [metadata]),
      private: false,
      original,
    };
  }

  return revalidateForClient;
}

/** The client's own form of a tag: as it is, or with the content coding that this request would get. */
function clientsForm(tags: string, etag: string, { request }: Exchange): string | undefined {
  const coding = codingOf(request.header("accept-encoding"));
  return [...(coding ? [codedTag(etag, coding)] : []), etag].find((form) => matches(tags, form));
}
