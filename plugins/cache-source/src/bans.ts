import { type Ban, isOriginalBanned, tenantOf } from "@mediatap/core/cache";
import type { Owner } from "./names.ts";

/** How many bans are remembered for copies that are being written. */
const MOST = 1000;

/** The bans of this process: a copy that began before one must not be kept after it. */
export interface Bans {
  /** A moment, to be compared with bans. */
  now(): number;
  add(ban: Ban): void;
  /** Whether what was begun at a moment has been banned since. */
  isBanned(owner: Owner, since: number): boolean;
}

export function createBans(): Bans {
  const bans: Ban[] = [];
  let forgotten = 0;
  return {
    now: () => forgotten + bans.length,
    add(ban) {
      bans.push(ban);
      if (bans.length <= MOST) return;
      bans.shift();
      forgotten++;
    },
    isBanned(owner, since) {
      // What is not known any more may have been a ban of this.
      if (since < forgotten) return true;
      return bans.slice(since - forgotten).some((ban) => isOf(ban, owner));
    },
  };
}

/** Whether a ban speaks of an original. */
export function isOf(ban: Ban, { origin, path }: Pick<Owner, "origin" | "path">): boolean {
  return isOriginalBanned({ tenant: tenantOf(origin), path }, ban);
}
