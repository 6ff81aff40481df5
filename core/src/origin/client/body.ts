import { pipeline, Readable } from "node:stream";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import { codeOf } from "../../model/errors.ts";
import type { Clock } from "./clock.ts";

/** The codings that are undone; more than one at a time is not (RFC 9110 §8.4). */
const DECODERS = { gzip: createGunzip, "x-gzip": createGunzip, br: createBrotliDecompress } as const;

export type Coding = keyof typeof DECODERS;

/** The name of a coding, in lower case; `undefined` for none. */
export function codingOf(header: string | undefined): string | undefined {
  const coding = header?.trim().toLowerCase();
  return coding === undefined || coding === "" || coding === "identity" ? undefined : coding;
}

export function isDecodable(coding: string): coding is Coding {
  return Object.hasOwn(DECODERS, coding);
}

/** Whether an error is one of zlib or Brotli. */
export function isCodingError(error: unknown): boolean {
  return /^(Z_|ERR__)/.test(codeOf(error) ?? "");
}

/** The body without its coding, decoded as it is read. */
export function decode(body: Readable, coding: Coding): Readable {
  return pipeline(body, DECODERS[coding](), () => undefined);
}

export interface ReadOptions {
  /** Runs only while the stream waits for the origin: a slow reader does not use up the origin's time. */
  readonly clock: Clock;
  /** The error that the reader gets for a failure. */
  readonly failure: (error: unknown) => unknown;
  /** Called once, when the body was read or cancelled. */
  readonly done: () => void;
}

/** The stream that callers read. Destroying it destroys `source`, and so frees the connection. */
export function readOf(source: Readable, { clock, failure, done }: ReadOptions): Readable {
  const out = new Readable({
    read() {
      clock.run();
      source.resume();
    },
    destroy(error, callback) {
      clock.hold();
      source.destroy();
      done();
      callback(error);
    },
  });
  // A failure while nobody listens reaches whoever reads later; without a listener it would end the process.
  out.on("error", () => undefined);
  source.on("data", (chunk: Buffer) => {
    if (out.push(chunk)) return;
    source.pause();
    clock.hold();
  });
  // undici uses a connection again one turn of the event loop later: whoever reads on then needs no second connection.
  source.on("end", () => setImmediate(() => out.push(null)));
  source.on("error", (error) => out.destroy(failure(error) as Error));
  source.pause();
  clock.hold();
  return out;
}
