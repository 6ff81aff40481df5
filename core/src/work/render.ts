import { etagOf, lastModifiedOf, tagsOf } from "../cache/entry.ts";
import { type Keeping, keepingOf } from "../cache/freshness.ts";
import { wrap } from "../facade.ts";
import type { Conditions } from "../hooks.ts";
import { signatureRequired } from "../model/claims.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import type { MediaError } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import type { Lane, Plan } from "../model/plan.ts";
import {
  type Body,
  type Delivered,
  type Rendition,
  type RenditionRecord,
  type SettledBody,
  settled,
} from "../model/rendition.ts";
import {
  type EntryFacts,
  NOT_MODIFIED,
  type Source,
  type SourceFacts,
  updatedFacts,
} from "../model/source.ts";
import { brokenSource } from "../origin/source.ts";
import { fetchSource } from "../origin/sources.ts";
import { resultCheckOf } from "../results.ts";
import { traced } from "../traced.ts";
import { assertDeliverable, originalBody, originalType } from "./original.ts";
import { createContext, type OwnContext } from "./render-context.ts";
import type { Services } from "./services.ts";

/** What a render is asked to make. */
export interface RenderRequest {
  readonly job: Job;
  readonly key: string;
  /** Private files are open to whoever waits for it. */
  readonly trusted: boolean;
  /** A rendition past its freshness: its origin is asked whether it still holds. */
  readonly stale?: Delivered;
}

export interface Made extends Delivered {
  readonly spans: OwnContext["spans"];
  /** In which lane it was made; left out where nothing was. */
  readonly lane?: Lane;
  /** Caches were handed it, or its record. */
  readonly stored: boolean;
  /** Resolves when the caches that were handed its bytes have them; left out: none were. */
  readonly kept?: Promise<void>;
  /** What grows, once it is whole. Rejects where it fails. */
  readonly grown?: Promise<Delivered & Pick<Made, "kept">>;
  /** Another process has made it. */
  readonly joined?: boolean;
  /** The stale rendition was confirmed. */
  readonly revalidated?: boolean;
  readonly degraded?: boolean;
}

