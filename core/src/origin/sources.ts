import type { Logger } from "pino";
import type { PurgeRules } from "../cache/purge-rules.ts";
import type { Conditions, Hooks } from "../hooks.ts";
import { Stage } from "../hooks.ts";
import type { Asset } from "../model/asset.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import { type ErrorCode, MediaError, shortageOf } from "../model/errors.ts";
import { tenantOf } from "../model/purge-rule.ts";
import type { RenderContext } from "../model/render-context.ts";
import { type FileMetadata, NOT_MODIFIED, type OpenOptions, type Source } from "../model/source.ts";
import { createCoalescer } from "../util/coalescer.ts";
import { reasonOf } from "../util/log.ts";
import { TransientMap } from "../util/transient-map.ts";
import { createAttempts, type FetchResult, shown } from "./attempts.ts";
import type { Breakers } from "./breakers.ts";
import type { OriginEntry } from "./entry.ts";
import { hedged } from "./hedge.ts";
import { loopKey } from "./loop.ts";
import { type CopyClaim, originalIdOf, type SavedCopies } from "./saved-copies.ts";
import { type ByteBudget, createSource } from "./source.ts";

/** The most specific failure first: the one that counts if no origin has the file. */
const CODES_BY_SPECIFICITY: readonly ErrorCode[] = [
  "EBUSY",
  "ELIMIT",
  "EACCES",
  "ECONNREFUSED",
  "UNIDENTIFIED",
  "ENOENT",
];

/** The reason with which reading a closed source ends. Created once: an exception for each source takes longer than reading a small file. */
const CLOSED = new DOMException("The source was closed", "AbortError");

/** The validators are still valid; `reported`: metadata of the file in that response. */
interface Unmodified {
  readonly reported: FileMetadata;
}

interface Lease {
  readonly source: Source;
  users: number;
  /** Closed, or become one reader's own: not to be borrowed any more. */
  ended: boolean;
  end(): void;
  close(): Promise<void>;
}

interface OriginsParts {
  readonly hooks: Hooks;
  readonly origins: ReadonlyMap<string, OriginEntry>;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly budget: ByteBudget;
  readonly breakers: Breakers;
  readonly purgeRules: Pick<PurgeRules, "timeOfOriginal">;
  /** Left out: no cache stores originals. */
  readonly copies?: SavedCopies | undefined;
  readonly log: Logger;
}

/**
 * The core's own tap of `fetch`: asks the endpoint's origins in their order. "Not here" moves on; a failure moves on
 * and is counted by the breaker. The saved copy of an original comes before origins that are expensive to ask. One original that several
 * renders want at the same time is opened and downloaded once. Returns the tap.
 */
