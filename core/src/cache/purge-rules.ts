import type { Job } from "../model/job.ts";
import { type Ban, type Bannable, isBanned, isOriginalBanned } from "../model/purge-rule.ts";
import { monotonicNow } from "../util/monotonic.ts";

/** Bans that are remembered, and for how long in milliseconds: longer than any work that began before them. */
const MOST = 10_000;
const LONGEST = 60 * 60_000;

/** A ban, and when it came, as of `monotonicNow()`. */
interface Kept {
  readonly ban: Ban;
  readonly at: number;
}

/** A ban without its number. */
export type NewBan = Omit<Ban, "sequence">;

/**
 * The bans of this process, in their order. What began before a ban that speaks of it is out of date: nobody joins it,
 * and nothing of it is kept.
 */
export function createBans() {
  const kept: Kept[] = [];
  /** Bans that caches have not carried out yet. */
  const pending = new Set<Ban>();
  let last = 0;
  let forgotten = 0;

  return {
    /** The moment, to be compared with bans. While caches still carry some out, it is the one before these. */
    now: () => (pending.size === 0 ? last : Math.min(...[...pending].map(({ sequence }) => sequence)) - 1),
    add(ban: NewBan): Ban {
      const numbered = { ...ban, sequence: ++last };
      const at = monotonicNow();
      kept.push({ ban: numbered, at });
      pending.add(numbered);
      while (kept[0] && (kept.length > MOST || at - kept[0].at > LONGEST)) {
        forgotten = kept.shift()?.ban.sequence ?? forgotten;
      }
      return numbered;
    },
    /** All caches have carried it out. */
    done: (ban: Ban) => pending.delete(ban),
    /** Whether what was begun at a moment has been banned since. */
    isBanned(record: Bannable, since: number): boolean {
      if (since >= last) return false;
      // What is not known any more may have been a ban of this.
      return since < forgotten || kept.some(({ ban }) => ban.sequence > since && isBanned(record, ban));
    },
    /** Whether a cache may return an entry only because it has not got round to removing it. */
    isPending(record: Bannable): boolean {
      if (pending.size === 0) return false;
      for (const ban of pending) if (isBanned(record, ban)) return true;
      return false;
    },
    /** Number of the newest ban that speaks of an original; part of the name of work on it, so that none joins older work. */
    ofOriginal(original: { readonly tenant: string; readonly path: string }): number {
      return newest((ban) => isOriginalBanned(original, ban))?.ban.sequence ?? 0;
    },
    /** When that ban came, as of `monotonicNow()`; 0: there is none. */
    timeOfOriginal(original: { readonly tenant: string; readonly path: string }): number {
      return newest((ban) => isOriginalBanned(original, ban))?.at ?? 0;
    },
    /** The same for a rendition; one that has layers is out of date with any ban of its account. */
    ofJob: (job: Job, key: string): number => ofJob(job, key)?.ban.sequence ?? 0,
    /** When that ban came, as of `monotonicNow()`; 0: there is none. Unlike numbers, times are the same in all processes of a machine. */
    timeOfJob: (job: Job, key: string): number => ofJob(job, key)?.at ?? 0,
    /** The bans that are remembered, oldest first. */
    recent: (): readonly Ban[] => kept.map(({ ban }) => ban),
  };

  function ofJob({ asset, transformation }: Job, key: string): Kept | undefined {
    if (last === 0) return undefined;
    const { tenant } = asset;
    const layered = transformation.steps.some(({ op }) => op === "overlay" || op === "when");
    return newest((ban) => {
      if (ban.kind === "key") return ban.value === key;
      if (ban.tenant !== undefined && ban.tenant !== tenant) return false;
      return layered || ban.kind === "tag" || isOriginalBanned({ tenant, path: asset.path }, ban);
    });
  }

  function newest(speaks: (ban: Ban) => boolean): Kept | undefined {
    return kept.findLast(({ ban }) => speaks(ban));
  }
}

export type Bans = ReturnType<typeof createBans>;
