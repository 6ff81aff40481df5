import { PassThrough, Readable, Transform } from "node:stream";
import type { Logger } from "pino";

/** Bytes that may wait for a slow copy; when there are more, reading waits for it … */
const BEHIND = 8 * 1024 * 1024;
/** … for so many milliseconds; then the copy is given up. So it slows nobody down below 8 MB a second. */
const PATIENCE = 1_000;

export type Write = (body: Readable) => Promise<void>;

/** Copies of an original that are written while it is read for the answer. */
export interface Copies {
  add(write: Write): void;
  /** All the bytes, where they are in memory. */
  give(bytes: Uint8Array): void;
  /** Lets the bytes of `source` through, and into the copies; `size`: how many make the whole. */
  along(source: Readable, size: number | undefined): Readable;
}

/** Copies of an original of this origin; those that could not be written are logged. */
export function createCopies(origin: string, log: Logger, patience = PATIENCE): Copies {
  const onFailure = (err: unknown) => log.warn({ err, origin }, "a copy was not stored");
  let writers: Write[] = [];
  const take = () => writers.splice(0);

  return {
    add: (write) => writers.push(write),
    give(bytes) {
      for (const write of take()) write(Readable.from([bytes])).catch(onFailure);
    },
    along(source, size) {
      const taken = take();
      writers = [];
      if (taken.length === 0) return source;
      const copies = taken.map((write) => {
        const copy = new PassThrough();
        copy.on("error", () => {});
        write(copy).catch((error: unknown) => {
          copy.destroy();
          onFailure(error);
        });
        return copy;
      });
      let seen = 0;
      const tee = new Transform({
        transform(chunk: Buffer, _, done) {
          seen += chunk.byteLength;
          for (const copy of copies) if (!copy.destroyed) copy.write(chunk);
          const behind = copies.filter((copy) => !copy.destroyed && copy.writableLength > BEHIND);
          if (behind.length === 0) return done(null, chunk);
          void Promise.all(behind.map(caughtUp)).then(() => done(null, chunk));
        },
        destroy(error, done) {
          const whole = !error && (size === undefined || seen === size);
          for (const copy of copies) {
            if (whole && tee.readableEnded) copy.end();
            else copy.destroy(error ?? new Error("the original broke off"));
          }
          done(error);
        },
      });
      source.on("error", (error) => tee.destroy(error));
      tee.on("close", () => source.destroy());
      return source.pipe(tee);
    },
  };

  /** Resolves when a copy has taken what waits for it, or is given up. */
  function caughtUp(copy: PassThrough): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        log.warn({ origin }, "a copy was too slow and was cancelled");
        copy.destroy(new Error("the copy was too slow"));
      }, patience);
      const done = () => {
        clearTimeout(late);
        copy.off("drain", done).off("close", done);
        resolve();
      };
      copy.on("drain", done).on("close", done);
    });
  }
}
