import { servesOnError } from "../cache/freshness.ts";
import type { PurgeRules } from "../cache/purge-rules.ts";
import { isTrusted } from "../model/claims.ts";
import { isMediaError } from "../model/errors.ts";
import type { CacheOutcome, Exchange } from "../model/exchange.ts";
import type { LimitsOf } from "../model/limits.ts";
import type { Rendition } from "../model/rendition.ts";
import type { Spans } from "../model/spans.ts";
import { createSpans } from "../util/spans.ts";
import { currentTrace, inTrace, traceOf } from "../util/trace.ts";
import type { Rendered, RenderRequest } from "../work/render.ts";
import { coalescedBy, type Renders } from "../work/renders.ts";
import type { Authorize } from "./admit.ts";
import type { Lookup } from "./lookup.ts";
import type { MissRate } from "./miss-rate.ts";
import { type CacheFailure, isOriginFailure } from "./negative.ts";
import type { Offload } from "./offload.ts";
import type { PollingOf, PollRender } from "./polling.ts";
import type { Resolved } from "./resolve.ts";
import { failed, pending, type Result, real } from "./result.ts";
import type { RevalidateForClient } from "./revalidate.ts";

export interface MissParts {
  readonly purgeRules: PurgeRules;
  readonly limitsOf: LimitsOf;
  readonly engines: string;
  readonly renders: Renders;
  readonly authorize: Authorize;
  readonly revalidateForClient: RevalidateForClient;
  readonly pollingOf: PollingOf;
  readonly pollRender: PollRender;
  readonly cacheFailure: CacheFailure;
  readonly missRate: MissRate;
  readonly withOriginal: Lookup["withOriginal"];
  readonly offload: Offload;
}

/** A request for what no cache has fresh: it waits for the render, alone or with others. */
export function createMiss(parts: MissParts) {
  const {
    purgeRules,
    limitsOf,
    renders,
    authorize,
    revalidateForClient,
    pollingOf,
    pollRender,
    cacheFailure,
  } = parts;
  const { missRate, withOriginal, offload } = parts;

  return async function miss(
    exchange: Exchange,
    { job, key }: Resolved,
    stale: Rendition | undefined,
  ): Promise<Result> {
    const request: RenderRequest = { job, key, trusted: isTrusted(exchange), ...(stale ? { stale } : {}) };
    const since = purgeRules.now();
    const trace = currentTrace() ?? traceOf(exchange.request.header("traceparent"));
    const tags = stale ? undefined : exchange.request.header("if-none-match");
    const unmodified = tags && (await inTrace(trace, () => revalidateForClient(exchange, job, key, tags)));
    if (unmodified) return real(unmodified, { hit: false, forward: "miss", revalidated: true });
    const forward = stale ? "stale" : "miss";
    const polling = pollingOf(job);
    let collapsed = renders.isRunning(request);
    if (!collapsed && exchange.endpoint.missRate !== undefined) {
      const counted = missRate(exchange, exchange.endpoint.missRate);
      // No pause where nothing is counted elsewhere: another request could begin or end the same work meanwhile.
      const refusal = counted instanceof Promise ? await counted : counted;
      if (refusal) return (await staleInstead()) ?? failed(refusal, { hit: false, forward });
      collapsed = renders.isRunning(request);
    }
    try {
      const rendered = await waitForRender();
      if (!rendered) return pending(job, { hit: false, forward, collapsed });
      addSpans(exchange, rendered.spans);
      try {
        await authorize(exchange, rendered.record.sources);
      } catch (refusal) {
        await rendered.body?.close?.();
        throw refusal;
      }
      const cache = outcomeOf(rendered, forward, collapsed || rendered.joined === true);
      // The next request finds it in a cache; if none stored it, the response would be the same for ever.
      if (polling?.kind === "accept" && rendered.written && !stale) {
        await rendered.written.catch(() => {});
        return { ...pending(job, cache), ...(rendered.lane && { lane: rendered.lane }) };
      }
      return {
        ...real(rendered.body ? rendered : withOriginal(rendered, job.asset), cache),
        ...(rendered.lane && { lane: rendered.lane }),
        // Valid when it was requested, but no longer: a CDN that has been purged meanwhile must not store it.
        ...(purgeRules.isPurged(rendered.record, since) && { provenance: "stale" }),
        ...(rendered.degraded && {
          provenance: "degraded",
          lifetime: limitsOf(exchange.endpoint.tenant).failureLifetime,
        }),
      };
    } catch (error) {
      if (isMediaError(error) && error.spans) addSpans(exchange, error.spans);
      const instead = isOriginFailure(error) ? await staleInstead() : undefined;
      if (instead) return instead;
      cacheFailure(key, job, error, since);
      // Which status an origin sent is known of a missing file alone: others may have been asked in vain, or not at all.
      const isMissing = isMediaError(error) && error.code === "ENOENT";
      return failed(error, { hit: false, forward, collapsed, ...(isMissing && { forwardStatus: 404 }) });
    }

    async function staleInstead(): Promise<Result | undefined> {
      if (!stale?.body || !servesOnError(stale.record)) return undefined;
      await authorize(exchange, stale.record.sources);
      return { answer: stale, provenance: "stale", cache: { hit: false, forward: "stale" } };
    }

    function waitForRender(): Promise<Rendered | undefined> {
      const run = (signal: AbortSignal) => inTrace(trace, () => renders.run(request, signal));
      if (polling?.kind !== "redirect") return run(exchange.signal);
      const work = {
        run: async (signal: AbortSignal) => (await runElsewhere(signal)) ?? (await run(signal)),
        failed: (error: unknown) => cacheFailure(key, job, error, since),
      };
      return pollRender(coalescedBy(request, parts), exchange, polling.afterMs, work);
    }

    async function runElsewhere(signal: AbortSignal): Promise<Rendered | undefined> {
      const found = stale ? undefined : await offload(request, signal);
      return found && { ...found, spans: createSpans(), stored: true, joined: true };
    }
  };
}

export type Miss = ReturnType<typeof createMiss>;

/** The time that work took is part of every exchange that waited for it. */
function addSpans(exchange: Exchange, { list }: Spans): void {
  for (const { name, duration, description, start } of list)
    exchange.spans.add(name, duration, description, start);
}

function outcomeOf(rendered: Rendered, forward: "stale" | "miss", collapsed: boolean): CacheOutcome {
  const isComplete = rendered.body?.complete === true && rendered.body.bytes !== undefined;
  return {
    hit: false,
    forward,
    collapsed,
    ...(rendered.revalidated ? { revalidated: true } : {}),
    ...(rendered.record.sources[0]?.copy ? {} : { forwardStatus: rendered.revalidated ? 304 : 200 }),
    stored: rendered.stored && (rendered.revalidated === true || isComplete),
  };
}
