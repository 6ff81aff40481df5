import { readFile, rm, writeFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { type ByteRange, MediaError } from "@mediatap/core";
import { type Temp, temp } from "../process/temp.ts";

/** Bytes that are fetched and kept as one. */
export const BLOCK = 512 * 1024;
/** Blocks of one request, where a reader goes on and on. */
const MOST_AHEAD = 8;
/**
 * Milliseconds before more is asked for. Programs look into a file here and there, and what they have left unread fills the
 * system's buffers: without a pause megabytes are fetched that nobody wants.
 */
const PAUSE = 15;

/** A file at an origin, read by range. */
export interface BlockFile {
  /** Tells it from all others, this version from others, too. */
  readonly key: string;
  readonly size: number;
  /** The bytes of a range, from the origin, until the signal ends it. */
  open(range: ByteRange, signal: AbortSignal): Promise<Readable>;
  /** `limits.tempBytes`. */
  readonly room: number;
}

/** One who reads a file from a place on. */
export interface BlockReader {
  /** A block, the last one of a file shorter. Rejects with what the origin's failure is. */
  read(index: number): Promise<Buffer>;
  /** It reads no more: what is under way for it alone is given up, and what it waits for rejects. */
  leave(): void;
}

interface Kept {
  readonly path: string;
  readonly bytes: number;
  /** Until it is written. */
  buffer?: Buffer;
}

/** A request to an origin, for blocks that lie one behind the other. */
interface Run {
  readonly awaited: Map<string, PromiseWithResolvers<Buffer>>;
  readonly gone: AbortController;
  users: number;
}

/**
 * Parts of files at origins, as far as anybody has read them: fetched once, whoever reads, and kept in temporary files until
 * room is needed.
 */
export class Blocks {
  readonly #temp: Temp;
  /** Those used last stand last. */
  readonly #kept = new Map<string, Kept>();
  readonly #fetched = new Map<string, Run>();
  readonly #stopYielding: () => void;

  constructor(space = temp()) {
    this.#temp = space;
    this.#stopYielding = space.yields((bytes) => this.#yield(bytes));
  }

  reader(file: BlockFile): BlockReader {
    let left = false;
    const leaving = Promise.withResolvers<never>();
    leaving.promise.catch(() => {});
    let ahead = 1;
    let next: number | undefined;
    let own: Run | undefined;
    const read = async (index: number, paused = false): Promise<Buffer> => {
      const name = nameOf(file, index);
      for (let kept = this.#kept.get(name); kept; kept = this.#kept.get(name)) {
        const block = await this.#load(name, kept);
        if (block) return block;
      }
      const known = this.#fetched.get(name);
      if (known) return await this.#join(known, name, leaving.promise);
      if (left) throw new Error("The reader has left");
      if (next === index && !paused) {
        await delay(PAUSE);
        return await read(index, true);
      }
      ahead = next === index && own ? Math.min(MOST_AHEAD, ahead * 2) : 1;
      this.#leave(own);
      own = this.#fetch(file, index, ahead);
      own.users++;
      return await this.#join(own, name, leaving.promise);
    };
    return {
      read: async (index) => {
        const block = await read(index);
        next = index + 1;
        return block;
      },
      leave: () => {
        left = true;
        leaving.reject(new Error("The reader has left"));
        this.#leave(own);
        own = undefined;
      },
    };
  }

  close(): void {
    this.#stopYielding();
    for (const run of new Set(this.#fetched.values())) run.gone.abort();
    for (const { bytes } of this.#kept.values()) this.#temp.give(bytes);
    this.#kept.clear();
  }

  async #load(name: string, kept: Kept): Promise<Buffer | undefined> {
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    if (kept.buffer) return kept.buffer;
    const block = await readFile(kept.path).catch(() => undefined);
    if (block?.length === kept.bytes) return block;
    this.#forget(name, kept);
    return undefined;
  }

  async #join(run: Run, name: string, leaving: Promise<never>): Promise<Buffer> {
    const awaited = run.awaited.get(name) as PromiseWithResolvers<Buffer>;
    run.users++;
    try {
      return await Promise.race([awaited.promise, leaving]);
    } finally {
      this.#leave(run);
    }
  }

  /** Who comes later asks again. */
  #leave(run: Run | undefined): void {
    if (!run || --run.users > 0) return;
    this.#drop(run);
    run.gone.abort();
  }

  #drop(run: Run): void {
    for (const name of run.awaited.keys()) if (this.#fetched.get(name) === run) this.#fetched.delete(name);
  }

  /** Asks for a block, and those behind it that nobody has. */
  #fetch(file: BlockFile, first: number, ahead: number): Run {
    const run: Run = { awaited: new Map(), gone: new AbortController(), users: 0 };
    const end = Math.min(Math.ceil(file.size / BLOCK), first + ahead);
    let last = first;
    for (let index = first; index < end; index++) {
      const name = nameOf(file, index);
      if (this.#kept.has(name) || this.#fetched.has(name)) break;
      last = index;
      run.awaited.set(name, deferred());
      this.#fetched.set(name, run);
    }
    this.#fill(file, run, first, last).catch((error: unknown) => {
      this.#drop(run);
      for (const awaited of run.awaited.values()) awaited.reject(error);
    });
    return run;
  }

  async #fill(file: BlockFile, run: Run, first: number, last: number): Promise<void> {
    const { signal } = run.gone;
    const start = first * BLOCK;
    const end = Math.min(file.size, (last + 1) * BLOCK) - 1;
    const body = await file.open({ start, end }, signal);
    const stop = () => body.destroy();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      let index = first;
      let block = Buffer.allocUnsafe(Math.min(BLOCK, file.size - start));
      let length = 0;
      for await (const chunk of body as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length && index <= last; ) {
          const part = chunk.subarray(at, at + block.length - length);
          block.set(part, length);
          at += part.length;
          length += part.length;
          if (length < block.length) break;
          this.#have(file, index, block, run);
          index++;
          block = Buffer.allocUnsafe(Math.max(0, Math.min(BLOCK, file.size - index * BLOCK)));
          length = 0;
        }
        if (index > last) return;
      }
      signal.throwIfAborted();
      throw new MediaError("UNIDENTIFIED", "The origin's response is truncated", { outage: true });
    } finally {
      signal.removeEventListener("abort", stop);
      body.destroy();
    }
  }

  #have(file: BlockFile, index: number, block: Buffer, run: Run): void {
    const name = nameOf(file, index);
    this.#keep(name, block, file.room);
    this.#fetched.delete(name);
    run.awaited.get(name)?.resolve(block);
  }

  /** A block for which there is no room, or that cannot be written, is fetched again when it is wanted again. */
  #keep(name: string, block: Buffer, room: number): void {
    try {
      this.#temp.take(block.length, room);
    } catch {
      return;
    }
    const kept: Kept = { path: this.#temp.newPath(), bytes: block.length, buffer: block };
    this.#kept.set(name, kept);
    writeFile(kept.path, block, { mode: 0o600, flag: "wx" }).then(
      () => {
        delete kept.buffer;
        if (this.#kept.get(name) !== kept) rm(kept.path, { force: true }).catch(() => {});
      },
      () => this.#forget(name, kept),
    );
  }

  #forget(name: string, kept: Kept): void {
    if (this.#kept.get(name) !== kept) return;
    this.#kept.delete(name);
    this.#temp.give(kept.bytes);
    rm(kept.path, { force: true }).catch(() => {});
  }

  #yield(bytes: number): number {
    let given = 0;
    for (const [name, kept] of this.#kept) {
      if (given >= bytes) break;
      given += kept.bytes;
      this.#forget(name, kept);
    }
    return given;
  }
}

const nameOf = ({ key }: BlockFile, index: number) => `${index} ${key}`;

function deferred(): PromiseWithResolvers<Buffer> {
  const made = Promise.withResolvers<Buffer>();
  made.promise.catch(() => {});
  return made;
}
