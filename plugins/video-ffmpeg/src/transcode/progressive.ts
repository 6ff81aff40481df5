import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type CompleteBody, type GrowingBody, type Limits, MediaError } from "@mediatap/core";
import type { Running } from "../process/command.ts";
import type { Reservation } from "../process/temp.ts";
import { fileBody, TailingFile } from "./tailing-file.ts";

/** Time without a reader after which the work is stopped. */
const NO_READER_TIMEOUT_MS = 5_000;
/** Time without a reader for which a finished file is kept: caches copy it meanwhile. */
const KEEP_FINISHED_MS = 30_000;
/** Bytes that show that a program has started: more than the head of a file. */
const MIN_STARTED_BYTES = 4_096;

export interface ProgressiveOptions {
  /** A folder for this output; removed at the end. */
  readonly folder: string;
  /** Starts the program, whose standard output is the output. */
  readonly start: (signal: AbortSignal) => Running;
  /** Makes the finished file of the output; its path. */
  readonly finish: (path: string, signal: AbortSignal) => Promise<string>;
  readonly limits: Limits;
  /** Space for the output and for the finished file; released at the end. */
  readonly reservation: Reservation;
  /** Somebody waits for the finished file, so the work goes on without readers. */
  readonly isAwaited: boolean;
  /** Disposed when the program has read it. */
  readonly input: AsyncDisposable;
}

/** The output of a program that is read while it is written. */
export interface Progressive {
  readonly body: GrowingBody;
  readonly completed: Promise<CompleteBody>;
  /** Resolves when the first bytes are there; rejects if the work fails before. */
  started(): Promise<void>;
  /** Ends the work, with an error for all readers. */
  abort(reason: Error): void;
}

/**
 * Runs a program into a file that any number of readers follow. Without a reader for some seconds the work is stopped; a finished file
 * is removed some time after its last reader.
 */
export async function startProgressive(options: ProgressiveOptions): Promise<Progressive> {
  const { folder, start, finish, limits, reservation, input, isAwaited } = options;
  const end = new AbortController();
  let readerCount = 0;
  let state: "running" | "finished" | "closed" = "running";
  let timer: NodeJS.Timeout | undefined;

  /** Starts or stops the timeout without readers. */
  function count(change: number): void {
    readerCount += change;
    clearTimeout(timer);
    if (readerCount > 0 || state === "closed" || (isAwaited && state === "running")) return;
    const expire = () => {
      if (state === "finished") return void clear();
      end.abort(new MediaError("EINTERNAL", "No client reads the video any more"));
    };
    timer = setTimeout(expire, state === "running" ? NO_READER_TIMEOUT_MS : KEEP_FINISHED_MS).unref();
  }
  const readers = { enter: () => count(1), leave: () => count(-1) };
  const file = await TailingFile.create(join(folder, "output"), readers);

  async function clear(): Promise<void> {
    state = "closed";
    clearTimeout(timer);
    await file.close().catch(() => {});
    await rm(folder, { recursive: true, force: true });
    reservation.release();
  }

  /** Writes the output. Its length. */
  async function write(): Promise<number> {
    let length = 0;
    const running = start(end.signal);
    try {
      for await (const chunk of running.outputs[0] as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > limits.videoOutput) {
          throw new MediaError("ELIMIT", `Expected a video of at most ${limits.videoOutput} bytes`);
        }
        reservation.use(chunk.length);
        await file.write(chunk);
      }
      await running.done;
      return length;
    } finally {
      running.kill();
    }
  }

  async function work(): Promise<CompleteBody> {
    try {
      const length = await write();
      // The output is complete, even if the rewriting fails.
      file.end();
      await input[Symbol.asyncDispose]();
      reservation.use(length);
      const body = await fileBody(await finish(file.path, end.signal), readers);
      state = "finished";
      count(0);
      return body;
    } catch (cause) {
      const error = (end.signal.aborted ? end.signal.reason : cause) as Error;
      file.end(error);
      await Promise.allSettled([input[Symbol.asyncDispose]()]);
      await clear();
      throw error;
    }
  }

  const completed = work();
  completed.catch(() => {});
  count(0);
  return {
    completed,
    abort: (reason) => end.abort(reason),
    started: () => file.reached(MIN_STARTED_BYTES),
    body: { complete: false, stream: async () => file.stream(), completed },
  };
}
