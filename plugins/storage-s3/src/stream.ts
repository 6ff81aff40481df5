import { pipeline, Readable } from "node:stream";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import { codeOf, MediaError } from "@mediatap/core";
import { brokenBody } from "./failures.ts";

/** The codings that are undone; more than one at a time is not. */
const DECODERS = { gzip: createGunzip, "x-gzip": createGunzip, br: createBrotliDecompress } as const;

export interface Reading {
  readonly body: Readable;
  /** Place in the object of the body's first byte. */
  readonly from: number;
  /** Place behind the last byte; `undefined`: the service did not say. */
  readonly until: number | undefined;
  /** Asks for the same object from a place on; `undefined`: that cannot be had. */
  readonly resume: (at: number, signal: AbortSignal) => Promise<Readable | undefined>;
  /** Longest wait for bytes, in milliseconds. */
  readonly idle: number;
  /** All waits together. */
  readonly total: number;
  readonly signal: AbortSignal;
}

/**
 * A body, continued once where it breaks off or stalls. Time counts only while the reader waits for bytes. The stream
 * fails where bytes are missing; destroying it frees the connection.
 */
export function streamOf({ body, from, until, resume, idle, total, signal }: Reading): Readable {
  let source: Readable | undefined;
  let at = from;
  let left = total;
  let waiting: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let resumed = false;

  const abort = () => out.destroy(signal.reason);
  const out = new Readable({
    read() {
      wait();
      source?.resume();
    },
    destroy(error, callback) {
      hold();
      signal.removeEventListener("abort", abort);
      (source ?? body).destroy();
      callback(error);
    },
  });
  // A failure while nobody listens is told to whoever reads later; without a listener it would end the process.
  out.on("error", () => undefined);

  function wait(): void {
    waiting ??= performance.now();
    clearTimeout(timer);
    const spent = performance.now() - waiting;
    timer = setTimeout(
      () => broken(brokenBody("The origin's answer took too long")),
      Math.max(0, Math.min(idle, left - spent)),
    );
  }

  function hold(): void {
    clearTimeout(timer);
    if (waiting !== undefined) left -= performance.now() - waiting;
    waiting = undefined;
  }

  function attach(next: Readable): void {
    source = next;
    let ended = false;
    const brokenOff = (cause?: unknown) => {
      if (!ended) broken(brokenBody("The origin's answer broke off", cause));
    };
    next.on("data", (chunk: Buffer) => {
      at += chunk.length;
      if (until !== undefined && at > until)
        return void out.destroy(brokenBody("The origin's answer is too long"));
      if (out.push(chunk)) return wait();
      next.pause();
      hold();
    });
    next.on("end", () => {
      if (until !== undefined && at !== until) return brokenOff();
      ended = true;
      out.push(null);
    });
    next.on("error", brokenOff);
    next.on("close", () => brokenOff());
    // It broke off before anybody listened.
    if (next.destroyed) process.nextTick(brokenOff);
  }

  function broken(error: Error): void {
    const failed = source;
    source = undefined;
    if (failed) {
      // What it may still say does not count.
      failed
        .removeAllListeners()
        .on("error", () => undefined)
        .destroy();
    }
    if (out.destroyed) return;
    if (at === until) return void out.push(null);
    if (resumed || left <= 0) return void out.destroy(error);
    resumed = true;
    hold();
    resume(at, signal).then(
      (next) => {
        if (!next) return out.destroy(error);
        if (out.destroyed) return next.destroy();
        attach(next);
        wait();
        return undefined;
      },
      () => out.destroy(error),
    );
  }

  attach(body);
  body.pause();
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return out;
}

export function isDecodable(coding: string): coding is keyof typeof DECODERS {
  return Object.hasOwn(DECODERS, coding);
}

/** The body without its coding, decoded as it is read. */
export function decode(body: Readable, coding: keyof typeof DECODERS): Readable {
  return Readable.from(decoded(pipeline(body, DECODERS[coding](), () => undefined)), { objectMode: false });
}

async function* decoded(stream: Readable): AsyncGenerator<Buffer> {
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    // Codes of zlib and of Brotli.
    if (!/^(Z_|ERR__)/.test(codeOf(error) ?? "")) throw error;
    throw new MediaError("UNIDENTIFIED", "The origin's file cannot be decoded", { cause: error });
  }
}

/** The bytes of a range out of a stream that begins at the object's first byte. */
export function cutOut(whole: Readable, start: number, end: number): Readable {
  return Readable.from(between(whole, start, end), { objectMode: false });
}

async function* between(whole: Readable, start: number, end: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of whole as AsyncIterable<Buffer>) {
    const wanted = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
    at += chunk.length;
    if (wanted.length > 0) yield wanted;
    if (at > end) return;
  }
}
