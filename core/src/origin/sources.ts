import type { Logger } from "pino";
import type { Bans } from "../cache/purge-rules.ts";
import type { Conditions, Hooks } from "../hooks.ts";
import { Stage } from "../hooks.ts";
import type { Asset } from "../model/asset.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import { type ErrorCode, MediaError, shortageOf } from "../model/errors.ts";
import { tenantOf } from "../model/purge-rule.ts";
import type { RenderContext } from "../model/render-context.ts";
import {
  type EntryFacts,
  NOT_MODIFIED,
  type OpenOptions,
  type Source,
  type SourceFacts,
  type Storage,
  type StorageEntry,
} from "../model/source.ts";
import { createCoalescer } from "../util/coalescer.ts";
import { reasonOf } from "../util/log.ts";
import { createAttempts, shown } from "./attempts.ts";
import type { Breakers } from "./breakers.ts";
import { hedged } from "./hedge.ts";
import { loopKey } from "./loop.ts";
import { type ByteBudget, createSource, type SourceParts } from "./source.ts";
import { type Copies, createCopies } from "./tee.ts";

/** Which failure tells most, when no origin has the file. */
const TELLING: readonly ErrorCode[] = ["EBUSY", "ELIMIT", "EACCES", "ECONNREFUSED", "UNIDENTIFIED", "ENOENT"];

export interface OriginEntry {
  readonly name: string;
  readonly type: string;
  readonly storage: Storage;
  /** Milliseconds after which a second request is sent beside one that has not answered. Left out: never. */
  readonly hedge?: number;
  /** Hash over what tells where its files lie. */
  readonly fingerprint: string;
}

/** Asks the origins of an asset's endpoint, as `api.origins.ask` says. */
export type AskOrigins = (
  asset: Asset,
  conditions: Conditions,
  context: RenderContext,
) => Promise<Source | typeof NOT_MODIFIED | undefined>;

/** The validators sent still hold; what the origin says of the file now. */
interface Unmodified {
  readonly confirmed: EntryFacts;
}

interface Lease {
  readonly source: Source;
  users: number;
  /** Closed, or become one reader's own: not to be borrowed any more. */
  ended: boolean;
  close(): Promise<void>;
}

/**
 * The core's own tap of `fetch`: asks the endpoint's origins in their order. "Not here" moves on; a failure moves on
 * and is remembered. One original that several renders want at the same time is opened and downloaded once. Returns
 * the tap.
 */
export function tapOrigins(
  hooks: Hooks,
  origins: ReadonlyMap<string, OriginEntry>,
  endpoints: ReadonlyMap<string, Endpoint>,
  budget: ByteBudget,
  breakers: Breakers,
  bans: Pick<Bans, "ofOriginal">,
  log: Logger,
): AskOrigins {
  const opening = createCoalescer<Lease | Unmodified | undefined>();
  const leases = new Map<string, Lease>();
  const attempt = createAttempts(hooks, log);

  const askOrigins: AskOrigins = async (asset, conditions, context) => {
    const { origin: only, except = [] } = conditions;
    return await askInOrder(candidates(asset, endpoints, origins), context.signal, async (origin, at) => {
      const { name } = origin;
      if ((only !== undefined && name !== only) || except.includes(name)) return undefined;
      const work = () => ask(origin, asset, conditions, context);
      return await attempt({ place: at + 1, origin: name, asset, context }, work);
    });
  };
  hooks.fetch.tapPromise({ name: "origins", stage: Stage.origins }, askOrigins);
  return askOrigins;

  async function ask(
    origin: OriginEntry,
    asset: Asset,
    conditions: Conditions,
    context: RenderContext,
  ): Promise<Source | typeof NOT_MODIFIED | undefined> {
    const { ifNoneMatch, ifModifiedSince, held, onNotModified, head = false } = conditions;
    const host = origin.storage.forwardsHost ? asset.host : undefined;
    const named = host === undefined ? {} : { host };
    // What was opened before a purge is not shared with those who ask after it.
    const ban = bans.ofOriginal({ tenant: tenantOf(origin.name), path: asset.path });
    const key = JSON.stringify([
      origin.name,
      asset.path,
      host,
      ifNoneMatch,
      ifModifiedSince,
      held && [held.private, held.cacheControl, held.cdnCacheControl],
      head,
      ban,
      loopKey(),
    ]);
    const open = async (signal: AbortSignal): Promise<Lease | Unmodified | undefined> => {
      const breaker = breakers.of(origin, asset);
      let confirmed: EntryFacts = {};
      const options: Omit<OpenOptions, "signal"> = {
        onNotModified: (facts) => {
          confirmed = facts;
        },
        ...named,
        ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
        ...(ifModifiedSince === undefined ? {} : { ifModifiedSince }),
        ...(held && { held }),
        ...(head ? { head } : {}),
      };
      const openHere = (options: OpenOptions) =>
        // What this machine lacks is no failure of the origin, whatever the storage makes of it.
        origin.storage.open(asset.path, options).catch((error: unknown) => {
          throw shortageOf(error) ?? error;
        });
      const entry = await breakers.pauses.run([origin.fingerprint, asset.path, host], () =>
        breaker.run(
          () => hedged(origin.hedge, signal, (own) => openHere({ ...options, signal: own })),
          (answer) => typeof answer !== "object" || head || answer.file !== undefined,
        ),
      );
      if (!entry) return undefined;
      if (entry === NOT_MODIFIED) return { confirmed };
      if (signal.aborted) {
        await entry.close?.();
        throw signal.reason;
      }
      const { file: _, body: __, close: ___, ...said } = entry;
      const freshFor = said.freshFor ?? origin.storage.freshFor;
      const facts = {
        ...said,
        ...(freshFor === undefined ? {} : { freshFor }),
        origin: origin.name,
        path: asset.path,
        ...named,
        fetched: Date.now(),
      };
      const copies = createCopies(origin.name, log);
      const gone = new AbortController();
      const end = () => {
        lease.ended = true;
        if (leases.get(key) === lease) leases.delete(key);
      };
      const source = createSource({
        entry,
        facts,
        open: (options) => openHere({ ...named, ...options }),
        signal: gone.signal,
        budget,
        copies,
        onWhole: breaker.worked,
        onOutage(error) {
          breaker.failed(error);
          const line = { origin: origin.name, path: shown(asset), reason: reasonOf(error) };
          log.warn(line, "the response of an origin was truncated");
        },
        mayHandOver() {
          if (lease.users > 1) return false;
          end();
          return true;
        },
      });
      const close = async () => {
        end();
        gone.abort();
        await source.close();
      };
      const lease: Lease = { source, users: 0, ended: false, close };
      leases.set(key, lease);
      const isLibrary = endpoints.get(endpointId(asset))?.library === origin.name;
      if (!head && !isLibrary) offerCopies(hooks, { asset, facts, entry, copies });
      return lease;
    };
    const lease = leases.get(key) ?? (await opening.run(key, { signal: context.signal }, open));
    if (lease === undefined) return undefined;
    if ("confirmed" in lease) {
      onNotModified?.(lease.confirmed);
      return NOT_MODIFIED;
    }
    // It may have ended between the moment it was opened and this render's turn.
    return lease.ended ? ask(origin, asset, conditions, context) : borrow(lease, context.signal);
  }

  /** A source of the borrower's own: closing it closes the original when nobody else uses it. */
  function borrow(lease: Lease, signal: AbortSignal): Source {
    lease.users++;
    let returned = false;
    const giveBack = async () => {
      if (returned) return;
      returned = true;
      signal.removeEventListener("abort", giveBack);
      if (--lease.users === 0) await lease.close();
    };
    signal.addEventListener("abort", giveBack, { once: true });
    return { ...lease.source, close: giveBack };
  }
}