/** The lower half of the picture: fetch, inspect, transform, run, store. Knows no request. */
export function createMake(services: Services) {
  const { hooks, cache, scheduler, endpoints, engines, bans } = services;
  const failed = new WeakMap<object, OwnContext["spans"]>();

  async function make(request: RenderRequest, signal: AbortSignal, depth = 0): Promise<Made> {
    const { job, key } = request;
    const started = performance.now();
    const context = createContext(services, {
      key,
      asset: job.asset,
      trusted: request.trusted,
      signal,
      depth,
      render: (nested, nestedKey, level, end) =>
        make({ job: nested, key: nestedKey, trusted: request.trusted }, end, level),
    });
    return await traced(hooks, { kind: "render", context, job }, () => fly(request, context, depth, started));
  }

  async function fly(
    request: RenderRequest,
    context: OwnContext,
    depth: number,
    started: number,
  ): Promise<Made> {
    const { job, key } = request;
    const { signal } = context;
    let plan: Plan | undefined;
    let error: MediaError | undefined;
    let made: Made | undefined;

    /** Where a source breaks off before anything of it was sent, the next origin that has the file is taken. */
    async function makeOf(source: Source, broken: readonly string[]): Promise<Made> {
      try {
        if (source.facts.private && !request.trusted) {
          outdate(request, context);
          throw signatureRequired();
        }
        plan = await context.spans.measure("plan", () => hooks.transform.promise(job, source, context));
        if (plan) scheduler.assertFits(plan);
        return await settle(request, context, source, plan, depth);
      } catch (cause) {
        if (signal.aborted || brokenSource(cause) !== source.facts) throw cause;
        // A copy that breaks off says nothing of its origin: with `except`, copies are passed over.
        const except = source.facts.copy ? broken : [...broken, source.facts.origin];
        const next = await context.spans
          .measure("download", () => hooks.fetch.promise(job.asset, { except }, context))
          .catch(() => undefined);
        if (typeof next !== "object") throw cause;
        await context.reset();
        return await makeOf(context.own(next), except);
      }
    }

    try {
      if (depth === 0) scheduler.assertRoom(job.transformation.output.video ? "video" : "light");
      const source = await context.spans.measure("download", () => open(request, context));
      if (source instanceof Map) return await renew(request.stale as Delivered, source, request, context);
      made = await makeOf(source, []);
      return made;
    } catch (cause) {
      error = cause as MediaError;
      if (typeof cause === "object" && cause !== null) failed.set(cause, context.spans);
      throw cause;
    } finally {
      if (made?.grown) {
        made.grown.then(
          ({ record }) => end(record),
          (cause: unknown) => {
            error = wrap(cause, "transform", plan?.engine ?? "core");
            return end(undefined);
          },
        );
      } else await end(made?.record);
    }

    /** What grows ends with its last byte. */
    async function end(record: RenditionRecord | undefined): Promise<void> {
      await context.close();
      const duration = performance.now() - started;
      hooks.report.call({
        kind: "render",
        context,
        key,
        job,
        duration,
        spans: context.spans,
        ...(plan ? { plan } : {}),
        ...(record ? { record } : {}),
        ...(error ? { error } : {}),
      });
    }
  }

  /** What work took that failed so. */
  const spansOf = (error: unknown) => failed.get(error as object);
  return Object.assign(make, { spansOf });

  /** The asset's source; or what the origins said of the sources of the stale rendition, if that still holds. */
  async function open({ job, stale }: RenderRequest, context: OwnContext): Promise<Source | Confirmations> {
    const known = stale?.record.sources[0];
    if (known && (known.etag !== undefined || known.lastModified !== undefined)) {
      const confirmations: Confirmations = new Map();
      const answer = await hooks.fetch.promise(job.asset, conditionsOf(known, confirmations), context);
      if (answer === NOT_MODIFIED && (await othersHold(stale, confirmations, job, context)))
        return confirmations;
      if (typeof answer === "object") return context.own(answer);
    }
    return context.own(await fetchSource(hooks, job.asset, context));
  }

  /** Whether the other sources of a rendition, those of its layers, are what they were. */
  async function othersHold(
    stale: Delivered | undefined,
    confirmations: Confirmations,
    job: Job,
    context: OwnContext,
  ): Promise<boolean> {
    const [, ...others] = stale?.record.sources ?? [];
    const asked = others.map(async (facts) => {
      const { tenant, endpoint } = job.asset;
      const kind = /^https?:\/\//.test(facts.path) ? "url" : "path";
      const asset = { tenant, endpoint, kind, path: facts.path } as const;
      const conditions = { ...conditionsOf(facts, confirmations), head: true };
      const answer = await hooks.fetch.promise(asset, conditions, context);
      if (typeof answer === "object") await answer.close();
      return answer === NOT_MODIFIED;
    });
    return (await Promise.all(asked)).every(Boolean);
  }

  async function settle(
    request: RenderRequest,
    context: OwnContext,
    source: Source,
    plan: Plan | undefined,
    depth: number,
  ): Promise<Made> {
    const { job, key } = request;
    const rendition = plan ? await run(plan, context, depth) : await passThrough(job, source, context);
    const { body, degraded = false, links } = rendition;
    const keeping = keepingOf(context.sources, endpointOf(job));
    const recordOf = (body: Body): RenditionRecord => ({
      key,
      asset: job.asset,
      engines,
      type: rendition.type,
      format: rendition.format,
      ...(rendition.width === undefined ? {} : { width: rendition.width }),
      ...(rendition.height === undefined ? {} : { height: rendition.height }),
      ...(body.settled ? { length: body.length } : {}),
      ...optional(
        "etag",
        body.settled
          ? etagOf(key, engines, context.sources, { body, original: plan === undefined })
          : undefined,
      ),
      ...optional("lastModified", body.settled ? lastModifiedOf(context.sources) : undefined),
      sources: [...context.sources],
      stored: Date.now(),
      ...keeping.fields,
      ...tagsOf(endpointOf(job), context.sources),
      private: context.sources.some((facts) => facts.private === true),
      original: plan === undefined,
      ...(links && { links }),
    });
    if (!keeping.store) outdate(request, context);
    const record = recordOf(body);
    const isKeepable = (whole: SettledBody) => whole.bytes !== undefined || plan !== undefined;
    const keep = (whole: SettledBody, record: RenditionRecord) =>
      store({ record, ...(isKeepable(whole) ? { body: whole } : {}) }, keeping, context);
    const storing = body.settled && !degraded ? keep(body, record) : undefined;
    const grown = wholeOf({ body })?.then((whole) => {
      const record = recordOf(whole);
      return { record, body: whole, ...optional("kept", keep(whole, record)) };
    });
    grown?.catch(() => {});
    return {
      record,
      body,
      spans: context.spans,
      stored: storing !== undefined,
      ...(storing && body.settled && isKeepable(body) && { kept: storing }),
      ...(grown && { grown }),
      ...(plan && { lane: plan.lane }),
      ...(degraded && { degraded }),
    };
  }

  /** The plan's work, in its turn; a nested job uses its parent's place. */
  function run(plan: Plan, context: OwnContext, depth: number) {
    const work = () => context.spans.measure("transformation", () => runPlan(plan, context));
    if (depth > 0) return work();
    const waited = performance.now();
    const inTurn = () => {
      context.spans.add("queue", performance.now() - waited, undefined, waited);
      return work();
    };
    return scheduler.run(plan, context.signal, inTurn, wholeOf);
  }

  /** No engine has anything to do: the source's own bytes. */
  async function passThrough(job: Job, source: Source, context: OwnContext): Promise<Rendition> {
    await assertDeliverable(job, endpointOf(job), source, context);
    const body = await originalBody(source);
    context.release(source);
    const bytes = body.settled && body.bytes;
    if (bytes) await source.close();
    return {
      body,
      type: originalType(source.facts),
      format: "original",
    };
  }

  /** The stale rendition, confirmed by its origins: its record is updated, without download or transform. */
  async function renew(
    stale: Delivered,
    confirmations: Confirmations,
    request: RenderRequest,
    context: OwnContext,
  ): Promise<Made> {
    const now = Date.now();
    const endpoint = endpointOf(request.job);
    const sources = stale.record.sources.map((facts) => confirmed(facts, confirmations.get(facts), now));
    const keeping = keepingOf(sources, endpoint, now);
    const { control: _, cdnControl: __, age: ___, tags: ____, ...before } = stale.record;
    const record: RenditionRecord = {
      ...before,
      sources,
      stored: now,
      ...tagsOf(endpoint, sources),
      ...keeping.fields,
    };
    const delivered = { record, ...(stale.body ? { body: stale.body } : {}) };
    if (!keeping.store) outdate(request, context);
    const storing = store(delivered, keeping, context);
    return {
      ...delivered,
      spans: context.spans,
      revalidated: true,
      stored: storing !== undefined,
      ...(storing && delivered.body && { kept: storing }),
    };
  }

  /** What caches have of a file that is not for everybody any more is served no longer: not at once, nor where its origin fails. */
  function outdate({ stale }: RenderRequest, { since }: OwnContext): void {
    if (!stale || !cache.isUsed || bans.isBanned(stale.record, since)) return;
    void cache.store({ ...stale.record, staleFor: 0, errorFor: 0 }, settled(stale.body), since);
  }

  function endpointOf({ asset }: Job): Endpoint | undefined {
    return endpoints.get(endpointId(asset));
  }

  /**
   * Nothing is kept of what began before a purge of it, nor against the word of an origin. Resolves when caches have it;
   * `undefined`: it is not kept.
   */
  function store(entry: Delivered, keeping: Keeping, { since }: OwnContext): Promise<void> | undefined {
    const { record, body } = entry;
    if (!keeping.store || !cache.isUsed || bans.isBanned(record, since)) return undefined;
    return cache.store(record, settled(body), since);
  }
}

