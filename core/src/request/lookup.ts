import type { Cache, CacheResult } from "../cache/cache.ts";
import { overdueOf } from "../cache/freshness.ts";
import type { PurgeRules } from "../cache/purge-rules.ts";
import type { TierEntry } from "../cache/tier.ts";
import type { Asset } from "../model/asset.ts";
import type { Exchange } from "../model/exchange.ts";
import type { CompleteBody, Rendition, RenditionRecord } from "../model/rendition.ts";
import type { CacheState, TierState } from "../plugin/cache-state.ts";
import { after, type MaybePromise } from "../util/maybe.ts";
import { type OriginalParts, originalAgain, SMALL } from "../work/original.ts";
import { clientHasIt } from "./conditions.ts";

export interface LookupParts extends OriginalParts {
  readonly cache: Pick<Cache, "isUsed" | "find" | "inspect">;
  readonly purgeRules: Pick<PurgeRules, "now" | "isPurged">;
  readonly engines: string;
}

export type Lookup = ReturnType<typeof createLookup>;

/** What a lookup for a request came to. */
export interface RequestLookup {
  readonly found?: (Rendition & { readonly cache: string }) | undefined;
  readonly stale?: Rendition | undefined;
}

/** A lookup for no request: at most one of these. */
export interface WholeLookup {
  readonly found?: { readonly record: RenditionRecord; readonly body: CompleteBody };
  readonly error?: NonNullable<RenditionRecord["error"]>;
  readonly stale?: Rendition | undefined;
}

/** A client that never leaves. */
const NOBODY = { signal: new AbortController().signal };

/** What caches have, by key. */
export function createLookup(parts: LookupParts) {
  const { cache } = parts;

  /** The fresh entry, or one past its freshness. `again`: none is fresh. */
  function lookup(
    exchange: Exchange,
    key: string,
    asset: Asset,
    bypassCache: boolean,
  ): MaybePromise<RequestLookup> {
    if (!cache.isUsed) return {};
    const judge = judgeOf(parts, bypassCache);
    const body = isConditional(exchange) ? "unneeded" : "wanted";
    return after(cache.find({ key, body, client: exchange, judge }), (first) => {
      const { found } = first;
      const isBare = found !== undefined && lacksBody(found) && !clientHas(exchange, found.metadata);
      if (!isBare) return resultOf(first, first, asset);
      // A cache further down may still have the body.
      return after(cache.find({ key, body: "required", client: exchange, judge }), (whole) =>
        resultOf(first, whole, asset),
      );
    });
  }

  function resultOf(first: CacheResult, whole: CacheResult, asset: Asset): RequestLookup {
    if (whole.found) void whole.fill(whole.found);
    const found = whole.found ?? first.found;
    const stale = first.stale ?? whole.stale;
    return {
      found: found && withOriginal({ ...deliveredOf(found), cache: found.cache }, asset),
      stale: stale && withOriginal(deliveredOf(stale), asset),
    };
  }

  /** The fresh entry with its body, or a failure that is remembered, or one past its freshness. */
  async function lookupWhole(key: string): Promise<WholeLookup> {
    if (!cache.isUsed) return {};
    const { found, stale, fill }: CacheResult = await cache.find({
      key,
      body: "required",
      client: NOBODY,
      judge: judgeOf(parts, false),
    });
    if (found?.metadata.error) return { error: found.metadata.error };
    if (!found?.body) return { stale: stale && deliveredOf(stale) };
    void fill(found);
    return { found: { record: found.metadata, body: found.body } };
  }

  /** An original that no cache keeps the bytes of is read again, from a copy or where it lies. */
  function withOriginal<D extends Rendition>(delivered: D, asset: Asset): D {
    const metadata = delivered.record.sources[0];
    if (delivered.body || !delivered.record.original || !metadata) return delivered;
    const body = originalAgain(parts, asset, metadata);
    return body ? { ...delivered, body } : delivered;
  }

  /** Whether caches have an entry; `error`: a failure. */
  async function peek(key: string): Promise<CacheState & Pick<RenditionRecord, "error">> {
    const query = { key, body: "unneeded", client: NOBODY, judge: judgeOf(parts, false) } as const;
    const { found, stale } = await cache.find(query);
    if (found) {
      const { error } = found.metadata;
      return { state: "fresh", name: found.cache, ...(error && { error }) };
    }
    return { state: stale ? "stale" : "miss" };
  }

  /** What each cache has, for `explain`. */
  const peekTiers = (key: string): Promise<readonly TierState[]> =>
    cache.inspect({ key, client: NOBODY, judge: judgeOf(parts, false) });

  return { lookup, lookupWhole, withOriginal, peek, peekTiers };
}

/** The core's judgement of entries, as of now. */
function judgeOf({ engines, purgeRules }: Pick<LookupParts, "engines" | "purgeRules">, bypassCache: boolean) {
  const now = Date.now();
  // What is purged while a cache is read is not served, although it was found.
  const since = purgeRules.now();
  return (metadata: RenditionRecord): "fresh" | "stale" | "unusable" => {
    if (metadata.engines !== engines || purgeRules.isPurged(metadata, since)) return "unusable";
    if (!bypassCache && overdueOf(metadata, now) < 0) return "fresh";
    return metadata.error ? "unusable" : "stale";
  };
}

const deliveredOf = ({ metadata, body }: TierEntry): Rendition => ({
  record: metadata,
  ...(body && { body }),
});

function isConditional({ request }: Exchange): boolean {
  return request.header("if-none-match") !== undefined || request.header("if-modified-since") !== undefined;
}

/** Whether the client has a rendition already. */
export function clientHas({ request }: Exchange, { etag, lastModified }: RenditionRecord): boolean {
  return clientHasIt(request, etag, lastModified);
}

/** Whether an entry has lost a body that caches keep: failures have none, and large originals are not kept. */
function lacksBody({ metadata, body }: TierEntry): boolean {
  if (body || metadata.error) return false;
  return !metadata.original || (metadata.length ?? Number.POSITIVE_INFINITY) <= SMALL;
}