interface Offer {
  readonly asset: Asset;
  readonly facts: SourceFacts;
  readonly entry: StorageEntry;
  readonly copies: Copies;
}

/** Tells who keeps copies that an original is about to be read. A local file needs none. */
export function offerCopies(hooks: Pick<Hooks, "opened">, { asset, facts, entry, copies }: Offer): void {
  if (entry.file !== undefined || !hooks.opened.isUsed()) return;
  hooks.opened.call({ asset, facts, copy: copies.add });
}

const NO_COPIES: Copies = { add: () => {}, give: () => {}, along: (source) => source };

/** A source of an entry that no origin of the endpoint opened: a saved copy. Nobody else uses it. */
export function ownSource(parts: Pick<SourceParts, "entry" | "facts" | "open" | "budget">): Source {
  return createSource({
    ...parts,
    signal: new AbortController().signal,
    copies: NO_COPIES,
    onWhole: () => {},
    onOutage: () => {},
    mayHandOver: () => true,
  });
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
 * the file, the failure that tells most is thrown.
 */
export async function askInOrder<T>(
  origins: readonly OriginEntry[],
  signal: AbortSignal,
  ask: (origin: OriginEntry, at: number) => Promise<T | undefined>,
): Promise<T | undefined> {
  const failures: MediaError[] = [];
  for (const [at, origin] of origins.entries()) {
    try {
      const found = await ask(origin, at);
      if (found) return found;
    } catch (error) {
      if (signal.aborted) throw error;
      failures.push(error as MediaError);
    }
  }
  const failure = mostTelling(failures);
  if (failure) throw failure;
  return undefined;
}

/** The failure that a client hears of when no origin has the file. */
export function mostTelling(failures: readonly MediaError[]): MediaError | undefined {
  const worst = TELLING.map((code) => failures.find((failure) => failure.code === code)).find(Boolean);
  return worst ?? failures[0];
}

/** Throws `ENOENT` if nobody has a file. */
export function foundSource(found: Source | typeof NOT_MODIFIED | undefined): Source {
  if (!found) throw new MediaError("ENOENT", "No file was found at the specified path");
  if (found !== NOT_MODIFIED) return found;
  throw new MediaError("UNIDENTIFIED", "The origin sent an unexpected response");
}

/** Opens an asset through the `fetch` hook. Throws `ENOENT` when nobody has it. */
export async function fetchSource(hooks: Hooks, asset: Asset, context: RenderContext): Promise<Source> {
  return foundSource(await hooks.fetch.promise(asset, {}, context));
}
