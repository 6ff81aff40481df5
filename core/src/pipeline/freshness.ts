import { type CacheControl, lifetimeOf, parseCacheControl } from "../model/control.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { RenditionRecord } from "../model/rendition.ts";
import type { SourceFacts } from "../model/source.ts";

/** How long a rendition may be kept, and what its answers say of that. */
export interface Keeping {
  /** Caches may have it. */
  readonly store: boolean;
  /** The fields of its record. */
  readonly fields: Pick<RenditionRecord, "freshUntil" | "staleFor" | "errorFor" | "control" | "age">;
}

/** Lifetimes are shortened by up to this part, so that what was made together is not asked for again together. */
const JITTER = 0.1;

/** The least time between two questions about what nobody may keep. */
const LEAST = 60_000;

/** How long origins need not be asked again about what an endpoint delivers; a minute where it forbids keeping. */
export function freshnessOf(endpoint: Pick<Endpoint, "cacheControl">): number {
  return Math.max(lifetimeOf(endpoint.cacheControl), LEAST);
}

/**
 * How long a rendition of these sources may be kept: by the endpoint's rule, or by what their origins say where the
 * endpoint follows them. What the strictest of them says holds for all.
 */
export function keepingOf(
  sources: readonly SourceFacts[],
  endpoint: Endpoint | undefined,
  now = Date.now(),
): Keeping {
  if (!endpoint) return { store: true, fields: { freshUntil: now } };
  const said = endpoint.originCacheControl === "ignore" ? [] : sources.map(saidBy);
  const store = !said.some(({ noStore, private: isPrivate }) => noStore || isPrivate);
  const follows = endpoint.originCacheControl === "follow" && said.some(isTelling);
  const lifetime = follows ? leastOf(said.map(sharedLifetime)) : undefined;
  const age = Math.max(0, ...sources.map((facts) => facts.age ?? 0));
  const governed = Math.max(0, lifetime === undefined ? freshnessOf(endpoint) : lifetime - age);
  // A place that is cheap to ask is asked, instead of serving what is past its time.
  const cheap = sources.some(({ freshFor }) => freshFor !== undefined && freshFor < governed);
  const fresh = Math.min(governed, ...sources.map(({ freshFor }) => freshFor ?? governed));
  const freshUntil = now + Math.round(fresh * (1 - JITTER * Math.random()));
  const strict = follows && said.some(({ mustRevalidate, noCache }) => mustRevalidate || noCache);
  const isKept = lifetime !== undefined || lifetimeOf(endpoint.cacheControl) > 0;
  const behind = follows ? leastOf(said.map((by) => by.staleWhileRevalidate)) : undefined;
  const onError = follows ? leastOf(said.map((by) => by.staleIfError)) : undefined;
  const behindFor = Math.min(behind ?? governed, endpoint.staleWhileRevalidate);
  const control = controlOf(said, endpoint, { follows, strict });
  return {
    store,
    fields: {
      freshUntil,
      staleFor: strict || cheap || !isKept ? 0 : behindFor,
      errorFor: strict ? 0 : Math.min(onError ?? endpoint.staleIfError, endpoint.staleIfError),
      ...(control === undefined ? {} : { control }),
      ...(follows && age > 0 ? { age } : {}),
    },
  };
}

/** By how many milliseconds the clocks of machines that share a cache may differ. */
const MAX_CLOCK_SKEW_MS = 10_000;

/** Whether an entry was stored in the future: the clock was set back meanwhile, and its age is unknown. */
export function isFromFuture({ stored }: Pick<RenditionRecord, "stored">, now = Date.now()): boolean {
  return stored - now > MAX_CLOCK_SKEW_MS;
}

/** Milliseconds since an entry ceased to be fresh; below zero: it is fresh. One from the future ceases to be fresh now. */
export function overdueOf(record: Pick<RenditionRecord, "stored" | "freshUntil">, now = Date.now()): number {
  return isFromFuture(record, now) ? 0 : now - record.freshUntil;
}

/** Whether a stale entry may be served at once while its origin is asked in the background. */
export function servesBehind(
  record: RenditionRecord,
  { staleWhileRevalidate }: Endpoint,
  now = Date.now(),
): boolean {
  const overdue = overdueOf(record, now);
  return overdue >= 0 && overdue < Math.min(record.staleFor ?? 0, staleWhileRevalidate);
}

/** Whether a stale entry may stand in for an origin that fails. */
export function servesOnError(record: RenditionRecord, now = Date.now()): boolean {
  return record.errorFor === undefined || overdueOf(record, now) < record.errorFor;
}

/** Seconds since the answer that a record tells of left its origin (RFC 9111 §4.2.3). */
export function ageOf({ stored, age = 0 }: RenditionRecord, now = Date.now()): number {
  return Math.floor((Math.max(0, now - stored) + age) / 1000);
}

/** What an origin says of one source: `Expires` counts where `Cache-Control` names no time (RFC 9111 §5.3). */
function saidBy({ cacheControl = "", expiresIn }: SourceFacts): CacheControl {
  const said = parseCacheControl(cacheControl);
  const silent = said.maxAge === undefined && said.sharedMaxAge === undefined;
  return silent && expiresIn !== undefined ? { ...said, maxAge: expiresIn } : said;
}

function isTelling(said: CacheControl): boolean {
  return said.noStore || said.private || said.noCache || sharedLifetime(said) !== undefined;
}

function sharedLifetime({ noCache, sharedMaxAge, maxAge }: CacheControl): number | undefined {
  return noCache ? 0 : (sharedMaxAge ?? maxAge);
}

function leastOf(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** `Cache-Control` of the answers, where it is not the endpoint's: put together anew, no word of an origin gets out. */
function controlOf(
  said: readonly CacheControl[],
  endpoint: Endpoint,
  { follows, strict }: { follows: boolean; strict: boolean },
): string | undefined {
  if (said.some(({ noStore }) => noStore)) return "no-store";
  const isPrivate = said.some(({ private: by }) => by);
  if (!follows) return isPrivate ? privately(endpoint.cacheControl) : undefined;
  const time = (word: string, times: readonly (number | undefined)[]) => {
    const least = leastOf(times);
    return least === undefined ? undefined : `${word}=${Math.floor(least / 1000)}`;
  };
  return [
    isPrivate ? "private" : "public",
    said.some(({ noCache }) => noCache)
      ? "no-cache"
      : time(
          "max-age",
          said.map((by) => by.maxAge ?? by.sharedMaxAge),
        ),
    isPrivate
      ? undefined
      : time(
          "s-maxage",
          said.map((by) => by.sharedMaxAge),
        ),
    strict || isPrivate ? "must-revalidate" : undefined,
    isPrivate || strict
      ? undefined
      : time(
          "stale-while-revalidate",
          said.map((by) => by.staleWhileRevalidate),
        ),
    isPrivate || strict
      ? undefined
      : time(
          "stale-if-error",
          said.map((by) => by.staleIfError),
        ),
  ]
    .filter((part) => part !== undefined)
    .join(", ");
}

/** The same lifetime, for the client's own cache alone; what not even that may keep stays so. */
export function privately(cacheControl: string): string {
  const { noStore, noCache, maxAge } = parseCacheControl(cacheControl);
  if (noStore) return "private, no-store";
  const time = maxAge === undefined ? undefined : `max-age=${maxAge / 1000}`;
  return ["private", noCache ? "no-cache" : time, "must-revalidate"]
    .filter((part) => part !== undefined)
    .join(", ");
}
