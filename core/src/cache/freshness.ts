import { type CacheControl, lifetimeOf, parseCacheControl, parseTargetedControl } from "../model/control.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { RenditionRecord } from "../model/rendition.ts";
import type { SourceMetadata } from "../model/source.ts";

/** How long a rendition may be kept, and what its answers say of that. */
export interface CachePolicy {
  /** Caches may have it. */
  readonly store: boolean;
  /** The fields of its record. */
  readonly fields: Pick<
    RenditionRecord,
    "freshUntil" | "staleFor" | "errorFor" | "control" | "cdnControl" | "age"
  >;
}

/** Lifetimes are shortened by up to this part, so that what was made together is not asked for again together. */
const JITTER = 0.1;

/** What an origin says of one source: to shared caches, such as ours, and to clients. */
interface Said {
  readonly shared: CacheControl;
  readonly clients: CacheControl;
  /** `shared` is of a `CDN-Cache-Control`, and not what clients are told. */
  readonly isTargeted: boolean;
}

/**
 * How long a rendition of these sources may be kept: by the endpoint's rule, or by what their origins say where the
 * endpoint follows them. What the strictest of them says holds for all.
 */
export function cachePolicyOf(
  sources: readonly SourceMetadata[],
  endpoint: Endpoint | undefined,
  now = Date.now(),
): CachePolicy {
  if (!endpoint) return { store: true, fields: { freshUntil: now } };
  const { originCacheControl } = endpoint;
  const isFollowed = originCacheControl === "follow";
  const [alone] = sources.length === 1 ? sources : [];
  const said = (originCacheControl === "ignore" ? [] : sources).map((metadata) =>
    alone ? saidBy(metadata) : restOf(saidBy(metadata), metadata.age),
  );
  const shared = said.map((by) => by.shared);
  const store = !shared.some(({ noStore, private: isPrivate }) => noStore || isPrivate);
  const rule = lifetimeOf(endpoint.cacheControl);
  const hasLifetime = isFollowed && shared.some((by) => sharedLifetime(by) !== undefined);
  // A source without a lifetime has the endpoint's.
  const lifetime = hasLifetime ? Math.min(...shared.map((by) => sharedLifetime(by) ?? rule)) : undefined;
  const age = hasLifetime ? (alone?.age ?? 0) : 0;
  const governed = Math.max(0, (lifetime ?? rule) - age);
  // A place that is cheap to ask is asked, instead of serving what is stale.
  const cheap = sources.some(({ freshFor }) => freshFor !== undefined && freshFor < governed);
  const fresh = Math.min(governed, ...sources.map(({ freshFor }) => freshFor ?? governed));
  const freshUntil = now + Math.round(fresh * (1 - JITTER * Math.random()));
  const isKept = hasLifetime || rule > 0;
  const limiting = isFollowed ? shared : [];
  const behind = leastOf(limiting.map((by) => staleTime(by, by.staleWhileRevalidate) ?? governed));
  const onError = leastOf(limiting.map((by) => staleTime(by, by.staleIfError)));
  const behindFor = Math.min(behind ?? governed, endpoint.staleWhileRevalidate);
  const control = controlOf(said, endpoint);
  const cdnControl = cdnControlOf(said, lifetime);
  return {
    store,
    fields: {
      freshUntil,
      staleFor: cheap || !isKept ? 0 : behindFor,
      errorFor: Math.min(onError ?? endpoint.staleIfError, endpoint.staleIfError),
      ...(control === undefined ? {} : { control }),
      ...(cdnControl === undefined ? {} : { cdnControl }),
      ...(age > 0 ? { age } : {}),
    },
  };
}

