import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { changed, codeOf, type SettledBody } from "@mediatap/core";

/** Bytes that a reader is handed at a time. */
const CHUNK = 64 * 1024;

/** Counts those who read; told when the number changes. */
export interface Readers {
  come(): void;
  go(): void;
}

/** A file that is written at its end while any number of readers follow it from its beginning. */
export interface Spool {
  readonly path: string;
  write(chunk: Uint8Array): Promise<void>;
  /** No more will come; readers end, or fail with `error`. */
  end(error?: Error): void;
  stream(): Readable;
  /** Resolves once there are so many bytes, or no more will come; rejects with the error of its end. */
  reached(length: number): Promise<void>;
  close(): Promise<void>;
}

export async function createSpool(path: string, readers: Readers): Promise<Spool> {
  const handle = await open(path, "wx+", 0o600);
  let length = 0;
  let ended = false;
  let closed = false;
  let failure: Error | undefined;
  let waiting: (() => void)[] = [];

  const wake = () => {
    const woken = waiting;
    waiting = [];
    for (const go of woken) go();
  };
  const change = () => new Promise<void>((resolve) => waiting.push(resolve));

  /** The next bytes; `undefined`: no more will come. */
  async function next(at: number, left: () => boolean): Promise<Buffer | undefined> {
    while (at === length && !ended && !left()) await change();
    if (failure) throw failure;
    if (at === length || left()) return undefined;
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, length - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    return buffer.subarray(0, bytesRead);
  }

  return {
    path,
    stream() {
      if (closed) throw changed();
      let at = 0;
      let left = false;
      readers.come();
      return new Readable({
        highWaterMark: CHUNK,
        read() {
          next(at, () => left).then(
            (bytes) => {
              at += bytes?.length ?? 0;
              this.push(bytes ?? null);
            },
            (error: Error) => this.destroy(error),
          );
        },
        destroy(error, callback) {
          left = true;
          readers.go();
          wake();
          callback(error);
        },
      });
    },
    async write(chunk) {
      for (let done = 0; done < chunk.byteLength; ) {
        const { bytesWritten } = await handle.write(chunk, done, chunk.byteLength - done, length);
        done += bytesWritten;
        length += bytesWritten;
      }
      wake();
    },
    end(error) {
      if (ended) return;
      ended = true;
      failure = error;
      wake();
    },
    async reached(wanted) {
      while (length < wanted && !ended) await change();
      if (failure) throw failure;
    },
    async close() {
      closed = true;
      await handle.close();
    },
  };
}

/** A file as a body; `close` of what is returned beside it lets go of the file. */
export async function openFinished(path: string, readers: Readers) {
  const handle = await open(path, "r");
  const { size: length } = await handle.stat();
  let closed = false;
  const body: SettledBody = {
    settled: true,
    length,
    async stream(range) {
      if (closed) throw changed();
      readers.come();
      try {
        // Each reader has a descriptor of its own, opened now: without one the answer is an error, not a body that breaks off.
        const own = await open(path, "r");
        return own.createReadStream({ ...range, highWaterMark: CHUNK }).once("close", readers.go);
      } catch (error) {
        readers.go();
        throw codeOf(error) === "ENOENT" ? changed() : error;
      }
    },
  };
  return {
    body,
    async close() {
      closed = true;
      await handle.close();
    },
  };
}
