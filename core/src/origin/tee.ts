import { PassThrough, Readable, Transform } from "node:stream";
import type { Logger } from "pino";

/** Bytes that may wait for a slow copy; if there are more, reading waits for it … */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** … for so many milliseconds; then the copy is cancelled. So it slows nobody down below 8 MB a second. */
const TIMEOUT_MS = 1_000;

interface TeeOptions {
  /** Name of the origin, for the log. */
  readonly origin: string;
  readonly log: Logger;
  /** Writes the copy. What it gets ends with the last byte, and fails if reading breaks off or exceeds `maxBytes`. */
  readonly write: (body: Readable) => Promise<void>;
  readonly maxBytes: number;
  /** @default 1_000 */
  readonly timeout?: number;
}

/** A copy of an original that is written while the original is read for the response. It is written at most once. */
export interface Tee {
  /** Whether the copy is being written, or was. */
  readonly isUsed: boolean;
  /** All the bytes, if they are in memory. */
  store(bytes: Uint8Array): void;
  /** Passes on the bytes of `source`, also to the copy; `size`: the number of all bytes. */
  along(source: Readable, size: number | undefined): Readable;
}

export function createTee({ origin, log, write, maxBytes, timeout = TIMEOUT_MS }: TeeOptions): Tee {
  const onFailure = (err: unknown) => log.warn({ err, origin }, "a copy was not stored");
  let isUsed = false;

  return {
    get isUsed() {
      return isUsed;
    },
    store(bytes) {
      if (isUsed || bytes.byteLength > maxBytes) return;
      isUsed = true;
      write(Readable.from([bytes])).catch(onFailure);
    },
    along(source, size) {
      if (isUsed) return source;
      isUsed = true;
      const copy = new PassThrough();
      copy.on("error", () => {});
      write(copy).catch((error: unknown) => {
        copy.destroy();
        onFailure(error);
      });
      let seen = 0;
      const tee = new Transform({
        transform(chunk: Buffer, _, done) {
          seen += chunk.byteLength;
          if (seen > maxBytes) copy.destroy(new Error("the file is too large"));
          if (!copy.destroyed) copy.write(chunk);
          if (copy.destroyed || copy.writableLength <= MAX_WAITING_BYTES) return done(null, chunk);
          void caughtUp(copy).then(() => done(null, chunk));
        },
        destroy(error, done) {
          const isComplete = !error && (size === undefined || seen === size);
          if (isComplete && tee.readableEnded) copy.end();
          else copy.destroy(error ?? new Error("the original broke off"));
          done(error);
        },
      });
      source.on("error", (error) => tee.destroy(error));
      tee.on("close", () => source.destroy());
      return source.pipe(tee);
    },
  };

  /** Resolves when a copy has taken what waits for it, or is cancelled. */
  function caughtUp(copy: PassThrough): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        log.warn({ origin }, "a copy was too slow and was cancelled");
        copy.destroy(new Error("the copy was too slow"));
      }, timeout);
      const done = () => {
        clearTimeout(timer);
        copy.off("drain", done).off("close", done);
        resolve();
      };
      copy.on("drain", done).on("close", done);
    });
  }
}
