import { open, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { MediaError, type RenderContext, type Source } from "@mediatap/core";
import { type Temp, temp } from "../process/temp.ts";

/** A whole file on this machine. */
export interface Whole {
  readonly path: string;
  /** It may be removed once nobody holds it. */
  release(): void;
}

interface Held {
  readonly path: string;
  readonly gone: AbortController;
  ready: Promise<void>;
  done: boolean;
  users: number;
  bytes: number;
}

/** Copies of whole files, for programs that look here and there: of origins that give no parts, or tell no length. */
export class Wholes {
  readonly #temp: Temp;
  /** Those used last stand last. */
  readonly #held = new Map<string, Held>();
  readonly #stopYielding: () => void;

  constructor(space = temp()) {
    this.#temp = space;
    this.#stopYielding = space.yields((bytes) => this.#yield(bytes));
  }

  /**
   * `key` tells the file, and this version of it; left out, nobody else can share the copy. Throws `ELIMIT` for a file beyond
   * `limits.videoBytes` or `limits.tempBytes`, `EBUSY` where there is no room now.
   */
  async open(source: Source, key: string | undefined, { signal, limits }: RenderContext): Promise<Whole> {
    const path = this.#temp.newPath();
    const name = key ?? path;
    let held = this.#held.get(name);
    if (!held) {
      held = { path, gone: new AbortController(), ready: Promise.resolve(), done: false, users: 0, bytes: 0 };
      held.ready = this.#download(
        source,
        held,
        Math.min(limits.videoBytes, limits.tempBytes),
        limits.tempBytes,
      );
      held.ready.catch(() => {});
    }
    this.#held.delete(name);
    this.#held.set(name, held);
    const mine = held;
    mine.users++;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      if (--mine.users === 0 && (!mine.done || key === undefined)) this.#forget(name, mine);
    };
    signal.addEventListener("abort", release, { once: true });
    try {
      await mine.ready;
      signal.throwIfAborted();
      return { path: mine.path, release };
    } catch (error) {
      release();
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", release);
    }
  }

  close(): void {
    this.#stopYielding();
    for (const [name, held] of this.#held) this.#forget(name, held);
  }

  async #download(source: Source, held: Held, most: number, room: number): Promise<void> {
    const tooLarge = () => new MediaError("ELIMIT", `Expected a video of at most ${most} bytes`);
    if ((source.facts.size ?? 0) > most) throw tooLarge();
    const { signal } = held.gone;
    const file = await open(held.path, "wx", 0o600);
    let body: Readable | undefined;
    const stop = () => void body?.destroy();
    signal.addEventListener("abort", stop, { once: true });
    try {
      body = await source.again(undefined, signal);
      for await (const chunk of body as AsyncIterable<Buffer>) {
        if (held.bytes + chunk.length > most) throw tooLarge();
        signal.throwIfAborted();
        this.#temp.take(chunk.length, room);
        held.bytes += chunk.length;
        await file.writeFile(chunk);
      }
      signal.throwIfAborted();
      const { size } = source.facts;
      if (size !== undefined && held.bytes !== size) {
        throw new MediaError("UNIDENTIFIED", "The origin's response is truncated", { outage: true });
      }
      held.done = true;
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
      await file.close();
      if (signal.aborted) await rm(held.path, { force: true });
    }
  }

  #forget(name: string, held: Held): void {
    if (this.#held.get(name) !== held) return;
    this.#held.delete(name);
    held.gone.abort();
    this.#temp.give(held.bytes);
    held.bytes = 0;
    rm(held.path, { force: true }).catch(() => {});
  }

  #yield(bytes: number): number {
    let given = 0;
    for (const [name, held] of this.#held) {
      if (given >= bytes) break;
      if (held.users > 0) continue;
      given += held.bytes;
      this.#forget(name, held);
    }
    return given;
  }
}
