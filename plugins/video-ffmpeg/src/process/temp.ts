import { randomBytes } from "node:crypto";
import { statfsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { MediaError, openTempFolder } from "@mediatap/core";

/** What can be let go of when space is needed: copies that may be fetched again. Returns the bytes that it gave back. */
export type Yielding = (bytes: number) => number;

/** Space that one piece of work has for itself. */
export interface Reservation {
  /** Counts bytes that are about to be written; those beyond the reservation are taken. Throws `EBUSY` where there is no room for them. */
  use(bytes: number): void;
  /** Gives all of it back. */
  release(): void;
}

/**
 * Temporary space of this process: a folder of its own that nobody else may read, with a budget, and no more of it than its disk
 * has. What an earlier process left behind when it was killed is removed at the start.
 */
export interface Temp {
  /** The folder. Programs work in it, which is how they are found when their server is gone. */
  readonly folder: string;
  /** Bytes that are taken. */
  readonly taken: number;
  /** A new folder in it, for one piece of work; remove it with `rm`. */
  makeFolder(): Promise<string>;
  /** A path in it that nobody has. */
  newPath(): string;
  /** Counts bytes that are about to be written, against `limits.tempBytes` and the disk. Throws `EBUSY` where there is no room for them. */
  take(bytes: number, limit: number): void;
  give(bytes: number): void;
  /** Takes bytes that will be written in time: work that has them does not fail half-way for want of room. Throws as `take` does. */
  reserve(bytes: number, limit: number): Reservation;
  /** Asks a keeper of copies to make room before anybody is refused. Returns how to stop that. */
  yields(keeper: Yielding): () => void;
  close(): Promise<void>;
}

/** Time after which the free space of the disk is measured again. */
const MEASURE_MS = 1_000;

let current: (Temp & { restore(): void }) | undefined;

/** The space of this process; made when it is first asked for. Throws `EBUSY` where there can be none, until there can. */
export function temp(): Temp {
  current ??= openTemp();
  current.restore();
  return current;
}

/** Removes it, if there is any. */
export const closeTemp = async (): Promise<void> => await current?.close();

/** A new private folder for one piece of work, below that of the process. */
export const privateFolder = async (): Promise<string> => await temp().makeFolder();

function openTemp() {
  const { path: folder, restore, close } = openTempFolder("ffmpeg");
  const keepers = new Set<Yielding>();
  let taken = 0;
  /** Bytes of `taken` that are reserved and not written yet. */
  let unwritten = 0;
  let measured = { at: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY };

  /** What `taken` may come to. */
  function room(limit: number): number {
    const now = performance.now();
    if (now - measured.at > MEASURE_MS) {
      measured = { at: now, most: taken - unwritten + freeBytes(folder) };
    }
    return Math.min(limit, measured.most);
  }

  const space: Temp = {
    folder,
    get taken() {
      return taken;
    },
    async makeFolder() {
      const path = space.newPath();
      await mkdir(path, { mode: 0o700 });
      return path;
    },
    newPath: () => join(folder, randomBytes(12).toString("hex")),
    take(bytes, limit) {
      if (bytes <= 0) return;
      const most = room(limit);
      for (const keeper of keepers) {
        if (taken + bytes <= most) break;
        keeper(taken + bytes - most);
      }
      if (taken + bytes > most) {
        throw new MediaError("EBUSY", "The server has no space for temporary files", {
          cause: new Error(`${bytes} bytes are needed, ${Math.max(0, most - taken)} are left in ${folder}`),
          retryAfterSeconds: 5,
        });
      }
      taken += bytes;
    },
    give(bytes) {
      taken -= bytes;
    },
    reserve(bytes, limit) {
      space.take(bytes, limit);
      unwritten += bytes;
      let left = bytes;
      let all = bytes;
      return {
        use(wanted) {
          const own = Math.min(wanted, left);
          left -= own;
          unwritten -= own;
          space.take(wanted - own, limit);
          all += wanted - own;
        },
        release() {
          space.give(all);
          unwritten -= left;
          all = left = 0;
        },
      };
    },
    yields(keeper) {
      keepers.add(keeper);
      return () => keepers.delete(keeper);
    },
    async close() {
      if (current === own) current = undefined;
      await close();
    },
  };
  const own = Object.assign(space, { restore });
  return own;
}

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
