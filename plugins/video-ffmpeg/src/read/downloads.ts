import { randomUUID } from "node:crypto";
import { addAbortListener } from "node:events";
import { open, rm } from "node:fs/promises";
import { type Limits, MediaError, type RenderContext, type Source } from "@mediatap/core";
import { createCoalescer } from "@mediatap/core/decode";
import type { Temp } from "../process/temp.ts";
import { type CachedFile, TempCache } from "./temp-cache.ts";

/** A complete file on this machine; disposed when it is not needed any more. */
export interface Download extends Disposable {
  readonly path: string;
}

type Copy = CachedFile & { users: number };

/** Complete files of origins that do not support ranges, or do not send a length: programs seek in a file. */
export class Downloads {
  readonly #temp: Temp;
  readonly #copies: TempCache<Copy>;
  readonly #running = createCoalescer<Copy>();

  constructor(temp: Temp) {
    this.#temp = temp;
    this.#copies = new TempCache(temp);
  }

  /**
   * `key` identifies the file and its version; left out, nobody else can share the copy. Throws `ELIMIT` for a file beyond
   * `limits.videoBytes` or `limits.tempBytes`, `EBUSY` if there is no space now.
   */
  async open(source: Source, key: string | undefined, { signal, limits }: RenderContext): Promise<Download> {
    const name = key ?? randomUUID();
    for (;;) {
      const copy =
        this.#copies.get(name) ??
        (await this.#running.run(name, { signal }, (signal) => this.#download(source, name, signal, limits)));
      // It may have been evicted by now.
      if (this.#copies.get(name) !== copy) continue;
      copy.users++;
      return {
        path: copy.path,
        [Symbol.dispose]: () => {
          if (--copy.users === 0 && key === undefined) this.#copies.delete(name, copy);
        },
      };
    }
  }

  close(): void {
    this.#copies.close();
  }

  async #download(source: Source, name: string, signal: AbortSignal, limits: Limits): Promise<Copy> {
    const limit = Math.min(limits.videoBytes, limits.tempBytes);
    const assertSize = (bytes: number) => {
      if (bytes > limit) throw new MediaError("ELIMIT", `Expected a video of at most ${limit} bytes`);
    };
    const { size } = source.metadata;
    assertSize(size ?? 0);
    const path = this.#temp.newPath();
    let bytes = 0;
    try {
      await using file = await open(path, "wx", 0o600);
      const body = await source.again(undefined, signal);
      using _ = addAbortListener(signal, () => body.destroy());
      for await (const chunk of body as AsyncIterable<Buffer>) {
        assertSize(bytes + chunk.length);
        this.#temp.acquire(chunk.length, limits.tempBytes);
        bytes += chunk.length;
        await file.writeFile(chunk);
      }
      signal.throwIfAborted();
      if (size !== undefined && bytes !== size) {
        throw new MediaError("UNIDENTIFIED", "The origin's response is truncated", { outage: true });
      }
    } catch (error) {
      this.#temp.release(bytes);
      await rm(path, { force: true });
      throw error;
    }
    const copy = { path, bytes, users: 0 };
    this.#copies.set(name, copy);
    return copy;
  }
}
