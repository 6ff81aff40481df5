import { EventEmitter, once } from "node:events";
import { type FileHandle, open, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { type CompleteBody, changed, codeOf } from "@mediatap/core";

/** Bytes that a reader gets at a time. */
const CHUNK_BYTES = 64 * 1024;

/** Counts readers. */
export interface Readers {
  enter(): void;
  leave(): void;
}

/** A file that is written at its end while any number of readers follow it from its beginning. */
export class TailingFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #readers: Readers;
  readonly #events = new EventEmitter().setMaxListeners(0);
  #length = 0;
  #ended = false;
  #closed = false;
  #failure: Error | undefined;

  private constructor(path: string, handle: FileHandle, readers: Readers) {
    this.path = path;
    this.#handle = handle;
    this.#readers = readers;
  }

  static async create(path: string, readers: Readers): Promise<TailingFile> {
    return new TailingFile(path, await open(path, "wx+", 0o600), readers);
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.byteLength; ) {
      const left = chunk.byteLength - done;
      const { bytesWritten } = await this.#handle.write(chunk, done, left, this.#length);
      done += bytesWritten;
      this.#length += bytesWritten;
    }
    this.#events.emit("change");
  }

  /** No more will come; readers end, or fail with `error`. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = error;
    this.#events.emit("change");
  }

  /** Resolves when there are so many bytes, or no more will come; rejects with the error of its end. */
  async reached(length: number): Promise<void> {
    while (this.#length < length && !this.#ended) await once(this.#events, "change");
    if (this.#failure) throw this.#failure;
  }

  stream(): Readable {
    if (this.#closed) throw changed();
    let at = 0;
    const stream = new Readable({
      highWaterMark: CHUNK_BYTES,
      read: () => {
        this.#next(at, stream).then(
          (bytes) => {
            at += bytes?.length ?? 0;
            stream.push(bytes ?? null);
          },
          (error: Error) => stream.destroy(error),
        );
      },
      destroy: (error, callback) => {
        this.#readers.leave();
        this.#events.emit("change");
        callback(error);
      },
    });
    this.#readers.enter();
    return stream;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#handle.close();
  }

  /** The next bytes; `undefined`: no more will come, or the reader has left. */
  async #next(at: number, reader: Readable): Promise<Buffer | undefined> {
    while (at === this.#length && !this.#ended && !reader.destroyed) await once(this.#events, "change");
    if (this.#failure) throw this.#failure;
    if (at === this.#length || reader.destroyed) return undefined;
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, this.#length - at));
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, at);
    return buffer.subarray(0, bytesRead);
  }
}

/** A complete file as a body, until it is removed. */
export async function fileBody(path: string, readers: Readers): Promise<CompleteBody> {
  const { size: length } = await stat(path);
  return {
    complete: true,
    length,
    async stream(range) {
      readers.enter();
      try {
        // Opened now: without a descriptor the response is an error, not a body that breaks off.
        const handle = await open(path, "r");
        return handle.createReadStream({ ...range, highWaterMark: CHUNK_BYTES }).once("close", readers.leave);
      } catch (error) {
        readers.leave();
        throw codeOf(error) === "ENOENT" ? changed() : error;
      }
    },
  };
}
