import { LRUCache } from "lru-cache";
import { type ActiveRule, matchesRule, type PurgeRule } from "../model/purge-rule.ts";
import type { CompleteBody, RenditionRecord } from "../model/rendition.ts";
import { CACHE_TIERS } from "../plugin/cache-backend.ts";
import type { PurgeCount, TierCount, TierState } from "../plugin/cache-state.ts";
import { atMost } from "../util/entries.ts";
import type { MaybePromise } from "../util/maybe.ts";
import type { Tier, TierEntry } from "./tier.ts";

/** Failures that are stored; each for a minute at most. */
const MAX_FAILURES = 10_000;

/** What a lookup came to. */
export interface CacheResult {
  /** Fresh; from the nearest tier that has it. */
  readonly found?: TierEntry & { readonly cache: string };
  /** Past its freshness; with a body if any tier has one. */
  readonly stale?: TierEntry;
  /** Stores an entry in the tiers that were searched and did not have it. */
  fill(entry: TierEntry): MaybePromise<void>;
}

export interface CacheQuery {
  readonly key: string;
  /** `unneeded`: metadata is enough. `required`: a tier that has the metadata alone is passed. */
  readonly body: "unneeded" | "wanted" | "required";
  /** Who waits for the entry. Its signal is read only by caches that need time: an exchange makes it on first use. */
  readonly client: { readonly signal: AbortSignal };
  /** The core's judgement of an entry. `unusable`: made by other engines, or about to be purged. */
  judge(metadata: RenditionRecord): "fresh" | "stale" | "unusable";
}

/** The negative cache: failures, for all runtimes of a process. */
export function createNegativeCache() {
  const failures = new LRUCache<string, RenditionRecord>(atMost(MAX_FAILURES));
  return {
    get: (key: string) => failures.get(key),
    set: (metadata: RenditionRecord) => failures.set(metadata.key, metadata),
    delete: (key: string) => failures.delete(key),
    purge(rule: ActiveRule): void {
      for (const [key, failure] of failures.entries()) if (matchesRule(failure, rule)) failures.delete(key);
    },
  };
}

export type NegativeCache = ReturnType<typeof createNegativeCache>;

export interface CacheParts {
  readonly isUsed: boolean;
  readonly failures: NegativeCache;
  /** The moment, as of the purge rules. */
  readonly now: () => number;
}

/** All caches of a runtime, the nearest first. */
export function createCache({ isUsed, failures, now }: CacheParts) {
  let ordered: readonly Tier[] = [];

  /** Answers at once if a tier in memory has the entry. */
  function find(query: CacheQuery): MaybePromise<CacheResult> {
    const failure = failures.get(query.key);
    if (failure && query.judge(failure) === "fresh") {
      return { found: { metadata: failure, cache: ordered[0]?.name ?? "" }, fill: () => {} };
    }
    return findFrom(query, 0, [], undefined);
  }

  function findFrom(
    query: CacheQuery,
    from: number,
    missed: Tier[],
    stale: TierEntry | undefined,
  ): MaybePromise<CacheResult> {
    let best = stale;
    for (let at = from; at < ordered.length; at++) {
      const tier = ordered[at] as Tier;
      const lookup = tier.find(query.key, query.body !== "unneeded", query.client);
      if (lookup instanceof Promise) {
        return lookup.then((entry) => consider(tier, entry) ?? findFrom(query, at + 1, missed, best));
      }
      const result = consider(tier, lookup);
      if (result) return result;
    }
    return { ...(best && { stale: best }), fill };

    function consider(tier: Tier, entry: TierEntry | undefined): CacheResult | undefined {
      if (entry && (entry.body || query.body !== "required")) {
        const verdict = query.judge(entry.metadata);
        if (verdict === "fresh") return { found: { ...entry, cache: tier.name }, fill };
        if (verdict === "stale" && (!best || (!best.body && entry.body))) best = entry;
      }
      missed.push(tier);
      return undefined;
    }

    function fill({ metadata, body }: TierEntry): MaybePromise<void> {
      if (missed.length === 0) return;
      const since = now();
      return Promise.all(missed.map((tier) => tier.put(metadata, body, since))).then(() => {});
    }
  }

  /** Stores in all tiers; resolves once that is done, or given up. `since`: when the work began that it is the result of. */
  async function store(
    metadata: RenditionRecord,
    body: CompleteBody | undefined,
    since = now(),
  ): Promise<void> {
    const { key, error } = metadata;
    if (error) {
      failures.set(metadata);
      // An outage does not show that the file is gone.
      if (!error.outage) await Promise.all(ordered.map((tier) => tier.has(key) && tier.remove(key)));
      return;
    }
    failures.delete(key);
    await Promise.all(ordered.map((tier) => tier.put(metadata, body, since)));
  }

  /** What each tier has of a key, the nearest first. */
  async function inspect({ key, client, judge }: Omit<CacheQuery, "body">): Promise<readonly TierState[]> {
    return await Promise.all(
      ordered.map(async ({ name, tier, find }): Promise<TierState> => {
        const entry = await find(key, false, client);
        if (!entry) return { name, tier, state: "miss" };
        const { stored, freshUntil, length } = entry.metadata;
        const bytes = length === undefined ? {} : { bytes: length };
        return { name, tier, state: judge(entry.metadata), stored, freshUntil, ...bytes };
      }),
    );
  }

  /** What rules match in the tiers that this process sees. Ends early, and not complete, when `signal` is aborted. */
  async function count(rules: readonly PurgeRule[], signal: AbortSignal): Promise<PurgeCount> {
    const found = new Map<string, number>();
    let isComplete = true;
    const tiers: TierCount[] = [];
    for (const { name, tier, entries } of ordered) {
      let renditions = 0;
      let bytes = 0;
      const listed = entries(signal);
      try {
        for await (const metadata of listed ?? []) {
          if (signal.aborted) break;
          if (!rules.some((rule) => matchesRule(metadata, rule))) continue;
          const { key, length = 0 } = metadata;
          renditions++;
          bytes += length;
          found.set(key, length);
        }
        isComplete &&= listed !== undefined && !signal.aborted;
        tiers.push({ name, tier, ...(listed && { renditions, bytes }) });
      } catch {
        isComplete = false;
        tiers.push({ name, tier });
      }
    }
    const bytes = [...found.values()].reduce((sum, length) => sum + length, 0);
    return { renditions: found.size, bytes, tiers, isComplete };
  }

  return {
    inspect,
    count,
    /** Whether there is any. */
    isUsed,
    /** The backends have been opened. */
    open(tiers: readonly Tier[]): void {
      ordered = [...tiers].sort((a, b) => CACHE_TIERS.indexOf(a.tier) - CACHE_TIERS.indexOf(b.tier));
    },
    find,
    store,
  };
}

export type Cache = ReturnType<typeof createCache>;