/** What an origin's directives allow for a stored original, in milliseconds. Left out: they name no time. */
export function policyOfOriginal(metadata: SourceMetadata): {
  readonly lifetime: number | undefined;
  /** Time after that in which it may be used if the origin fails. */
  readonly errorFor: number | undefined;
} {
  const { shared } = saidBy(metadata);
  return { lifetime: sharedLifetime(shared), errorFor: staleTime(shared, shared.staleIfError) };
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
export function servesWhileRevalidating(
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

/**
 * What an origin says of one source. `Expires` counts where `Cache-Control` names no time (RFC 9111 §5.3), and neither counts
 * for shared caches where `CDN-Cache-Control` is there (RFC 9213 §2.2).
 */
function saidBy({ cacheControl = "", cdnCacheControl, expiresIn }: SourceMetadata): Said {
  const said = parseCacheControl(cacheControl);
  const isSilent = said.maxAge === undefined && said.sharedMaxAge === undefined;
  const clients = isSilent && expiresIn !== undefined ? { ...said, maxAge: expiresIn } : said;
  const targeted = cdnCacheControl === undefined ? undefined : parseTargetedControl(cdnCacheControl);
  return { clients, shared: targeted ?? clients, isTargeted: targeted !== undefined };
}

/** What is left of lifetimes: a rendition of several sources, of different ages, is new. */
function restOf({ shared, clients, isTargeted }: Said, age = 0): Said {
  const rest = ({ maxAge, sharedMaxAge, ...said }: CacheControl): CacheControl => ({
    ...said,
    ...(maxAge !== undefined && { maxAge: Math.max(0, maxAge - age) }),
    ...(sharedMaxAge !== undefined && { sharedMaxAge: Math.max(0, sharedMaxAge - age) }),
  });
  return { shared: rest(shared), clients: rest(clients), isTargeted };
}

function isTelling(said: CacheControl): boolean {
  return said.noStore || said.private || said.noCache || sharedLifetime(said) !== undefined;
}

function sharedLifetime({ noCache, sharedMaxAge, maxAge }: CacheControl): number | undefined {
  return noCache ? 0 : (sharedMaxAge ?? maxAge);
}

/**
 * For how long an origin lets a stale answer be served, where it says so. `s-maxage` forbids it as `proxy-revalidate` does
 * (RFC 9111 §5.2.2.10), unless a time is named beside it.
 */
function staleTime(said: CacheControl, named: number | undefined): number | undefined {
  if (said.mustRevalidate || said.noCache) return 0;
  return said.sharedMaxAge === undefined ? named : (named ?? 0);
}

function leastOf(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** `Cache-Control` of the answers, where it is not the endpoint's. */
function controlOf(said: readonly Said[], endpoint: Endpoint): string | undefined {
  const own = said.map((by) => by.clients);
  if (own.some(({ noStore }) => noStore)) return "no-store";
  const { cacheControl, originCacheControl } = endpoint;
  if (originCacheControl !== "follow")
    return own.some((by) => by.private) ? privately(cacheControl) : undefined;
  const rule = parseCacheControl(cacheControl);
  // An origin that speaks to CDNs alone leaves clients to the endpoint.
  if (!own.some(isTelling))
    return own.some((by) => by.mustRevalidate) && !rule.mustRevalidate
      ? `${cacheControl}, must-revalidate`
      : undefined;
  const clients = own.map((by) =>
    isTelling(by) ? by : { ...rule, mustRevalidate: rule.mustRevalidate || by.mustRevalidate },
  );
  if (clients.some(({ noStore }) => noStore)) return "no-store";
  return textOf(clients, clients.some((by) => by.private) ? "private" : "public");
}

/** `CDN-Cache-Control` of the answers, where an origin has sent one: what it keeps from our caches is kept from others, too. */
function cdnControlOf(said: readonly Said[], maxAge: number | undefined): string | undefined {
  if (!said.some(({ isTargeted }) => isTargeted)) return undefined;
  const shared = said.map((by) => by.shared);
  if (shared.some(({ noStore, private: isPrivate }) => noStore || isPrivate)) return "no-store";
  // There is one kind of caches that reads it, so one lifetime.
  return maxAge === undefined
    ? undefined
    : textOf(shared.map(({ sharedMaxAge: _, ...by }) => ({ ...by, maxAge })));
}

/** Directives that say what the strictest of several sources say: put together again, no other word of an origin gets out. */
function textOf(said: readonly CacheControl[], visibility?: "private" | "public"): string {
  const isPrivate = visibility === "private";
  const noCache = said.some((by) => by.noCache);
  const strict = isPrivate || noCache || said.some((by) => by.mustRevalidate);
  const time = (directive: string, milliseconds: number | undefined) =>
    milliseconds === undefined ? undefined : `${directive}=${Math.floor(milliseconds / 1000)}`;
  /** What one of them does not allow, none does. */
  const stale = (directive: string, key: "staleWhileRevalidate" | "staleIfError") =>
    strict || said.some((by) => by[key] === undefined)
      ? undefined
      : time(directive, leastOf(said.map((by) => by[key])));
  const hasShared = !isPrivate && said.some(({ sharedMaxAge }) => sharedMaxAge !== undefined);
  return [
    visibility,
    noCache ? "no-cache" : time("max-age", leastOf(said.map(({ maxAge }) => maxAge))),
    hasShared && !noCache ? time("s-maxage", leastOf(said.map(sharedLifetime))) : undefined,
    strict ? "must-revalidate" : undefined,
    stale("stale-while-revalidate", "staleWhileRevalidate"),
    stale("stale-if-error", "staleIfError"),
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
