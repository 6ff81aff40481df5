import { LRUCache } from "lru-cache";
import { wrap } from "../facade.ts";
import type { Lookup } from "../hooks.ts";
import type { Asset } from "../model/asset.ts";
import { endpointId } from "../model/endpoint.ts";
import { isChanged, isMediaError, MediaError } from "../model/errors.ts";
import type { CacheOutcome, Exchange } from "../model/exchange.ts";
import type { Spans } from "../model/flight.ts";
import type { Job } from "../model/job.ts";
import type { Delivered, Obtained, RenditionRecord } from "../model/rendition.ts";
import type { SourceFacts } from "../model/source.ts";
import { currentTrace, inTrace, traceOf } from "../trace.ts";
import { createAcross } from "./across.ts";
import { createAdmit, createAuthorize, isTrusted } from "./admit.ts";
import { wholeAndKept } from "./behind.ts";
import { codedTag, codingOf } from "./coding.ts";
import { isHeld, matches } from "./conditions.ts";
import { createExplain } from "./explain.ts";
import { createFlight } from "./flight.ts";
import { createFlights } from "./flights.ts";
import { servesBehind, servesOnError } from "./freshness.ts";
import { createMake, type Made, type Wish } from "./make.ts";
import { originalAgain, originalType, SMALL } from "./original.ts";
import {
  type Answer,
  createPolling,
  isFirstPlaylist,
  isHeldVideo,
  isOfEncoding,
  isPending,
} from "./polling.ts";
import { COMPOSED_TAG, errorLifetime, errorRecord, etagOf, ORIGINAL_TAG, wishTag } from "./record.ts";
import { createResolve } from "./resolve.ts";
import type { Services } from "./services.ts";
import { createSpans } from "./spans.ts";

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
  const { hooks, engines, limits, log, origins, bans } = services;
  const resolve = createResolve(services);
  const admit = createAdmit(services);
  const authorize = createAuthorize(services);
  const make = createMake(services);
  const flights = createFlights<Made>(untilKept);
  const polling = createPolling(services);
  const confirmations = createFlights<SourceFacts | undefined>();
  const across = createAcross({ services, find: findMade });
  /** Work that failed behind an answer a moment ago. */
  const resting = new LRUCache<string, true>({ max: 10_000, ttl: Math.max(1, limits.failureLifetime) });

  /** What a request gets; `anew`: whatever caches hold is asked about first. Throws MediaErrors only. */
  async function answer(exchange: Exchange, { anew = false } = {}): Promise<Answer> {
    const { job, key } = await resolve(exchange);
    exchange.job = job;
    exchange.key = key;
    await admit(exchange, job);
    try {
      const delivered = await obtain(exchange, job, key, { anew });
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
    { anew = false, final = false } = {},
  ): Promise<Answer> {
    const { found, stale } = await lookup(exchange, key, job.asset, anew);
    if (found?.record.error) {
      exchange.cache = { hit: true, cache: found.cache, freshUntil: found.record.freshUntil };
      throw errorOf(found.record.error);
    }
    if (found && (found.body || holds(exchange, found.record))) {
      await authorize(exchange, found.record.sources);
      exchange.cache = { hit: true, cache: found.cache };
      return found;
    }
    if (!anew && stale?.body && servesBehind(stale.record, exchange.endpoint)) {
      await authorize(exchange, stale.record.sources);
      exchange.provenance = "stale";
      exchange.lifetime = limits.failureLifetime;
      exchange.cache = { hit: true };
      revalidate({ job, key, trusted: isTrusted(exchange), stale });
      return stale;
    }
    const cheaper = stale || final ? undefined : await insteadOf(exchange, job);
    if (cheaper) return cheaper;
    // To confirm a stale record is of use only where its body is, here or at the client.
    const useful = stale && (stale.body || holds(exchange, stale.record)) ? stale : undefined;
    return await miss(exchange, job, key, useful);
  }

  function holds(exchange: Exchange, { etag, lastModified }: RenditionRecord): boolean {
    return isHeld(exchange.request, etag, lastModified);
  }

  async function lookup(exchange: Exchange, key: string, asset: Asset, anew: boolean) {
    const question = questionOf(key, anew);
    const first = hooks.lookup.isUsed() ? await question.ask(false) : undefined;
    const isBare = first !== undefined && lacksBody(first) && !holds(exchange, first.record);
    // A cache further down may still have the body.
    const whole = isBare ? await question.ask(true) : first;
    if (whole) question.fill(whole);
    const found = whole ?? first;
    const { stale } = question;
    return { found: found && withOriginal(found, asset), stale: stale && withOriginal(stale, asset) };
  }

  /** What another machine has made a moment ago, out of a cache that both have. */
  async function findMade({ key }: Wish): Promise<Delivered | undefined> {
    if (!hooks.lookup.isUsed()) return undefined;
    const question = questionOf(key, false);
    const found = await question.ask(true);
    if (!found?.body || found.record.error) return undefined;
    question.fill(found);
    return { record: found.record, body: found.body };
  }

  /** A question to the caches: it notes what is past its freshness, and those that want what another one has. */
  function questionOf(key: string, anew: boolean) {
    const now = Date.now();
    const since = bans.now();
    let stale: Delivered | undefined;
    const fills: Fill[] = [];
    const isFresh = (record: RenditionRecord) =>
      !anew && record.engines === engines && record.freshUntil > now && !bans.isPending(record);
    const offer = (entry: Delivered) => {
      if (entry.record.engines !== engines || entry.record.error || bans.isPending(entry.record)) return;
      if (!stale || (!stale.body && entry.body)) stale = entry;
    };
    return {
      get stale() {
        return stale;
      },
      ask: (needsBody: boolean) =>
        hooks.lookup.promise({ key, needsBody, isFresh, offer, fill: (store) => fills.push(store) }),
      fill(found: Delivered): void {
        if (!bans.isBanned(found.record, since)) for (const store of fills) void fill(store, found);
      },
    };
  }

  /** Hands what one cache has to another that has not; the answer does not wait. */
  async function fill(store: Fill, { record, body }: Delivered): Promise<void> {
    try {
      await store(body ? { record, body } : { record });
    } catch (err) {
      log.warn({ err, key: record.key }, "a cache was not filled");
    }
  }

  /** An original that no cache keeps the bytes of is read again, from a copy or where it lies. */
  function withOriginal<D extends Delivered>(delivered: D, asset: Asset): D {
    const facts = delivered.record.sources[0];
    if (delivered.body || !delivered.record.original || !facts) return delivered;
    const body = originalAgain(services, asset, facts);
    return body ? { ...delivered, body } : delivered;
  }

  async function miss(
    exchange: Exchange,
    job: Job,
    key: string,
    stale: Delivered | undefined,
  ): Promise<Answer> {
    const trusted = isTrusted(exchange);
    const name = `${key} ${trusted} ${bans.ofJob(job, key)}`;
    const since = bans.now();
    const trace = currentTrace() ?? traceOf(exchange.request.header("traceparent"));
    const confirmed = stale ? undefined : await inTrace(trace, () => confirm(exchange, job, key));
    if (confirmed) return confirmed;
    const collapsed = flights.has(name);
    const forward = stale ? "stale" : "miss";
    try {
      const fly = (end: AbortSignal) =>
        flights.join(name, end, (signal) =>
          inTrace(trace, () => makeOnce({ job, key, trusted, ...(stale ? { stale } : {}) }, signal)),
        );
      const polls = polling.of(exchange);
      const failed = (error: unknown) => remember(key, job, error, since);
      const made =
        polls && isHeldVideo(job)
          ? await polling.hold(name, exchange, polls, { fly, failed })
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
        exchange.lifetime = limits.failureLifetime;
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
      tell(exchange, make.spansOf(error));
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

  /** The same wish may come at once to several processes of this server, and to several machines. */
  function makeOnce(wish: Wish, signal: AbortSignal): Promise<Made> {
    const { once } = services;
    const { job, key, trusted } = wish;
    // To confirm a rendition costs less than to wait for another process.
    if (wish.stale) return make(wish, signal);
    if (!once) return across(wish, signal, () => make(wish, signal));
    const since = bans.now();
    return once(
      `${engines} ${key} ${trusted}`,
      { signal, since: bans.timeOfJob(job, key) },
      () => across(wish, signal, () => make(wish, signal)),
      ({ record, body }) => {
        const stored = hooks.store.isUsed() && !bans.isBanned(record, since);
        if (stored) void hooks.store.promise(record, body);
        return { record, ...(body ? { body } : {}), spans: createSpans(), stored, joined: true };
      },
    );
  }

  /**
   * A client that holds a rendition of this wish asks whether it is still right, and nothing of it is known here any
   * more: the origin's validators tell, without download or transform.
   */
  async function confirm(exchange: Exchange, job: Job, key: string): Promise<Delivered | undefined> {
    const held = exchange.request.header("if-none-match");
    const wish = held && wishTag(key, engines);
    if (!wish || !held.includes(`"${wish}.`) || held.includes(`"${wish}.${COMPOSED_TAG}`)) return undefined;
    const trusted = isTrusted(exchange);
    const facts = await confirmations.join(
      `${key} ${trusted} ${bans.ofJob(job, key)}`,
      exchange.signal,
      async (signal) => {
        const flight = createFlight(services, { key, asset: job.asset, signal });
        const answer = await hooks.fetch.promise(job.asset, { head: true }, flight).catch(() => undefined);
        if (!answer || typeof answer === "symbol") return undefined;
        await answer.close();
        return answer.facts.private ? undefined : answer.facts;
      },
    );
    const original = held.includes(`.${ORIGINAL_TAG}`);
    const etag = facts && etagOf(key, engines, [facts], { original });
    const form = etag && heldForm(held, etag, exchange);
    if (!form) return undefined;
    exchange.cache = { hit: false, forward: "miss", revalidated: true };
    return { record: confirmedRecord(key, form, facts, original) };
  }

  function confirmedRecord(
    key: string,
    etag: string,
    facts: SourceFacts,
    original: boolean,
  ): RenditionRecord {
    const now = Date.now();
    return {
      key,
      engines,
      type: original ? originalType(facts) : "application/octet-stream",
      format: "confirmed",
      etag,
      ...(facts.lastModified === undefined ? {} : { lastModified: facts.lastModified }),
      sources: [facts],
      stored: now,
      freshUntil: now,
      private: false,
      original,
    };
  }

  /** What a plugin offers to be served now, while the wish itself takes its time behind it. */
  async function insteadOf(exchange: Exchange, job: Job): Promise<Answer | undefined> {
    // Without a cache nobody would ever get what is made behind the answer.
    if (!hooks.substitute.isUsed() || !hooks.store.isUsed()) return undefined;
    const offered = await hooks.substitute.promise(job, {});
    if (!offered) return undefined;
    const { job: instead, key } = resolve.complete(offered.job);
    const delivered = await obtain(exchange, instead, key, { final: true });
    exchange.provenance = offered.provenance;
    exchange.lifetime = offered.lifetime;
    const { behind } = offered;
    if (behind) {
      background(behind, new AbortController().signal).catch((err: unknown) => {
        log.debug({ err, key: exchange.key }, "work behind an answer failed");
      });
    }
    return delivered;
  }

  /** Another asset for one that is missing, if the URL or a plugin names one. */
  async function substitute(exchange: Exchange, job: Job, error: MediaError): Promise<Answer> {
    if (error.status !== 404) throw error;
    const offered = await hooks.substitute.promise(job, { error });
    const { fallback, ...delivery } = job.delivery;
    const instead = offered?.job ?? (fallback && { ...job, asset: fallback, delivery });
    if (!instead) throw error;
    const { key } = resolve.complete(instead);
    const delivered = await obtain(exchange, instead, key).catch(() => Promise.reject(error));
    exchange.provenance = offered?.provenance ?? "fallback";
    exchange.lifetime = offered?.lifetime ?? FALLBACK_LIFETIME;
    return delivered;
  }

  /** Keeps a failure for a while, so that an outage is not asked about with every request. */
  function remember(key: string, job: Job, error: unknown, since: number): void {
    if (!isMediaError(error) || error.status >= 500 || isChanged(error) || !hooks.store.isUsed()) return;
    const endpoint = services.endpoints.get(endpointId(job.asset));
    const asked =
      endpoint?.origins.map((name) => origins.get(name)?.storage.freshFor ?? Number.POSITIVE_INFINITY) ?? [];
    const lifetime = Math.min(errorLifetime(error, limits), ...asked);
    if (lifetime <= 0) return;
    const tags = endpoint && endpoint.tags.length > 0 ? { tags: endpoint.tags } : {};
    const record = { ...errorRecord(key, job.asset, engines, error, lifetime), ...tags };
    if (!bans.isBanned(record, since)) void hooks.store.promise(record, undefined);
  }

  /** Asks behind an answer whether what was served still holds; one at a time, and not again at once where that fails. */
  function revalidate(wish: Wish): void {
    const { job, key, trusted } = wish;
    const name = `${key} ${trusted} ${bans.ofJob(job, key)}`;
    if (flights.has(name) || resting.has(name)) return;
    const since = bans.now();
    flights
      .join(name, new AbortController().signal, (signal) => across(wish, signal, () => make(wish, signal)))
      .then((made) => made.body?.close?.())
      .catch((error: unknown) => {
        resting.set(name, true);
        log.debug({ err: error, key }, "a rendition was not confirmed behind an answer");
        if (!isOriginFailure(error)) remember(key, job, error, since);
      });
  }

  /** Work that no request waits for. */
  async function background(job: Job, signal: AbortSignal): Promise<void> {
    const { job: done, key } = resolve.complete(job);
    await flights.join(`${key} true ${bans.ofJob(done, key)}`, signal, (end) =>
      makeOnce({ job: done, key, trusted: true }, end),
    );
  }

  /** A rendition that no request waits for, from a cache, else made; resolves once caches have been handed it whole. */
  async function obtainBehind(job: Job, signal: AbortSignal): Promise<Obtained> {
    const { job: done, key } = resolve.complete(job);
    if (done.problem) throw new MediaError(done.problem.code, done.problem.message);
    const question = questionOf(key, false);
    const found = hooks.lookup.isUsed() ? await question.ask(true) : undefined;
    if (found?.record.error) throw errorOf(found.record.error);
    if (found?.body) {
      question.fill(found);
      return { record: found.record, body: found.body, hit: true };
    }
    const { stale } = question;
    const since = bans.now();
    try {
      const made = await flights.join(`${key} true ${bans.ofJob(done, key)}`, signal, (end) =>
        makeOnce({ job: done, key, trusted: true, ...(stale?.body ? { stale } : {}) }, end),
      );
      return { ...(await wholeAndKept(made, signal)), hit: false };
    } catch (error) {
      if (!signal.aborted) remember(key, done, error, since);
      throw error;
    }
  }

  return { answer, explain: createExplain(services), resolve, background, obtainBehind, flights };
}

export type Pipeline = ReturnType<typeof createPipeline>;

type Fill = Parameters<Lookup["fill"]>[0];

/** Whether an entry has lost a body that caches keep: failures have none, and large originals are not kept. */
function lacksBody({ record, body }: Delivered): boolean {
  if (body || record.error) return false;
  return !record.original || (record.length ?? Number.POSITIVE_INFINITY) <= SMALL;
}

/** A failure that caches remember. */
function errorOf({ code, message, ...more }: NonNullable<RenditionRecord["error"]>): MediaError {
  return new MediaError(code, message, more);
}

/** What grows may be joined until caches have it: else whoever comes in between would have it made again. */
function untilKept(made: Made): Promise<unknown> | undefined {
  return made.grown?.then(({ kept }) => kept);
}

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

/** The client's own form of a tag: as it is, or with the content coding that this request would get. */
function heldForm(held: string, etag: string, { request }: Exchange): string | undefined {
  const coding = codingOf(request.header("accept-encoding"));
  return [...(coding ? [codedTag(etag, coding)] : []), etag].find((form) => matches(held, form));
}

/** What the origins said, where that is known: they may have been asked in vain, or not at all. */
function statusAt(error: unknown): number | undefined {
  return isMediaError(error) && error.code === "ENOENT" ? 404 : undefined;
}

/** A failure of an origin other than "not here" and "denied": a stale copy serves better than it. */
function isOriginFailure(error: unknown): boolean {
  return isMediaError(error) && ["ECONNREFUSED", "UNIDENTIFIED", "ETIMEDOUT", "EBUSY"].includes(error.code);
}
