import type { Job } from "../model/job.ts";
import { type ActiveRule, matchesOriginal, matchesRule, type Purgeable } from "../model/purge-rule.ts";
import { monotonicNow } from "../util/monotonic.ts";

/** Rules that are kept, and their age in milliseconds, at most: longer than any work that began before them. */
const MAX_RULES = 10_000;
const MAX_AGE_MS = 60 * 60_000;

/** A purge rule, and when it came, as of `monotonicNow()`. */
interface RuleEntry {
  readonly rule: ActiveRule;
  readonly at: number;
}

/** A purge rule without its number. */
export type NewRule = Omit<ActiveRule, "sequence">;

/**
 * The purge rules of this process, in their order. What began before a rule that matches it is out of date: no request joins
 * it, and its result is not stored.
 */
export function createPurgeRules() {
  const entries: RuleEntry[] = [];
  /** Purge rules that caches have not carried out yet. */
  const pending = new Set<ActiveRule>();
  let last = 0;
  let forgotten = 0;

  return {
    /** The moment, to be compared with purge rules. While caches still carry some out, it is the one before these. */
    now: () => (pending.size === 0 ? last : Math.min(...[...pending].map(({ sequence }) => sequence)) - 1),
    add(rule: NewRule): ActiveRule {
      const numbered = { ...rule, sequence: ++last };
      const at = monotonicNow();
      entries.push({ rule: numbered, at });
      pending.add(numbered);
      while (entries[0] && (entries.length > MAX_RULES || at - entries[0].at > MAX_AGE_MS)) {
        forgotten = entries.shift()?.rule.sequence ?? forgotten;
      }
      return numbered;
    },
    /** All caches have carried it out. */
    done: (rule: ActiveRule) => pending.delete(rule),
    /** Whether what was begun at a moment has been purged since. */
    isPurged(record: Purgeable, since: number): boolean {
      if (since >= last) return false;
      // A rule that has been forgotten may have matched it.
      return (
        since < forgotten || entries.some(({ rule }) => rule.sequence > since && matchesRule(record, rule))
      );
    },
    /**
     * When the newest rule that matches an original came, as of `monotonicNow()`; 0: there is none. Work on it that began before
     * is not joined.
     */
    timeOfOriginal: (original: { readonly tenant: string; readonly path: string }): number =>
      newest((rule) => matchesOriginal(original, rule)),
    /** The same for a rendition; one that has layers is out of date with any rule of its account. */
    timeOfJob({ asset, transformation }: Job, key: string): number {
      if (last === 0) return 0;
      const { tenant } = asset;
      const layered = transformation.steps.some(({ op }) => op === "overlay" || op === "when");
      return newest((rule) => {
        if (rule.kind === "key") return rule.value === key;
        if (rule.tenant !== undefined && rule.tenant !== tenant) return false;
        return layered || rule.kind === "tag" || matchesOriginal({ tenant, path: asset.path }, rule);
      });
    },
  };

  /** When the newest rule of which this is true came; 0: there is none. */
  function newest(matches: (rule: ActiveRule) => boolean): number {
    return entries.findLast(({ rule }) => matches(rule))?.at ?? 0;
  }
}

export type PurgeRules = ReturnType<typeof createPurgeRules>;
