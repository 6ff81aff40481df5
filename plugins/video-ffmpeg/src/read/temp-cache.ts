import { rm } from "node:fs/promises";
import type { Temp } from "../process/temp.ts";

/** A temporary file that can be fetched again; its bytes are counted. */
export interface CachedFile {
  readonly path: string;
  readonly bytes: number;
  /** The file is kept while this is above 0. */
  users?: number;
}

/** Temporary files that are kept until space is needed; the least recently used one goes first. */
export class TempCache<F extends CachedFile> {
  readonly #temp: Temp;
  readonly #files = new Map<string, F>();
  readonly #stop: () => void;

  constructor(temp: Temp) {
    this.#temp = temp;
    this.#stop = temp.onShortage((bytes) => this.#evict(bytes));
  }

  get(name: string): F | undefined {
    const file = this.#files.get(name);
    if (file) this.set(name, file);
    return file;
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  /** Adds a file whose bytes are taken already. */
  set(name: string, file: F): void {
    this.#files.delete(name);
    this.#files.set(name, file);
  }

  /** Removes this very file, not another one that has come in its place. */
  delete(name: string, file: F): void {
    if (this.#files.get(name) !== file) return;
    this.#files.delete(name);
    this.#temp.release(file.bytes);
    rm(file.path, { force: true }).catch(() => {});
  }

  close(): void {
    this.#stop();
    for (const [name, file] of this.#files) this.delete(name, file);
  }

  #evict(bytes: number): number {
    let given = 0;
    for (const [name, file] of this.#files) {
      if (given >= bytes) break;
      if (file.users) continue;
      given += file.bytes;
      this.delete(name, file);
    }
    return given;
  }
}
