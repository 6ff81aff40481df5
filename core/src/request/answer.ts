import { overdueOf, servesBehind, servesOnError } from "../cache/freshness.ts";
import { wrap } from "../facade.ts";
import { isTrusted } from "../model/claims.ts";
import { isMediaError, type MediaError } from "../model/errors.ts";
import type { CacheOutcome, Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import { isMediaName, isMediaType } from "../model/media.ts";
import type { Delivered } from "../model/rendition.ts";
import type { Spans } from "../model/spans.ts";
import { withLoopList } from "../origin/loop.ts";
import { currentTrace, inTrace, traceOf } from "../util/trace.ts";
import { errorOf } from "../work/failed.ts";
import type { Made } from "../work/render.ts";
import { coalescedBy, createRenders } from "../work/renders.ts";
import type { Services } from "../work/services.ts";
import { createAdmit, createAuthorize } from "./admit.ts";
import { createBehind } from "./background.ts";
import { createExplain } from "./explain.ts";
import { createLookup, holds } from "./lookup.ts";
import { createRemember, isOriginFailure } from "./negative.ts";
import {
  type Answer,
  createPolling,
  isFirstPlaylist,
  isHeldVideo,
  isOfEncoding,
  isPending,
} from "./polling.ts";
import { createResolve } from "./resolve.ts";
import { createConfirm } from "./revalidate.ts";
import { createSubstitute } from "./substitute.ts";

/** How long a substitute may be kept, in milliseconds. */
const FALLBACK_LIFETIME = 60_000;

/**
 * The way of a request:
 *
 *     resolve ─► admit ─► lookup ── fresh ──────► authorize ─► (respond)
 *                            │ miss or stale          ▲
 *                            ▼                        │
 *                   fetch ─► inspect ─► transform ─► run ─► store      (make.ts)
 */
export function createPipeline(services: Services) {
  const { hooks, cache, limitsOf, log, bans } = services;
  const resolve = createResolve(services);
  const admit = createAdmit(services);
  const { lookup, lookupWhole, withOriginal } = createLookup(services);
  const substituteOf = createSubstitute(services, admit);
  const authorize = createAuthorize(services);
  const confirm = createConfirm(services);
  const polling = createPolling(services);
  const remember = createRemember(services);
  const renders = createRenders({ services, find: async ({ key }) => (await lookupWhole(key)).found });
  const behind = createBehind({ services, complete: resolve.complete, lookupWhole, renders, remember });

  /** What a request gets; `again`: whatever caches hold is asked about first. Throws MediaErrors only. */
  async function answer(exchange: Exchange, { bypassCache = false } = {}): Promise<Answer> {
    const { job, key } = await resolve(exchange);
    exchange.job = job;
    exchange.key = key;
    await admit(exchange, job);
    try {
      const delivered = await obtain(exchange, job, key, { bypassCache });
      // Made of a copy that could not be confirmed.
      if (!isPending(delivered) && delivered.record.sources.some(({ copy }) => copy?.stale)) {
        exchange.provenance = "stale";
      }
      return delivered;
    } catch (error) {
      const failure = wrap(error, "answer", "core");
      // To players the original stands in for what cannot be made, too.
      if (polling.of(exchange) && isHeldVideo(job) && isOfEncoding(failure)) return pending(exchange, job);
      return await substitute(exchange, job, failure);
    }
  }

  /** `final`: nothing else is to be served in its place. */
  async function obtain(
    exchange: Exchange,
    job: Job,
    key: string,
    { bypassCache = false, final = false } = {},
  ): Promise<Answer> {
    const { found, stale } = await lookup(exchange, key, job.asset, bypassCache);
    if (found?.record.error) {
      exchange.cache = { hit: true, cache: found.cache, freshFor: -overdueOf(found.record) };
      throw errorOf(found.record.error);
    }
    if (found && (found.body || holds(exchange, found.record))) {
      await authorize(exchange, found.record.sources);
      exchange.cache = { hit: true, cache: found.cache };
      return found;
    }
    if (!bypassCache && stale?.body && servesBehind(stale.record, exchange.endpoint)) {
      await authorize(exchange, stale.record.sources);
      exchange.provenance = "stale";
      exchange.lifetime = limitsOf(exchange.endpoint.tenant).failureLifetime;
      exchange.cache = { hit: true };
      withLoopList(exchange.request.header("cdn-loop"), () =>
        behind.revalidate({ job, key, trusted: isTrusted(exchange), stale }),
      );
      return stale;
    }
    const cheaper = stale || final ? undefined : await insteadOf(exchange, job);
    if (cheaper) return cheaper;
    // To confirm a stale record is of use only where its body is, here or at the client.
    const useful = stale && (stale.body || holds(exchange, stale.record)) ? stale : undefined;
    return await withLoopList(exchange.request.header("cdn-loop"), () => miss(exchange, job, key, useful));
  }

  async function miss(
    exchange: Exchange,
    job: Job,
    key: string,
    stale: Delivered | undefined,
  ): Promise<Answer> {
    const trusted = isTrusted(exchange);
    const wanted = { job, key, trusted, ...(stale ? { stale } : {}) };
    const since = bans.now();
    const trace = currentTrace() ?? traceOf(exchange.request.header("traceparent"));
    const confirmed = stale ? undefined : await inTrace(trace, () => confirm(exchange, job, key));
    if (confirmed) return confirmed;
    const collapsed = renders.isRunning(wanted);
    const forward = stale ? "stale" : "miss";
    try {
      const fly = (end: AbortSignal) => inTrace(trace, () => renders.run(wanted, end));
      const polls = polling.of(exchange);
      const failed = (error: unknown) => remember(key, job, error, since);
      const made =
        polls && isHeldVideo(job)
          ? await polling.hold(coalescedBy(wanted, services), exchange, polls, { fly, failed })
          : await fly(exchange.signal);
      if (!made) {
        exchange.cache = { hit: false, forward, collapsed };
        return pending(exchange, job);
      }
      tell(exchange, made.spans);
      if (made.lane) exchange.lane = made.lane;
      exchange.cache = outcome(made, forward, collapsed || made.joined === true);
      // Right when it was asked for, but no longer: a CDN that has been purged meanwhile must not keep it.
      if (bans.isBanned(made.record, since)) exchange.provenance = "stale";
      if (made.degraded) {
        exchange.provenance = "degraded";
        exchange.lifetime = limitsOf(exchange.endpoint.tenant).failureLifetime;
      }
      await authorize(exchange, made.record.sources).catch(async (refusal: unknown) => {
        await made.body?.close?.();
        throw refusal;
      });
      // The next one finds it in a cache; where none keeps it, there would never be another answer.
      if (polls && isFirstPlaylist(job) && made.kept && !stale) {
        await made.kept.catch(() => {});
        return pending(exchange, job);
      }
      return made.body ? made : withOriginal(made, job.asset);
    } catch (error) {
      const forwardStatus = statusAt(error);
      exchange.cache = { hit: false, forward, collapsed, ...(forwardStatus && { forwardStatus }) };
      if (isMediaError(error)) tell(exchange, error.spans);
      if (stale?.body && isOriginFailure(error) && servesOnError(stale.record)) {
        await authorize(exchange, stale.record.sources);
        exchange.provenance = "stale";
        exchange.cache = { hit: false, forward: "stale" };
        return stale;
      }
      remember(key, job, error, since);
      throw error;
    }
  }

  function pending(exchange: Exchange, job: Job): Answer {
    exchange.provenance = "placeholder";
    return { pending: job };
  }

  /** What a plugin offers to be served now, while the request itself takes its time behind it. */
  async function insteadOf(exchange: Exchange, job: Job): Promise<Answer | undefined> {
    // Without a cache nobody would ever get what is made in the background.
    if (!hooks.substitute.isUsed() || !cache.isUsed) return undefined;
    const offered = await hooks.substitute.promise(job, {});
    if (!offered) return undefined;
    const { job: instead, key } = resolve.complete(offered.job);
    const delivered = await obtain(exchange, instead, key, { final: true });
    exchange.provenance = offered.provenance;
    exchange.lifetime = offered.lifetime;
    if (offered.behind) {
      behind.make(offered.behind, new AbortController().signal).catch((err: unknown) => {
        log.debug({ err, key: exchange.key }, "background work failed");
      });
    }
    return delivered;
  }

  /** Another asset for one that is missing, if the URL or a plugin names one. */
  async function substitute(exchange: Exchange, job: Job, error: MediaError): Promise<Answer> {
    const instead = await substituteOf(exchange, job, error);
    if (!instead) throw error;
    const { key } = resolve.complete(instead.job);
    const delivered = await obtain(exchange, instead.job, key).catch((failure: unknown) =>
      // A default image that could not be opened now may be there: "not here" would be wrong, and be kept.
      Promise.reject(isMediaError(failure) && failure.status < 500 ? error : failure),
    );
    // Text is no default image.
    if (!isPending(delivered) && isMediaName(job.asset.path) && !isMediaType(delivered.record.type)) {
      await delivered.body?.close?.();
      throw error;
    }
    exchange.provenance = instead.provenance ?? "fallback";
    exchange.lifetime = instead.lifetime ?? FALLBACK_LIFETIME;
    return delivered;
  }

  return {
    answer,
    explain: createExplain(services),
    resolve,
    admit,
    background: behind.make,
    obtainBehind: behind.obtain,
    renders,
  };
}

export type Pipeline = ReturnType<typeof createPipeline>;

/** The time that work took is part of every exchange that waited for it. */
function tell(exchange: Exchange, spans: Spans | undefined): void {
  for (const { name, duration, description, start } of spans?.list ?? [])
    exchange.spans.add(name, duration, description, start);
}

function outcome(made: Made, forward: "stale" | "miss", collapsed: boolean): CacheOutcome {
  return {
    hit: false,
    forward,
    collapsed,
    ...(made.revalidated ? { revalidated: true } : {}),
    ...(made.record.sources[0]?.copy ? {} : { forwardStatus: made.revalidated ? 304 : 200 }),
    stored:
      made.stored &&
      (made.revalidated === true || (made.body?.settled === true && made.body.bytes !== undefined)),
  };
}

/** What the origins said, where that is known: they may have been asked in vain, or not at all. */
function statusAt(error: unknown): number | undefined {
  return isMediaError(error) && error.code === "ENOENT" ? 404 : undefined;
}
