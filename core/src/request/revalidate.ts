import { COMPOSED_TAG, etagOf, jobTag, ORIGINAL_TAG, tagsOf } from "../cache/entry.ts";
import { cachePolicyOf } from "../cache/freshness.ts";
import type { PurgeRules } from "../cache/purge-rules.ts";
import { isTrusted } from "../model/claims.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { Rendition, RenditionRecord } from "../model/rendition.ts";
import type { SourceFacts } from "../model/source.ts";
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
  readonly facts: SourceFacts;
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
  const confirmations = createCoalescer<SourceFacts | undefined>();

  /** A record without its body, if what the client has is still right. */
  async function confirm(exchange: Exchange, job: Job, key: string): Promise<Rendition | undefined> {
    const tags = exchange.request.header("if-none-match");
    const ownHalf = tags && jobTag(key, engines);
    if (!ownHalf || !tags.includes(`"${ownHalf}.`) || tags.includes(`"${ownHalf}.${COMPOSED_TAG}`))
      return undefined;
    const { key: name, since } = coalescedBy({ job, key, trusted: isTrusted(exchange) }, parts);
    const { signal } = exchange;
    const facts = await confirmations.run(name, { signal, since }, (signal) => factsOf(job, key, signal));
    const original = tags.includes(`.${ORIGINAL_TAG}`);
    const etag = facts && etagOf(key, engines, [facts], { original });
    const form = etag && clientsForm(tags, etag, exchange);
    if (!form) return undefined;
    const { endpoint } = exchange;
    return { record: confirmedRecord({ key, job, endpoint, etag: form, facts, original }) };
  }

  /** What the origin reports of a file; `undefined` for one that is not for everybody. */
  async function factsOf(job: Job, key: string, signal: AbortSignal): Promise<SourceFacts | undefined> {
    const context = createContext(parts, { key, asset: job.asset, signal });
    const answer = await hooks.fetch.promise(job.asset, { head: true }, context).catch(() => undefined);
    if (!answer || typeof answer === "symbol") return undefined;
    await answer.close();
    return answer.facts.private ? undefined : answer.facts;
  }

  /** As of a rendition made now: how long it may be stored, and under which tags. */
  function confirmedRecord({ key, job, endpoint, etag, facts, original }: Confirmed): RenditionRecord {
    return {
      key,
      asset: job.asset,
      engines,
      type: original ? originalType(facts) : "application/octet-stream",
      format: "confirmed",
      etag,
      ...(facts.lastModified === undefined ? {} : { lastModified: facts.lastModified }),
      sources: [facts],
      stored: Date.now(),
      ...cachePolicyOf([facts], endpoint).fields,
      ...tagsOf(endpoint, [facts]),
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
