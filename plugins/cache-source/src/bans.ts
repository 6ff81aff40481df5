import type { Ban } from "@mediatap/core";
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

/** Whether a ban speaks of an original. Keys and tags are those of renditions: no original has any. */
export function isOf({ kind, value }: Ban, { path }: Pick<Owner, "path">): boolean {
  if (kind === "all") return true;
  return kind === "prefix" ? path.startsWith(value) : kind === "source" && path === value;
}
