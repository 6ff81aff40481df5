import { PassThrough, Readable, Transform } from "node:stream";

/** Bytes that may wait for a slow copy; more, and the copy is given up. */
const BEHIND = 8 * 1024 * 1024;

export type Write = (body: Readable) => Promise<void>;

/** Copies of an original that are written while it is read for the answer. */
export interface Copies {
  add(write: Write): void;
  /** All the bytes, where they are in memory. */
  give(bytes: Uint8Array): void;
  /** Lets the bytes of `source` through, and into the copies; `size`: how many make the whole. */
  along(source: Readable, size: number | undefined): Readable;
}

/** `onFailure` hears of copies that could not be written. */
export function createCopies(onFailure: (error: unknown) => void): Copies {
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
          for (const copy of copies) {
            if (copy.writableLength > BEHIND) copy.destroy(new Error("the copy cannot keep up"));
            else if (!copy.destroyed) copy.write(chunk);
          }
          done(null, chunk);
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
}
