import { randomBytes } from "node:crypto";
import { statfsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { MediaError, openTempFolder } from "@mediatap/core";

/** Releases temporary files that can be fetched again. Returns the bytes that it gave back. */
type Evict = (bytes: number) => number;

/** Space that is reserved for one task. */
export interface Reservation {
  /** Counts bytes that are about to be written; those beyond the reservation are acquired. Throws `EBUSY` if there is no space for them. */
  use(bytes: number): void;
  /** Releases all of it. */
  release(): void;
}

/** Time after which the free space of the disk is measured again. */
const MEASURE_MS = 1_000;

/**
 * Temporary space of this process: a folder that no other user can read, with a budget, within the free space of its disk. What an
 * earlier process left behind when it was killed is removed at the start. Programs work in it, so that they are found when
 * their server is gone.
 */
class Temp {
  readonly #folder = openTempFolder("ffmpeg");
  readonly #evictors = new Set<Evict>();
  #acquired = 0;
  /** Bytes of `#acquired` that are reserved and not written yet. */
  #unwritten = 0;
  #measured = { at: Number.NEGATIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

  get folder(): string {
    return this.#folder.path;
  }

  /** Bytes in use. */
  get acquired(): number {
    return this.#acquired;
  }

  /** Makes the folder again if somebody has removed it. Throws `EBUSY` if that fails. */
  restore(): void {
    this.#folder.restore();
  }

  /** An unused path in the folder. */
  newPath(): string {
    return join(this.folder, randomBytes(12).toString("hex"));
  }

  /** A new folder in it for one task, which removes it. */
  async makeFolder(): Promise<string> {
    const path = this.newPath();
    await mkdir(path, { mode: 0o700 });
    return path;
  }

  /** Counts bytes that are about to be written, against `limits.tempBytes` and the disk. Throws `EBUSY` if there is no space for them. */
  acquire(bytes: number, limit: number): void {
    if (bytes <= 0) return;
    const capacity = Math.min(limit, this.#capacity());
    for (const evict of this.#evictors) {
      if (this.#acquired + bytes <= capacity) break;
      evict(this.#acquired + bytes - capacity);
    }
    if (this.#acquired + bytes > capacity) {
      throw new MediaError("EBUSY", "The server has no space for temporary files", {
        cause: new Error(
          `${bytes} bytes are needed, ${Math.max(0, capacity - this.#acquired)} are left in ${this.folder}`,
        ),
        retryAfterSeconds: 5,
      });
    }
    this.#acquired += bytes;
  }

  release(bytes: number): void {
    this.#acquired -= bytes;
  }

  /** Reserves bytes that will be written later, so that a task does not fail half-way for lack of space. Throws as `acquire` does. */
  reserve(bytes: number, limit: number): Reservation {
    this.acquire(bytes, limit);
    this.#unwritten += bytes;
    let unused = bytes;
    let total = bytes;
    return {
      use: (written) => {
        const reserved = Math.min(written, unused);
        unused -= reserved;
        this.#unwritten -= reserved;
        this.acquire(written - reserved, limit);
        total += written - reserved;
      },
      release: () => {
        this.release(total);
        this.#unwritten -= unused;
        total = unused = 0;
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

  /** The upper limit of `#acquired` on this disk. */
  #capacity(): number {
    const now = performance.now();
    if (now - this.#measured.at > MEASURE_MS) {
      this.#measured = { at: now, bytes: this.#acquired - this.#unwritten + freeBytes(this.folder) };
    }
    return this.#measured.bytes;
  }
}

export type { Temp };

let current: Temp | undefined;

/** The space of this process; created for its first user. Throws `EBUSY` while it cannot be created. */
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
