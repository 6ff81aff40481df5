import type { Logger } from "pino";
import type { Cache } from "../cache/cache.ts";
import { overdueOf, servesWhileRevalidating } from "../cache/freshness.ts";
import type { Hooks } from "../hooks.ts";
import { isTrusted } from "../model/claims.ts";
import { addTo, type Exchange } from "../model/exchange.ts";
import type { LimitsOf } from "../model/limits.ts";
import { isMediaType } from "../model/media.ts";
import type { RenditionRecord } from "../model/rendition.ts";
import { withLoopList } from "../origin/loop.ts";
import { errorOf } from "../work/failed.ts";
import type { Admit, Authorize } from "./admit.ts";
import type { Background } from "./background.ts";
import { clientHas, type Lookup } from "./lookup.ts";
import type { Miss } from "./miss.ts";
import { isOfEncoding, type PollingOf } from "./polling.ts";
import type { Resolve, Resolved } from "./resolve.ts";
import { type Answer, failed, isPending, pending, type Result, real } from "./result.ts";
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
  async function answer(exchange: Exchange, options: AnswerOptions = {}): Promise<Answer> {
    const resolved = await resolve(exchange);
    addTo(exchange, resolved);
    await admit(exchange, resolved.job);
    const { answer, failure, ...outcome } = await serve(exchange, resolved, options);
    addTo(exchange, outcome);
    if (failure) throw failure;
    return answer;
  }

  /** What was asked for, or what stands in for it. */
  async function serve(exchange: Exchange, resolved: Resolved, options: AnswerOptions): Promise<Result> {
    const { job } = resolved;
    const result = await obtain(exchange, resolved, options).catch((error: unknown) => failed(error));
    if (result.answer) return isOfStaleCopy(result.answer) ? { ...result, provenance: "stale" } : result;
    // To players the original stands in for what cannot be made, too.
    if (pollingOf(job)?.kind === "redirect" && isOfEncoding(result.failure)) {
      return pending(job, result.cache);
    }
    const instead = await substitute(exchange, job, result.failure, {
      serve: (resolved) => obtain(exchange, resolved).catch((error: unknown) => failed(error)),
      isMedia: ({ answer }) => answer !== undefined && (isPending(answer) || isMediaType(answer.record.type)),
      discard: async ({ answer }) => (answer && !isPending(answer) ? answer.body?.close?.() : undefined),
    });
    if (!instead) return result;
    const { served, provenance, lifetime } = instead;
    return served.failure ? served : { ...served, provenance, lifetime };
  }

  /** A rendition from a cache, else made. */
  async function obtain(
    exchange: Exchange,
    resolved: Resolved,
    { bypassCache = false, final = false }: AnswerOptions = {},
  ): Promise<Result> {
    const { job, key } = resolved;
    const { found, stale } = await lookup(exchange, key, job.asset, bypassCache);
    if (found?.record.error) {
      const { record, cache } = found;
      return failed(errorOf(found.record.error), { hit: true, cache, freshFor: -overdueOf(record) });
    }
    if (found && (found.body || clientHas(exchange, found.record))) {
      await authorize(exchange, found.record.sources);
      return real(found, { hit: true, cache: found.cache });
    }
    if (!bypassCache && stale?.body && servesWhileRevalidating(stale.record, exchange.endpoint)) {
      await authorize(exchange, stale.record.sources);
      withLoopList(exchange.request.header("cdn-loop"), () =>
        background.revalidate({ ...resolved, trusted: isTrusted(exchange), stale }),
      );
      const lifetime = limitsOf(exchange.endpoint.tenant).failureLifetime;
      return { answer: stale, provenance: "stale", lifetime, cache: { hit: true } };
    }
    const cheaper = stale || final ? undefined : await insteadOf(exchange, resolved);
    if (cheaper) return cheaper;
    // To revalidate a stale entry is of use only where its body is, here or at the client.
    const useful = stale && (stale.body || clientHas(exchange, stale.record)) ? stale : undefined;
    return await withLoopList(exchange.request.header("cdn-loop"), () => miss(exchange, resolved, useful));
  }

  /** What a plugin offers to be served now, while the rendition itself is made in the background. */
  async function insteadOf(exchange: Exchange, { job, key }: Resolved): Promise<Result | undefined> {
    // Without a cache nobody would ever get what is made in the background.
    if (!hooks.substitute.isUsed() || !cache.isUsed) return undefined;
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
