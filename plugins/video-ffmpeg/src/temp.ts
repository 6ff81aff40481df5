import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MediaError } from "@mediatap/core";
import { OWNER, ownerText, PREFIX, PULSE, sweep } from "./leftovers.ts";

/** What can be let go of when space is needed: copies that may be fetched again. Returns the bytes that it gave back. */
export type Yielding = (bytes: number) => number;

/**
 * Temporary space of this process: a folder of its own that nobody else may read, with a budget. What an earlier process left
 * behind when it was killed is removed at the start.
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
  /** Counts bytes that are about to be written, against `limits.tempBytes`. Throws `EBUSY` where there is no room for them. */
  take(bytes: number, limit: number): void;
  give(bytes: number): void;
  /** Asks a keeper of copies to make room before anybody is refused. Returns how to stop that. */
  yields(keeper: Yielding): () => void;
  close(): Promise<void>;
}

let current: Temp | undefined;

/** The space of this process; made when it is first asked for. */
export function temp(): Temp {
  current ??= openTemp();
  return current;
}

/** A new private folder for one piece of work, below that of the process. */
export const privateFolder = (): Promise<string> => temp().makeFolder();

function openTemp(): Temp {
  // Its rights are those of its owner alone: 0700.
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  const owner = join(folder, OWNER);
  writeFileSync(owner, ownerText(), { mode: 0o600 });
  const pulse = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(owner, now, now);
    } catch {
      // The folder is gone; what is written to it fails by itself.
    }
  }, PULSE);
  pulse.unref();
  const onExit = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", onExit);
  sweep(tmpdir()).catch(() => {});

  const keepers = new Set<Yielding>();
  let taken = 0;
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
      for (const keeper of keepers) {
        if (taken + bytes <= limit) break;
        keeper(taken + bytes - limit);
      }
      if (taken + bytes > limit) {
        throw new MediaError("EBUSY", "The server has no room for temporary files", { retryAfterSeconds: 5 });
      }
      taken += bytes;
    },
    give(bytes) {
      taken -= bytes;
    },
    yields(keeper) {
      keepers.add(keeper);
      return () => keepers.delete(keeper);
    },
    async close() {
      if (current === space) current = undefined;
      clearInterval(pulse);
      process.off("exit", onExit);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return space;
}