const checkRendition = resultCheckOf("run");

/** Does what a plan says. What its engine does wrong is the engine's fault, not the core's. */
async function runPlan(plan: Plan, context: OwnContext): Promise<Rendition> {
  try {
    const rendition = await plan.run(context);
    checkRendition?.(rendition, []);
    return rendition;
  } catch (error) {
    throw context.signal.aborted ? error : wrap(error, "transform", plan.engine);
  }
}

/** What a growing body becomes. */
export function wholeOf(made: { readonly body?: Body } | undefined): Promise<SettledBody> | undefined {
  return made?.body && !made.body.settled ? made.body.whole : undefined;
}

/** What origins said of sources that have not changed. */
type Confirmations = Map<SourceFacts, EntryFacts>;

/** Asks whether a source is still what it was, and notes what its origin says of it then. */
function conditionsOf(facts: SourceFacts, confirmations: Confirmations): Conditions {
  const { origin, etag, lastModified, cacheControl, cdnCacheControl } = facts;
  return {
    origin,
    held: {
      ...(facts.private && { private: true }),
      ...(cacheControl !== undefined && { cacheControl }),
      ...(cdnCacheControl !== undefined && { cdnCacheControl }),
    },
    onNotModified: (now) => confirmations.set(facts, now),
    ...(etag === undefined ? {} : { ifNoneMatch: etag }),
    ...(lastModified === undefined ? {} : { ifModifiedSince: lastModified }),
  };
}

/** The facts of a source that was found to be right: if it was a stale copy, it is none any more. */
function confirmed(facts: SourceFacts, said: EntryFacts | undefined, now: number): SourceFacts {
  const { copy, age: _, ...known } = updatedFacts(facts, said, now);
  const { age } = said ?? {};
  const updated = { ...known, ...(age !== undefined && { age }) };
  if (!copy?.stale) return copy ? { ...updated, copy } : updated;
  const { freshFor: __, ...rest } = updated;
  return rest;
}

function optional<K extends string, V>(name: K, value: V | undefined) {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: V };
}
