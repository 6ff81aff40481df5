import { randomBytes } from "node:crypto";
import { statfsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { MediaError, openTempFolder } from "@mediatap/core";

/** Releases temporary files that can be fetched again. Returns the bytes that it gave back. */
type Evict = (bytes: number) => number;

/** Space that one piece of work has for itself. */
export interface Reservation {
  /** Counts bytes that are about to be written; those beyond the reservation are taken. Throws `EBUSY` if there is no room for them. */
  use(bytes: number): void;
  /** Gives all of it back. */
  release(): void;
}

/** Time after which the free space of the disk is measured again. */
const MEASURE_MS = 1_000;

/**
 * Temporary space of this process: a folder that no other user can read, with a budget, within the free space of its disk. What an
 * earlier process left behind when it was killed is removed at the start. Programs work in it, which is how they are found when
 * their server is gone.
 */
class Temp {
  readonly #folder = openTempFolder("ffmpeg");
  readonly #evictors = new Set<Evict>();
  #taken = 0;
  /** Bytes of `#taken` that are reserved and not written yet. */
  #unwritten = 0;
  #measured = { at: Number.NEGATIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

  get folder(): string {
    return this.#folder.path;
  }

  /** Bytes that are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Makes the folder again if somebody has removed it. Throws `EBUSY` if that fails. */
  restore(): void {
    this.#folder.restore();
  }

  /** A path in the folder that nobody has. */
  newPath(): string {
    return join(this.folder, randomBytes(12).toString("hex"));
  }

  /** A new folder in it for one piece of work, which removes it. */
  async makeFolder(): Promise<string> {
    const path = this.newPath();
    await mkdir(path, { mode: 0o700 });
    return path;
  }

  /** Counts bytes that are about to be written, against `limits.tempBytes` and the disk. Throws `EBUSY` if there is no room for them. */
  take(bytes: number, limit: number): void {
    if (bytes <= 0) return;
    const room = Math.min(limit, this.#room());
    for (const evict of this.#evictors) {
      if (this.#taken + bytes <= room) break;
      evict(this.#taken + bytes - room);
    }
    if (this.#taken + bytes > room) {
      throw new MediaError("EBUSY", "The server has no space for temporary files", {
        cause: new Error(
          `${bytes} bytes are needed, ${Math.max(0, room - this.#taken)} are left in ${this.folder}`,
        ),
        retryAfterSeconds: 5,
      });
    }
    this.#taken += bytes;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }

  /** Takes bytes that will be written later, so that work does not fail half-way for want of room. Throws as `take` does. */
  reserve(bytes: number, limit: number): Reservation {
    this.take(bytes, limit);
    this.#unwritten += bytes;
    let left = bytes;
    let all = bytes;
    return {
      use: (wanted) => {
        const reserved = Math.min(wanted, left);
        left -= reserved;
        this.#unwritten -= reserved;
        this.take(wanted - reserved, limit);
        all += wanted - reserved;
      },
      release: () => {
        this.give(all);
        this.#unwritten -= left;
        all = left = 0;
      },
    };
  }

  /** Calls `evict` before anybody is refused. Returns how to stop that. */
  onShortage(evict: Evict): () => void {
    this.#evictors.add(evict);
    return () => this.#evictors.delete(evict);
  }

  async close(): Promise<void> {
    if (current === this) current = undefined;
    await this.#folder.close();
  }

  /** What `#taken` may come to on this disk. */
  #room(): number {
    const now = performance.now();
    if (now - this.#measured.at > MEASURE_MS) {
      this.#measured = { at: now, bytes: this.#taken - this.#unwritten + freeBytes(this.folder) };
    }
    return this.#measured.bytes;
  }
}

export type { Temp };

let current: Temp | undefined;

/** The space of this process; made for its first user. Throws `EBUSY` as long as there can be none. */
export function temp(): Temp {
  current ??= new Temp();
  current.restore();
  return current;
}

/** Removes it, if there is any. */
export const closeTemp = async (): Promise<void> => await current?.close();

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
