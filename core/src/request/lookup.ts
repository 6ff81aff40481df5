import type { Cache, CacheResult } from "../cache/cache.ts";
import { overdueOf } from "../cache/freshness.ts";
import type { PurgeRules } from "../cache/purge-rules.ts";
import type { TierEntry } from "../cache/tier.ts";
import type { Asset } from "../model/asset.ts";
import type { Exchange } from "../model/exchange.ts";
import type { CompleteBody, Rendition, RenditionRecord } from "../model/rendition.ts";
import type { CacheState, TierState } from "../plugin/cache-state.ts";
import { after, type MaybePromise } from "../util/maybe.ts";
import { type OriginalParts, reopenedOriginal, SMALL_BODY_BYTES } from "../work/original.ts";
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
export interface CompleteLookup {
  readonly found?: { readonly record: RenditionRecord; readonly body: CompleteBody };
  readonly error?: NonNullable<RenditionRecord["error"]>;
  readonly stale?: Rendition | undefined;
}

/** A client that never leaves. */
const NO_CLIENT = { signal: new AbortController().signal };

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
      return after(cache.find({ key, body: "required", client: exchange, judge }), (withBody) =>
        resultOf(first, withBody, asset),
      );
    });
  }

  function resultOf(first: CacheResult, withBody: CacheResult, asset: Asset): RequestLookup {
    if (withBody.found) void withBody.fill(withBody.found);
    const found = withBody.found ?? first.found;
    const stale = first.stale ?? withBody.stale;
    return {
      found: found && withOriginal({ ...renditionOf(found), cache: found.cache }, asset),
      stale: stale && withOriginal(renditionOf(stale), asset),
    };
  }

  /** The fresh entry with its body, or a cached failure, or one past its freshness. */
  async function lookupComplete(key: string): Promise<CompleteLookup> {
    if (!cache.isUsed) return {};
    const { found, stale, fill }: CacheResult = await cache.find({
      key,
      body: "required",
      client: NO_CLIENT,
      judge: judgeOf(parts, false),
    });
    if (found?.metadata.error) return { error: found.metadata.error };
    if (!found?.body) return { stale: stale && renditionOf(stale) };
    void fill(found);
    return { found: { record: found.metadata, body: found.body } };
  }

  /** If no cache stores the bytes of an original, it is read again, from a saved copy or its origin. */
  function withOriginal<D extends Rendition>(rendition: D, asset: Asset): D {
    const metadata = rendition.record.sources[0];
    if (rendition.body || !rendition.record.original || !metadata) return rendition;
    const body = reopenedOriginal(parts, asset, metadata);
    return body ? { ...rendition, body } : rendition;
  }

  /** Whether caches have an entry; `error`: a failure. */
  async function peek(key: string): Promise<CacheState & Pick<RenditionRecord, "error">> {
    const query = { key, body: "unneeded", client: NO_CLIENT, judge: judgeOf(parts, false) } as const;
    const { found, stale } = await cache.find(query);
    if (found) {
      const { error } = found.metadata;
      return { state: "fresh", name: found.cache, ...(error && { error }) };
    }
    return { state: stale ? "stale" : "miss" };
  }

  /** What each cache has, for `explain`. */
  const peekTiers = (key: string): Promise<readonly TierState[]> =>
    cache.inspect({ key, client: NO_CLIENT, judge: judgeOf(parts, false) });

  return { lookup, lookupComplete, withOriginal, peek, peekTiers };
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

const renditionOf = ({ metadata, body }: TierEntry): Rendition => ({
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

/** Whether an entry has lost a body that caches store: failures have none, and those of large originals are not stored. */
function lacksBody({ metadata, body }: TierEntry): boolean {
  if (body || metadata.error) return false;
  return !metadata.original || (metadata.length ?? Number.POSITIVE_INFINITY) <= SMALL_BODY_BYTES;
}
