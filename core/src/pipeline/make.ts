import { wrap } from "../facade.ts";
import type { Conditions } from "../hooks.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import type { MediaError } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import type { Lane, Plan } from "../model/plan.ts";
import type { Body, Delivered, Rendition, RenditionRecord, SettledBody } from "../model/rendition.ts";
import {
  type EntryFacts,
  NOT_MODIFIED,
  type Source,
  type SourceFacts,
  updatedFacts,
} from "../model/source.ts";
import { resultCheckOf } from "../results.ts";
import { signatureRequired } from "./access.ts";
import { createFlight, type OwnFlight } from "./flight.ts";
import { type Keeping, keepingOf } from "./freshness.ts";
import { assertDeliverable, originalBody, originalType } from "./original.ts";
import { etagOf, lastModifiedOf, tagsOf } from "./record.ts";
import type { Services } from "./services.ts";
import { brokenSource } from "./source.ts";
import { fetchSource } from "./sources.ts";
import { traced } from "./traced.ts";

/** What a flight is asked to make. */
export interface Wish {
  readonly job: Job;
  readonly key: string;
  /** Private files are open to whoever waits for it. */
  readonly trusted: boolean;
  /** A rendition past its freshness: its origin is asked whether it still holds. */
  readonly stale?: Delivered;
}

export interface Made extends Delivered {
  readonly spans: OwnFlight["spans"];
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
  const { hooks, scheduler, endpoints, engines, bans } = services;
  const failed = new WeakMap<object, OwnFlight["spans"]>();

  async function make(wish: Wish, signal: AbortSignal, depth = 0): Promise<Made> {
    const { job, key } = wish;
    const started = performance.now();
    const flight = createFlight(services, {
      key,
      asset: job.asset,
      trusted: wish.trusted,
      signal,
      depth,
      render: (nested, nestedKey, level, end) =>
        make({ job: nested, key: nestedKey, trusted: wish.trusted }, end, level),
    });
    return await traced(hooks, { kind: "flight", flight, job }, () => fly(wish, flight, depth, started));
  }