export function tapOrigins(parts: OriginsParts) {
  const { hooks, origins, endpoints, budget, breakers, purgeRules, copies, log } = parts;
  const opening = createCoalescer<Lease | Unmodified | undefined>();
  const leases = new TransientMap<string, Lease>();
  const attempt = createAttempts(hooks, log);

  const fetchFromOrigins = async (asset: Asset, conditions: Conditions, context: RenderContext) => {
    const { origin: only, except } = conditions;
    const all = candidates(asset, endpoints, origins);
    const wanted = all.filter(({ name }) => (only ?? name) === name && !except?.includes(name));
    const usesOriginControl = endpoints.get(endpointId(asset))?.originCacheControl === "follow";
    const copy = except
      ? undefined
      : await copies?.find(wanted, { asset, conditions, context, usesOriginControl });
    let isEarlier = copy !== undefined;
    return await tryInOrder(wanted, context.signal, async (origin): Promise<FetchResult> => {
      const { name, storage } = origin;
      const own = name === copy?.origin ? copy : undefined;
      if (own) isEarlier = false;
      // The library, and origins that are cheap to ask, may have the file by now.
      const isCheap = name === libraryOf(asset) || storage.freshFor !== undefined;
      if (isEarlier && !copy?.isDue && !isCheap) return undefined;
      const place = all.indexOf(origin) + 1;
      const attempted = (conditions: Conditions) =>
        attempt({ place, origin: name, asset, context }, () => fetchFrom(origin, asset, conditions, context));
      if (own?.isDue) return await own.validate(attempted);
      const saved = await own?.serve();
      if (saved) return saved;
      const found = await attempted(conditions);
      if (found && isEarlier) copy?.passOver();
      return found;
    });
  };
  hooks.fetch.tapPromise({ name: "origins", stage: Stage.origins }, fetchFromOrigins);
  return fetchFromOrigins;

  function libraryOf(asset: Asset): string | undefined {
    return endpoints.get(endpointId(asset))?.library;
  }

  async function fetchFrom(
    origin: OriginEntry,
    asset: Asset,
    conditions: Conditions,
    context: RenderContext,
  ): Promise<FetchResult> {
    const { ifNoneMatch, ifModifiedSince, held, onNotModified, head = false } = conditions;
    const id = originalIdOf(origin.name, origin.storage, asset);
    const { host } = id;
    const saved = head || origin.name === libraryOf(asset) ? undefined : copies;
    const isPlain = !conditions.except && ifNoneMatch === undefined && ifModifiedSince === undefined;
    // A source that was opened before a purge is not shared with requests after it.
    const since = purgeRules.timeOfOriginal({ tenant: tenantOf(origin.name), path: asset.path });
    const key = JSON.stringify([
      origin.name,
      asset.path,
      host,
      ifNoneMatch,
      ifModifiedSince,
      held && [held.private, held.cacheControl, held.cdnCacheControl],
      head,
      since,
      loopKey(),
    ]);
    const open = async (signal: AbortSignal): Promise<Lease | Unmodified | undefined> => {
      const claim = isPlain ? await saved?.claim(id, signal) : undefined;
      if (claim?.copy) return lend(key, claim.copy);
      let opened: Lease | Unmodified | undefined;
      try {
        opened = await openAt(signal, claim);
        return opened;
      } finally {
        if (!opened || "reported" in opened) claim?.release();
      }
    };
    const openAt = async (signal: AbortSignal, claim: CopyClaim | undefined) => {
      const breaker = breakers.of(origin, asset);
      let reported: FileMetadata = {};
      const options: Omit<OpenOptions, "signal"> = {
        onNotModified: (metadata) => {
          reported = metadata;
        },
        host,
        ifNoneMatch,
        ifModifiedSince,
        held,
        head,
      };
      const openHere = (options: OpenOptions) =>
        // What this machine lacks is no failure of the origin, whatever the storage makes of it.
        origin.storage.open(asset.path, options).catch((error: unknown) => {
          throw shortageOf(error) ?? error;
        });
      const entry = await breakers.pauses.run([origin.fingerprint, asset.path, host], () =>
        breaker.run(
          () => {
            const open = (signal: AbortSignal) => openHere({ ...options, signal });
            return origin.hedge === undefined ? open(signal) : hedged(origin.hedge, signal, open);
          },
          (result) => typeof result !== "object" || head || result.file !== undefined,
        ),
      );
      if (!entry) return undefined;
      if (entry === NOT_MODIFIED) return { reported };
      if (signal.aborted) {
        await entry.close?.();
        throw signal.reason;
      }
      const { file: _, bytes: __, body: ___, close: ____, ...fields } = entry;
      const freshFor = fields.freshFor ?? origin.storage.freshFor;
      const metadata = {
        ...fields,
        ...(freshFor === undefined ? {} : { freshFor }),
        origin: origin.name,
        path: asset.path,
        ...(host !== undefined && { host }),
        fetched: Date.now(),
      };
      const tee = entry.file === undefined ? saved?.tee(metadata, claim) : undefined;
      if (!tee) claim?.release();
      const gone = new AbortController();
      const source = createSource({
        entry,
        metadata,
        open: (options) => openHere({ host, ...options }),
        signal: gone.signal,
        budget,
        tee,
        onComplete: breaker.worked,
        onOutage(error) {
          breaker.failed(error);
          const line = { origin: origin.name, path: shown(asset), reason: reasonOf(error) };
          log.warn(line, "the response of an origin was truncated");
        },
        mayHandOver() {
          if (lease.users > 1) return false;
          lease.end();
          return true;
        },
      });
      const lease = lend(key, source, () => {
        gone.abort(CLOSED);
        if (!tee?.isUsed) claim?.release();
      });
      return lease;
    };
    const lease = leases.get(key) ?? (await opening.run(key, { signal: context.signal }, open));
    if (lease === undefined) return undefined;
    if ("reported" in lease) {
      onNotModified?.(lease.reported);
      return NOT_MODIFIED;
    }
    // It may have ended between the moment it was opened and this render's turn.
    return lease.ended ? fetchFrom(origin, asset, conditions, context) : borrow(lease, context.signal);
  }

  function lend(key: string, source: Source, onClose = () => {}): Lease {
    const lease: Lease = {
      source,
      users: 0,
      ended: false,
      end() {
        lease.ended = true;
        if (leases.get(key) === lease) leases.delete(key);
      },
      async close() {
        lease.end();
        onClose();
        await source.close();
      },
    };
    leases.set(key, lease);
    return lease;
  }

  /** A source of the borrower's own: closing it closes the original when nobody else uses it. */
  function borrow(lease: Lease, signal: AbortSignal): Source {
    lease.users++;
    let released = false;
    const release = async () => {
      if (released) return;
      released = true;
      signal.removeEventListener("abort", release);
      if (--lease.users === 0) await lease.close();
    };
    signal.addEventListener("abort", release, { once: true });
    return { ...lease.source, close: release };
  }
}

