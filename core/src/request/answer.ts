import type { Logger } from "pino";
import type { Cache } from "../cache/cache.ts";
import { ageOf, overdueOf, servesWhileRevalidating } from "../cache/freshness.ts";
import type { Hooks } from "../hooks.ts";
import { isTrusted } from "../model/claims.ts";
import { addTo, type Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { LimitsOf } from "../model/limits.ts";
import { isMediaType } from "../model/media.ts";
import type { Rendition, RenditionRecord } from "../model/rendition.ts";
import { withLoopList } from "../origin/loop.ts";
import { after, type MaybePromise, recover } from "../util/maybe.ts";
import { errorOf } from "../work/failed.ts";
import type { Admit, Authorize } from "./admit.ts";
import type { Background } from "./background.ts";
import { clientHas, type Lookup } from "./lookup.ts";
import type { Miss } from "./miss.ts";
import { isOfEncoding, type PollingOf } from "./polling.ts";
import type { Resolve, Resolved } from "./resolve.ts";
import { type Answer, type Failure, failed, isPending, pending, type Result, real } from "./result.ts";
import type { Substitute } from "./substitute.ts";

export interface AnswerParts {
  readonly hooks: Pick<Hooks, "substitute">;
  readonly cache: Pick<Cache, "isUsed">;
  readonly limitsOf: LimitsOf;
  readonly log: Logger;
  readonly resolve: Resolve;
  readonly admit: Admit;
  readonly authorize: Authorize;
  readonly lookup: Lookup["lookup"];
  readonly miss: Miss;
  readonly background: Background;
  readonly pollingOf: PollingOf;
  readonly substitute: Substitute;
}

export interface AnswerOptions {
  /** What caches have is revalidated first. @default false */
  readonly bypassCache?: boolean;
  /** Nothing else is to be served in its place. @default false */
  readonly final?: boolean;
}

/**
 * The way of a request:
 *
 *     resolve ─► admit ─► lookup ── fresh ──────► authorize ─► (respond)
 *                            │ miss or stale          ▲
 *                            ▼                        │
 *                   fetch ─► inspect ─► transform ─► run ─► cache write      (work/render.ts)
 */
export function createAnswer(parts: AnswerParts) {
  const { hooks, cache, limitsOf, log, resolve, admit, authorize, lookup, miss, background } = parts;
  const { pollingOf, substitute } = parts;

  /** What a request gets. Throws MediaErrors only. */
  function answer(exchange: Exchange, options: AnswerOptions = {}): MaybePromise<Answer> {
    return after(resolve(exchange), (resolved) => {
      addTo(exchange, resolved);
      const admitted = admit(exchange, resolved.job);
      return after(
        after(admitted, () => serve(exchange, resolved, options)),
        (result) => noted(exchange, result),
      );
    });
  }

  function noted(exchange: Exchange, { answer, failure, ...outcome }: Result): Answer {
    addTo(exchange, outcome);
    if (failure) throw failure;
    if (!isPending(answer)) addTo(exchange, { record: answer.record });
    return answer;
  }

  /** The requested rendition, or its substitute. */
  function serve(exchange: Exchange, resolved: Resolved, options: AnswerOptions): MaybePromise<Result> {
    return after(
      recover(() => obtain(exchange, resolved, options), failed),
      (result) => {
        if (!result.answer) return instead(exchange, resolved.job, result);
        return isOfStaleCopy(result.answer) ? { ...result, provenance: "stale" } : result;
      },
    );
  }

  /** What stands in for what could not be had. */
  async function instead(exchange: Exchange, job: Job, result: Failure): Promise<Result> {
    // To players the original stands in for what cannot be made, too.
    if (pollingOf(job)?.kind === "redirect" && isOfEncoding(result.failure)) {
      return pending(job, result.cache);
    }
    const substituted = await substitute(exchange, job, result.failure, {
      serve: async (resolved) => recover(() => obtain(exchange, resolved), failed),
      isMedia: ({ answer }) => answer !== undefined && (isPending(answer) || isMediaType(answer.record.type)),
      discard: async ({ answer }) => (answer && !isPending(answer) ? answer.body?.close?.() : undefined),
    });
    if (!substituted) return result;
    const { served, provenance, lifetime } = substituted;
    return served.failure ? served : { ...served, provenance, lifetime };
  }

  /** A rendition from a cache, else made. */
  function obtain(exchange: Exchange, resolved: Resolved, options: AnswerOptions = {}): MaybePromise<Result> {
    const { job, key } = resolved;
    const looked = lookup(exchange, key, job.asset, options.bypassCache ?? false);
    return after(looked, ({ found, stale }) => {
      if (found?.record.error) {
        const { record, cache } = found;
        const times = { freshFor: -overdueOf(record), age: ageOf(record) };
        return failed(errorOf(found.record.error), { hit: true, cache, ...times });
      }
      if (!found?.body && !(found && clientHas(exchange, found.record))) {
        return obtainUncached(exchange, resolved, stale, options);
      }
      const { record, cache } = found;
      return after(authorize(exchange, record.sources), () => real(found, { hit: true, cache }));
    });
  }

  /** A rendition that no cache has fresh. */
  async function obtainUncached(
    exchange: Exchange,
    resolved: Resolved,
    stale: Rendition | undefined,
    { bypassCache = false, final = false }: AnswerOptions,
  ): Promise<Result> {
    if (!bypassCache && stale?.body && servesWhileRevalidating(stale.record, exchange.endpoint)) {
      await authorize(exchange, stale.record.sources);
      withLoopList(exchange.request.header("cdn-loop"), () =>
        background.revalidate({ ...resolved, trusted: isTrusted(exchange), stale }),
      );
      const lifetime = limitsOf(exchange.endpoint.tenant).failureLifetime;
      return { answer: stale, provenance: "stale", lifetime, cache: { hit: true } };
    }
    // Without a cache no client would ever get what is rendered in the background.
    const isOffered = !stale && !final && cache.isUsed && hooks.substitute.isUsed();
    const cheaper = isOffered ? await insteadOf(exchange, resolved) : undefined;
    if (cheaper) return cheaper;
    // To revalidate a stale entry is of use only where its body is, here or at the client.
    const revalidatable = stale && (stale.body || clientHas(exchange, stale.record)) ? stale : undefined;
    return await withLoopList(exchange.request.header("cdn-loop"), () =>
      miss(exchange, resolved, revalidatable),
    );
  }

  /** What a plugin offers to be served now, while the rendition itself is made in the background. */
  async function insteadOf(exchange: Exchange, { job, key }: Resolved): Promise<Result | undefined> {
    const offered = await hooks.substitute.promise(job, {});
    if (!offered) return undefined;
    const result = await obtain(exchange, resolve.complete(offered.job), { final: true });
    if (result.failure) return result;
    if (offered.background) {
      background.make(offered.background, new AbortController().signal).catch((err: unknown) => {
        log.debug({ err, key }, "background work failed");
      });
    }
    return { ...result, provenance: offered.provenance, lifetime: offered.lifetime };
  }

  return answer;
}

/** Whether a rendition was made of a copy that could not be revalidated. */
function isOfStaleCopy(answer: Answer): boolean {
  return !isPending(answer) && hasStaleCopy(answer.record);
}

const hasStaleCopy = ({ sources }: RenditionRecord): boolean => sources.some(({ copy }) => copy?.stale);
