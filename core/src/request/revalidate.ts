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

/** What the origin has confirmed. */
interface Confirmed {
  readonly key: string;
  readonly job: Job;
  readonly endpoint: Endpoint;
  readonly etag: string;
  readonly metadata: SourceMetadata;
  readonly original: boolean;
}

export interface ConfirmParts extends ContextParts {
  readonly purgeRules: PurgeRules;
  readonly engines: string;
}

export type Confirm = ReturnType<typeof createConfirm>;

/**
 * A conditional request for a rendition of which nothing is known here any more is answered by the origin's validators, without
 * download or transformation.
 */
export function createConfirm(parts: ConfirmParts) {
  const { hooks, engines } = parts;
  const confirmations = createCoalescer<SourceMetadata | undefined>();

  /** A record without its body, if one of the tags that the client has is still right. */
  async function confirm(
    exchange: Exchange,
    job: Job,
    key: string,
    tags: string,
  ): Promise<Rendition | undefined> {
    const ownHalf = jobTag(key, engines);
    if (!tags.includes(`"${ownHalf}.`) || tags.includes(`"${ownHalf}.${COMPOSED_TAG}`)) return undefined;
    const { key: name, since } = coalescedBy({ job, key, trusted: isTrusted(exchange) }, parts);
    const { signal } = exchange;
    const metadata = await confirmations.run(name, { signal, since }, (signal) =>
      metadataOf(job, key, signal),
    );
    const original = tags.includes(`.${ORIGINAL_TAG}`);
    const etag = metadata && etagOf(key, engines, [metadata], { original });
    const form = etag && clientsForm(tags, etag, exchange);
    if (!form) return undefined;
    const { endpoint } = exchange;
    return { record: confirmedRecord({ key, job, endpoint, etag: form, metadata, original }) };
  }

  /** What the origin reports of a file; `undefined` for one that is not for everybody. */
  async function metadataOf(job: Job, key: string, signal: AbortSignal): Promise<SourceMetadata | undefined> {
    const context = createContext(parts, { key, asset: job.asset, signal });
    const answer = await hooks.fetch.promise(job.asset, { head: true }, context).catch(() => undefined);
    if (!answer || typeof answer === "symbol") return undefined;
    await answer.close();
    return answer.metadata.private ? undefined : answer.metadata;
  }

  /** As of a rendition made now: how long it may be stored, and under which tags. */
  function confirmedRecord({ key, job, endpoint, etag, metadata, original }: Confirmed): RenditionRecord {
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

  return confirm;
}

/** The client's own form of a tag: as it is, or with the content coding that this request would get. */
function clientsForm(tags: string, etag: string, { request }: Exchange): string | undefined {
  const coding = codingOf(request.header("accept-encoding"));
  return [...(coding ? [codedTag(etag, coding)] : []), etag].find((form) => matches(tags, form));
}