/** The origins that may have an asset, in the order in which they are asked. */
export function candidates(
  asset: Asset,
  endpoints: ReadonlyMap<string, Endpoint>,
  origins: ReadonlyMap<string, OriginEntry>,
): OriginEntry[] {
  const endpoint = endpoints.get(endpointId(asset));
  const names = endpoint ? [...(endpoint.library ? [endpoint.library] : []), ...endpoint.origins] : [];
  return [...new Set(names)]
    .map((name) => origins.get(name))
    .filter((origin) => origin !== undefined)
    .filter((origin) => (asset.kind === "url") === (origin.storage.urls === true));
}

/**
 * The first result of origins that are asked one after another: "not here" (`undefined`) and failures both move on. If no origin has
 * the file, the most specific failure is thrown.
 */
export async function tryInOrder<T>(
  origins: readonly OriginEntry[],
  signal: AbortSignal,
  fetchFrom: (origin: OriginEntry, at: number) => Promise<T | undefined>,
): Promise<T | undefined> {
  const failures: MediaError[] = [];
  for (const [at, origin] of origins.entries()) {
    try {
      const found = await fetchFrom(origin, at);
      if (found) return found;
    } catch (error) {
      if (signal.aborted) throw error;
      failures.push(error as MediaError);
    }
  }
  const failure = mostSpecific(failures);
  if (failure) throw failure;
  return undefined;
}

/** The failure that is sent to the client if no origin has the file. */
export function mostSpecific(failures: readonly MediaError[]): MediaError | undefined {
  const worst = CODES_BY_SPECIFICITY.map((code) => failures.find((failure) => failure.code === code)).find(
    Boolean,
  );
  return worst ?? failures[0];
}

/** Throws `ENOENT` if no origin has the file. */
export function foundSource(found: Source | typeof NOT_MODIFIED | undefined): Source {
  if (!found) throw new MediaError("ENOENT", "No file was found at the specified path");
  if (found !== NOT_MODIFIED) return found;
  throw new MediaError("UNIDENTIFIED", "The origin sent an unexpected response");
}

/** Opens an asset through the `fetch` hook. Throws `ENOENT` if no origin has it. */
export async function fetchSource(hooks: Hooks, asset: Asset, context: RenderContext): Promise<Source> {
  return foundSource(await hooks.fetch.promise(asset, {}, context));
}
