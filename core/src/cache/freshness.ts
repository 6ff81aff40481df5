import { type CacheControl, lifetimeOf, parseCacheControl, parseTargetedControl } from "../model/control.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { RenditionRecord } from "../model/rendition.ts";
import type { SourceMetadata } from "../model/source.ts";

/** How long a rendition may be stored, and the directives of its responses. */
export interface CachePolicy {
  /** Caches may store it. */
  readonly store: boolean;
  /** The fields of its record. */
  readonly fields: Pick<
    RenditionRecord,
    "freshUntil" | "staleFor" | "errorFor" | "control" | "cdnControl" | "age"
  >;
}

/** Lifetimes are shortened by up to this part, so that entries stored together do not expire together. */
const JITTER = 0.1;

/** The directives of an origin for one source: for shared caches, such as ours, and for clients. */
interface OriginControl {
  readonly shared: CacheControl;
  readonly clients: CacheControl;
  /** `shared` comes from a `CDN-Cache-Control`, which is not for clients. */
  readonly isTargeted: boolean;
}

/**
 * How long a rendition of these sources may be stored: by the endpoint's rule, or by the directives of their origins if the
 * endpoint follows them. The strictest of them decides.
 */
export function cachePolicyOf(
  sources: readonly SourceMetadata[],
  endpoint: Endpoint | undefined,
  now = Date.now(),
): CachePolicy {
  if (!endpoint) return { store: true, fields: { freshUntil: now } };
  const { originCacheControl } = endpoint;
  const usesOriginControl = originCacheControl === "follow";
  const [alone] = sources.length === 1 ? sources : [];
  const directives = (originCacheControl === "ignore" ? [] : sources).map((metadata) =>
    alone ? originControlOf(metadata) : remainingControl(originControlOf(metadata), metadata.age),
  );
  const shared = directives.map((by) => by.shared);
  const store = !shared.some(({ noStore, private: isPrivate }) => noStore || isPrivate);
  const rule = lifetimeOf(endpoint.cacheControl);
  const hasLifetime = usesOriginControl && shared.some((by) => sharedLifetime(by) !== undefined);
  // A source without a lifetime has the endpoint's.
  const lifetime = hasLifetime ? Math.min(...shared.map((by) => sharedLifetime(by) ?? rule)) : undefined;
  const age = hasLifetime ? (alone?.age ?? 0) : 0;
  const governed = Math.max(0, (lifetime ?? rule) - age);
  // An origin that is cheap to ask is asked, instead of serving a stale entry.
  const cheap = sources.some(({ freshFor }) => freshFor !== undefined && freshFor < governed);
  const fresh = Math.min(governed, ...sources.map(({ freshFor }) => freshFor ?? governed));
  const freshUntil = now + Math.round(fresh * (1 - JITTER * Math.random()));
  const isCacheable = hasLifetime || rule > 0;
  const limiting = usesOriginControl ? shared : [];
  const staleLimit = leastOf(limiting.map((by) => staleTime(by, by.staleWhileRevalidate) ?? governed));
  const errorLimit = leastOf(limiting.map((by) => staleTime(by, by.staleIfError)));
  const staleFor = Math.min(staleLimit ?? governed, endpoint.staleWhileRevalidate);
  const control = controlOf(directives, endpoint);
  const cdnControl = cdnControlOf(directives, lifetime);
  return {
    store,
    fields: {
      freshUntil,
      staleFor: cheap || !isCacheable ? 0 : staleFor,
      errorFor: Math.min(errorLimit ?? endpoint.staleIfError, endpoint.staleIfError),
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
  const { shared } = originControlOf(metadata);
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

/** Whether a stale entry may be served while it is revalidated in the background. */
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

/** Seconds since the response that a record describes left its origin (RFC 9111 §4.2.3). */
export function ageOf({ stored, age = 0 }: RenditionRecord, now = Date.now()): number {
  return Math.floor((Math.max(0, now - stored) + age) / 1000);
}

/**
 * The directives for one source. `Expires` counts if `Cache-Control` has no time (RFC 9111 §5.3), and neither counts
 * for shared caches if there is a `CDN-Cache-Control` (RFC 9213 §2.2).
 */
function originControlOf({ cacheControl = "", cdnCacheControl, expiresIn }: SourceMetadata): OriginControl {
  const directives = parseCacheControl(cacheControl);
  const isSilent = directives.maxAge === undefined && directives.sharedMaxAge === undefined;
  const clients = isSilent && expiresIn !== undefined ? { ...directives, maxAge: expiresIn } : directives;
  const targeted = cdnCacheControl === undefined ? undefined : parseTargetedControl(cdnCacheControl);
  return { clients, shared: targeted ?? clients, isTargeted: targeted !== undefined };
}

/** What is left of lifetimes: a rendition of several sources, of different ages, is new. */
function remainingControl({ shared, clients, isTargeted }: OriginControl, age = 0): OriginControl {
  const remaining = ({ maxAge, sharedMaxAge, ...directives }: CacheControl): CacheControl => ({
    ...directives,
    ...(maxAge !== undefined && { maxAge: Math.max(0, maxAge - age) }),
    ...(sharedMaxAge !== undefined && { sharedMaxAge: Math.max(0, sharedMaxAge - age) }),
  });
  return { shared: remaining(shared), clients: remaining(clients), isTargeted };
}

function hasDirectives(directives: CacheControl): boolean {
  return (
    directives.noStore || directives.private || directives.noCache || sharedLifetime(directives) !== undefined
  );
}

function sharedLifetime({ noCache, sharedMaxAge, maxAge }: CacheControl): number | undefined {
  return noCache ? 0 : (sharedMaxAge ?? maxAge);
}

/**
 * For how long an origin allows a stale response; `undefined`: it does not limit that. `s-maxage` forbids it as
 * `proxy-revalidate` does (RFC 9111 §5.2.2.10), unless a time is named beside it.
 */
function staleTime(directives: CacheControl, named: number | undefined): number | undefined {
  if (directives.mustRevalidate || directives.noCache) return 0;
  return directives.sharedMaxAge === undefined ? named : (named ?? 0);
}

function leastOf(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** `Cache-Control` of the responses, if it is not the endpoint's. */
function controlOf(directives: readonly OriginControl[], endpoint: Endpoint): string | undefined {
  const own = directives.map((by) => by.clients);
  if (own.some(({ noStore }) => noStore)) return "no-store";
  const { cacheControl, originCacheControl } = endpoint;
  if (originCacheControl !== "follow")
    return own.some((by) => by.private) ? privately(cacheControl) : undefined;
  const rule = parseCacheControl(cacheControl);
  // If an origin sends directives for CDNs alone, the endpoint's rule holds for clients.
  if (!own.some(hasDirectives))
    return own.some((by) => by.mustRevalidate) && !rule.mustRevalidate
      ? `${cacheControl}, must-revalidate`
      : undefined;
  const clients = own.map((by) =>
    hasDirectives(by) ? by : { ...rule, mustRevalidate: rule.mustRevalidate || by.mustRevalidate },
  );
  if (clients.some(({ noStore }) => noStore)) return "no-store";
  return textOf(clients, clients.some((by) => by.private) ? "private" : "public");
}

/** `CDN-Cache-Control` of the responses, if an origin has sent one. What our caches must not store, others must not store either. */
function cdnControlOf(directives: readonly OriginControl[], maxAge: number | undefined): string | undefined {
  if (!directives.some(({ isTargeted }) => isTargeted)) return undefined;
  const shared = directives.map((by) => by.shared);
  if (shared.some(({ noStore, private: isPrivate }) => noStore || isPrivate)) return "no-store";
  // There is one kind of caches that reads it, so one lifetime.
  return maxAge === undefined
    ? undefined
    : textOf(shared.map(({ sharedMaxAge: _, ...by }) => ({ ...by, maxAge })));
}

/** The strictest directives of several sources. Printed from parsed values, so nothing else that an origin sent is passed on. */
function textOf(directives: readonly CacheControl[], visibility?: "private" | "public"): string {
  const isPrivate = visibility === "private";
  const noCache = directives.some((by) => by.noCache);
  const strict = isPrivate || noCache || directives.some((by) => by.mustRevalidate);
  const time = (directive: string, milliseconds: number | undefined) =>
    milliseconds === undefined ? undefined : `${directive}=${Math.floor(milliseconds / 1000)}`;
  /** What one of them does not allow, none does. */
  const stale = (directive: string, key: "staleWhileRevalidate" | "staleIfError") =>
    strict || directives.some((by) => by[key] === undefined)
      ? undefined
      : time(directive, leastOf(directives.map((by) => by[key])));
  const hasShared = !isPrivate && directives.some(({ sharedMaxAge }) => sharedMaxAge !== undefined);
  return [
    visibility,
    noCache ? "no-cache" : time("max-age", leastOf(directives.map(({ maxAge }) => maxAge))),
    hasShared && !noCache ? time("s-maxage", leastOf(directives.map(sharedLifetime))) : undefined,
    strict ? "must-revalidate" : undefined,
    stale("stale-while-revalidate", "staleWhileRevalidate"),
    stale("stale-if-error", "staleIfError"),
  ]
    .filter((part) => part !== undefined)
    .join(", ");
}

/** The same lifetime, for the client's own cache alone; `no-store` stays. */
export function privately(cacheControl: string): string {
  const { noStore, noCache, maxAge } = parseCacheControl(cacheControl);
  if (noStore) return "private, no-store";
  const time = maxAge === undefined ? undefined : `max-age=${maxAge / 1000}`;
  return ["private", noCache ? "no-cache" : time, "must-revalidate"]
    .filter((part) => part !== undefined)
    .join(", ");
}
