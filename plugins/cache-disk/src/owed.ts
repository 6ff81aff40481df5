import { type Ban, isBanned, isFromFuture, type RenditionRecord } from "@mediatap/core";

/** Bans that are held one by one; with more everything counts as purged. */
const MOST = 1_000;

const nothing = () => false;

export interface OwedParts {
  /** Removes what a ban speaks of. */
  readonly remove: (ban: Ban) => Promise<void>;
  /** Milliseconds until that is tried again where it failed. */
  readonly rest: number;
}

/**
 * Bans whose entries still lie in the folder, because nothing can be removed there now: they are misses meanwhile, and are
 * removed as soon as that is possible.
 */
export function createOwed({ remove, rest }: OwedParts) {
  /** When each began, milliseconds since 1970. */
  const owed = new Map<Ban, number>();
  let timer: NodeJS.Timeout | undefined;

  /** Tries again after a while, whether or not anybody asks meanwhile. */
  function later(): void {
    clearTimeout(timer);
    timer = setTimeout(() => void pay(), rest).unref();
  }

  async function pay(): Promise<void> {
    try {
      for (const ban of [...owed.keys()]) {
        await remove(ban);
        owed.delete(ban);
      }
    } catch {
      // The purge itself has told of it.
      later();
    }
  }

  return {
    /** Removes what a ban speaks of. Throws where it cannot be removed now. */
    async add(ban: Ban): Promise<void> {
      if (owed.size >= MOST) {
        owed.clear();
        owed.set({ sequence: ban.sequence, kind: "all", value: "" }, Date.now());
      }
      owed.set(ban, Date.now());
      try {
        await remove(ban);
        owed.delete(ban);
      } catch (error) {
        later();
        throw error;
      }
    },
    /** Tells of an entry that is read from now on whether it should be gone, also when that is made up for meanwhile. */
    now(): (record: RenditionRecord) => boolean {
      if (owed.size === 0) return nothing;
      const bans = [...owed];
      return (record) => {
        // What was stored before the clock was set back may be older than the ban.
        const isUndated = isFromFuture(record);
        return bans.some(([ban, at]) => (record.stored <= at || isUndated) && isBanned(record, ban));
      };
    },
    close: () => clearTimeout(timer),
  };
}