  async function fly(wish: Wish, flight: OwnFlight, depth: number, started: number): Promise<Made> {
    const { job, key } = wish;
    const { signal } = flight;
    let plan: Plan | undefined;
    let error: MediaError | undefined;
    let made: Made | undefined;

    /** Where a source breaks off before anything of it was sent, the next origin that has the file is taken. */
    async function makeOf(source: Source, broken: readonly string[]): Promise<Made> {
      try {
        if (source.facts.private && !wish.trusted) {
          outdate(wish, flight);
          throw signatureRequired();
        }
        plan = await flight.spans.measure("plan", () => hooks.transform.promise(job, source, flight));
        if (plan) scheduler.assertFits(plan);
        return await settle(wish, flight, source, plan, depth);
      } catch (cause) {
        if (signal.aborted || brokenSource(cause) !== source.facts) throw cause;
        // A copy that breaks off says nothing of its origin: with `except`, copies are passed over.
        const except = source.facts.copy ? broken : [...broken, source.facts.origin];
        const next = await flight.spans
          .measure("download", () => hooks.fetch.promise(job.asset, { except }, flight))
          .catch(() => undefined);
        if (typeof next !== "object") throw cause;
        await flight.reset();
        return await makeOf(flight.own(next), except);
      }
    }

    try {
      if (depth === 0) scheduler.assertRoom(job.transformation.output.video ? "video" : "light");
      const source = await flight.spans.measure("download", () => open(wish, flight));
      if (source instanceof Map) return await renew(wish.stale as Delivered, source, wish, flight);
      made = await makeOf(source, []);
      return made;
    } catch (cause) {
      error = cause as MediaError;
      if (typeof cause === "object" && cause !== null) failed.set(cause, flight.spans);
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
      await flight.close();
      const duration = performance.now() - started;
      hooks.report.call({
        kind: "flight",
        flight,
        key,
        job,
        duration,
        spans: flight.spans,
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
  async function open({ job, stale }: Wish, flight: OwnFlight): Promise<Source | Confirmations> {
    const known = stale?.record.sources[0];
    if (known && (known.etag !== undefined || known.lastModified !== undefined)) {
      const confirmations: Confirmations = new Map();
      const answer = await hooks.fetch.promise(job.asset, conditionsOf(known, confirmations), flight);
      if (answer === NOT_MODIFIED && (await othersHold(stale, confirmations, job, flight)))
        return confirmations;
      if (typeof answer === "object") return flight.own(answer);
    }
    return flight.own(await fetchSource(hooks, job.asset, flight));
  }

  /** Whether the other sources of a rendition, those of its layers, are what they were. */
  async function othersHold(
    stale: Delivered | undefined,
    confirmations: Confirmations,
    job: Job,
    flight: OwnFlight,
  ): Promise<boolean> {
    const [, ...others] = stale?.record.sources ?? [];
    const asked = others.map(async (facts) => {
      const { tenant, endpoint } = job.asset;
      const kind = /^https?:\/\//.test(facts.path) ? "url" : "path";
      const asset = { tenant, endpoint, kind, path: facts.path } as const;
      const conditions = { ...conditionsOf(facts, confirmations), head: true };
      const answer = await hooks.fetch.promise(asset, conditions, flight);
      if (typeof answer === "object") await answer.close();
      return answer === NOT_MODIFIED;
    });
    return (await Promise.all(asked)).every(Boolean);
  }

  async function settle(
    wish: Wish,
    flight: OwnFlight,
    source: Source,
    plan: Plan | undefined,
    depth: number,
  ): Promise<Made> {
    const { job, key } = wish;
    const rendition = plan ? await run(plan, flight, depth) : await passThrough(job, source, flight);
    const { body, degraded = false, links } = rendition;
    const keeping = keepingOf(flight.sources, endpointOf(job));
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
          ? etagOf(key, engines, flight.sources, { body, original: plan === undefined })
          : undefined,
      ),
      ...optional("lastModified", body.settled ? lastModifiedOf(flight.sources) : undefined),
      sources: [...flight.sources],
      stored: Date.now(),
      ...keeping.fields,
      ...tagsOf(endpointOf(job), flight.sources),
      private: flight.sources.some((facts) => facts.private === true),
      original: plan === undefined,
      ...(links && { links }),
    });
    if (!keeping.store) outdate(wish, flight);
    const record = recordOf(body);
    const isKeepable = (whole: SettledBody) => whole.bytes !== undefined || plan !== undefined;
    const keep = (whole: SettledBody, record: RenditionRecord) =>
      store({ record, ...(isKeepable(whole) ? { body: whole } : {}) }, keeping, flight);
    const storing = body.settled && !degraded ? keep(body, record) : undefined;
    const grown = wholeOf({ body })?.then((whole) => {
      const record = recordOf(whole);
      return { record, body: whole, ...optional("kept", keep(whole, record)) };
    });
    grown?.catch(() => {});
    return {
      record,
      body,
      spans: flight.spans,
      stored: storing !== undefined,
      ...(storing && body.settled && isKeepable(body) && { kept: storing }),
      ...(grown && { grown }),
      ...(plan && { lane: plan.lane }),
      ...(degraded && { degraded }),
    };
  }

  /** The plan's work, in its turn; a nested job uses its parent's place. */
  function run(plan: Plan, flight: OwnFlight, depth: number) {
    const work = () => flight.spans.measure("transformation", () => runPlan(plan, flight));
    if (depth > 0) return work();
    const waited = performance.now();
    const inTurn = () => {
      flight.spans.add("queue", performance.now() - waited, undefined, waited);
      return work();
    };
    return scheduler.run(plan, flight.signal, inTurn, wholeOf);
  }

  /** No engine has anything to do: the source's own bytes. */
  async function passThrough(job: Job, source: Source, flight: OwnFlight): Promise<Rendition> {
    await assertDeliverable(job, endpointOf(job), source, flight);
    const body = await originalBody(source);
    flight.release(source);
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
    wish: Wish,
    flight: OwnFlight,
  ): Promise<Made> {
    const now = Date.now();
    const endpoint = endpointOf(wish.job);
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
    if (!keeping.store) outdate(wish, flight);
    const storing = store(delivered, keeping, flight);
    return {
      ...delivered,
      spans: flight.spans,
      revalidated: true,
      stored: storing !== undefined,
      ...(storing && delivered.body && { kept: storing }),
    };
  }

  /** What caches have of a file that is not for everybody any more is served no longer: not at once, nor where its origin fails. */
  function outdate({ stale }: Wish, { since }: OwnFlight): void {
    if (!stale || !hooks.store.isUsed() || bans.isBanned(stale.record, since)) return;
    void hooks.store.promise({ ...stale.record, staleFor: 0, errorFor: 0 }, stale.body);
  }

  function endpointOf({ asset }: Job): Endpoint | undefined {
    return endpoints.get(endpointId(asset));
  }

  /**
   * Nothing is kept of what began before a purge of it, nor against the word of an origin. Resolves when caches have it;
   * `undefined`: it is not kept.
   */
  function store(entry: Delivered, keeping: Keeping, { since }: OwnFlight): Promise<void> | undefined {
    const { record, body } = entry;
    if (!keeping.store || !hooks.store.isUsed() || bans.isBanned(record, since)) return undefined;
    return hooks.store.promise(record, body);
  }
}

const checkRendition = resultCheckOf("run");

/** Does what a plan says. What its engine does wrong is the engine's fault, not the core's. */
async function runPlan(plan: Plan, flight: OwnFlight): Promise<Rendition> {
  try {
    const rendition = await plan.run(flight);
    checkRendition?.(rendition, []);
    return rendition;
  } catch (error) {
    throw flight.signal.aborted ? error : wrap(error, "transform", plan.engine);
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
