import type { CacheTier } from "./cache-backend.ts";

/** Whether caches have an entry. */
export interface CacheState {
  readonly state: "miss" | "fresh" | "stale";
  /** The plugin that registered the cache. */
  readonly name?: string;
}

/** What one tier has of a key. */
export interface TierState {
  /** The plugin that registered it. */
  readonly name: string;
  readonly tier: CacheTier;
  /** `unusable`: made by other engines, or purged. */
  readonly state: "miss" | "fresh" | "stale" | "unusable";
  /** When it was made or last revalidated, and until when it is fresh, milliseconds since 1970. */
  readonly stored?: number;
  readonly freshUntil?: number;
  /** Of the body. */
  readonly bytes?: number;
}

/** What one tier has of what purge rules match. */
export interface TierCount {
  /** The plugin that registered it. */
  readonly name: string;
  readonly tier: CacheTier;
  /** Left out, as `bytes`: it cannot list its entries, or failed. */
  readonly renditions?: number;
  /** Of the bodies. */
  readonly bytes?: number;
}

/** What purge rules would remove. */
export interface PurgeCount {
  /** Each once, in however many tiers it is. */
  readonly renditions: number;
  /** Of their bodies. */
  readonly bytes: number;
  readonly tiers: readonly TierCount[];
  /** All entries were looked at, of all tiers. Otherwise there may be more. */
  readonly isComplete: boolean;
}
