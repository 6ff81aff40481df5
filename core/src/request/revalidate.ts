import { COMPOSED_TAG, etagOf, jobTag, ORIGINAL_TAG, tagsOf } from "../cache/entry.ts";
import { keepingOf } from "../cache/freshness.ts";
import type { Bans } from "../cache/purge-rules.ts";
import { isTrusted } from "../model/claims.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { Delivered, RenditionRecord } from "../model/rendition.ts";
import type { SourceFacts } from "../model/source.ts";
import { createCoalescer } from "../util/coalescer.ts";
import { codedTag, codingOf } from "../util/content-coding.ts";
import { originalType } from "../work/original.ts";
import { type ContextParts, createContext } from "../work/render-context.ts";
import { coalescedBy } from "../work/renders.ts";
import { matches } from "./conditions.ts";

/** What the origin's answer confirmed. */
interface Confirmed {
  readonly key: string;
  readonly job: Job;
  readonly endpoint: Endpoint;
  readonly etag: string;
  readonly facts: SourceFacts;
  readonly original: boolean;
}

export interface ConfirmParts extends ContextParts {
  readonly bans: Bans;
  readonly engines: string;
}

export type Confirm = ReturnType<typeof createConfirm>;

/**
 * A client that holds a rendition of this request asks whether it is still right, and nothing of it is known here any
 * more: the origin's validators tell, without download or transform.
 */
export function createConfirm(parts: ConfirmParts) {
  const { hooks, engines } = parts;
  const confirmations = createCoalescer<SourceFacts | undefined>();

  /** A record without its body, where what the client holds is still right. */
  async function confirm(exchange: Exchange, job: Job, key: string): Promise<Delivered | undefined> {
    const held = exchange.request.header("if-none-match");
    const wanted = held && jobTag(key, engines);
    if (!wanted || !held.includes(`"${wanted}.`) || held.includes(`"${wanted}.${COMPOSED_TAG}`))
      return undefined;
    const { key: name, since } = coalescedBy({ job, key, trusted: isTrusted(exchange) }, parts);
    const { signal } = exchange;
    const facts = await confirmations.run(name, { signal, since }, (signal) => factsOf(job, key, signal));
    const original = held.includes(`.${ORIGINAL_TAG}`);
    const etag = facts && etagOf(key, engines, [facts], { original });
    const form = etag && heldForm(held, etag, exchange);
    if (!form) return undefined;
    const { endpoint } = exchange;
    return { record: confirmedRecord({ key, job, endpoint, etag: form, facts, original }) };
  }

  /** What the origin says of a file; `undefined` for one that is not for everybody. */
  async function factsOf(job: Job, key: string, signal: AbortSignal): Promise<SourceFacts | undefined> {
    const context = createContext(parts, { key, asset: job.asset, signal });
    const answer = await hooks.fetch.promise(job.asset, { head: true }, context).catch(() => undefined);
    if (!answer || typeof answer === "symbol") return undefined;
    await answer.close();
    return answer.facts.private ? undefined : answer.facts;
  }

  /** It says what a rendition made now would say: how long it may be kept, and under which tags. */
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
      ...keepingOf([facts], endpoint).fields,
      ...tagsOf(endpoint, [facts]),
      private: false,
      original,
    };
  }

  return confirm;
}

/** The client's own form of a tag: as it is, or with the content coding that this request would get. */
function heldForm(held: string, etag: string, { request }: Exchange): string | undefined {
  const coding = codingOf(request.header("accept-encoding"));
  return [...(coding ? [codedTag(etag, coding)] : []), etag].find((form) => matches(held, form));
}
