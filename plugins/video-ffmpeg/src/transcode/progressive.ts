import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type GrowingBody, type Limits, MediaError, type SettledBody } from "@mediatap/core";
import type { Running } from "../process/command.ts";
import type { Reservation } from "../process/temp.ts";
import { createSpool, openFinished } from "./tailing-file.ts";

/** Milliseconds after which work that nobody reads is given up. */
const PATIENCE = 5_000;

/** Milliseconds for which a finished file waits for the next reader: caches copy it meanwhile. */
const LINGER = 30_000;

/** Bytes that show that a program works: more than the head of a file. */
const BEGUN = 4_096;

export interface GrowthParts {
  /** Path of a folder of its own; removed at the end. */
  readonly folder: string;
  /** Begins the work, whose standard output is what grows. */
  readonly start: (signal: AbortSignal) => Running;
  /** Makes the finished file out of what has grown; its path. */
  readonly finish: (path: string, signal: AbortSignal) => Promise<string>;
  readonly limits: Limits;
  /** Space for what grows and for the finished file; released at the end. */
  readonly room: Reservation;
  /** Somebody waits for the finished file: that nobody reads what grows means nothing. */
  readonly isAwaited: boolean;
  /** Closed once nothing is read any more of what the work needs. */
  readonly input: { close(): Promise<void> };
}

/** Work whose result is read while it is made. */
export interface Growth {
  readonly body: GrowingBody;
  readonly whole: Promise<SettledBody>;
  /** Resolves once the first bytes are there; rejects where the work fails before. */
  begun(): Promise<void>;
  /** Ends the work, with an error for all readers. */
  abort(reason: Error): void;
}

export const removeFolder = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

/**
 * Runs work into a file that any number of readers follow. Without a reader for a few seconds it is given up; a finished file
 * goes a while after its last reader has gone.
 */
export async function grow({
  folder,
  start,
  finish,
  limits,
  room,
  input,
  isAwaited,
}: GrowthParts): Promise<Growth> {
  const end = new AbortController();
  let reading = 0;
  let state: "growing" | "finished" | "over" = "growing";
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    clearTimeout(timer);
    if (reading > 0 || state === "over" || (isAwaited && state === "growing")) return;
    timer = setTimeout(
      () => {
        if (state === "growing") end.abort(new MediaError("EINTERNAL", "No client reads the video any more"));
        else void clear();
      },
      state === "growing" ? PATIENCE : LINGER,
    ).unref();
  }
  const readers = {
    come() {
      reading++;
      look();
    },
    go() {
      reading--;
      look();
    },
  };
  const spool = await createSpool(join(folder, "growing"), readers);
  let finished: Awaited<ReturnType<typeof openFinished>> | undefined;

  async function clear(): Promise<void> {
    state = "over";
    clearTimeout(timer);
    await Promise.allSettled([spool.close(), finished?.close()]);
    await removeFolder(folder);
    room.release();
  }

  async function work(): Promise<SettledBody> {
    try {
      let length = 0;
      const running = start(end.signal);
      try {
        for await (const chunk of running.stdout) {
          length += (chunk as Buffer).length;
          if (length > limits.videoOutput) {
            throw new MediaError("ELIMIT", `Expected a video of at most ${limits.videoOutput} bytes`);
          }
          room.use((chunk as Buffer).length);
          await spool.write(chunk as Buffer);
        }
        await running.done;
      } finally {
        running.kill();
      }
      // What has been sent is whole, whatever becomes of the rest.
      spool.end();
      await input.close();
      room.use(length);
      const path = await finish(spool.path, end.signal);
      finished = await openFinished(path, readers);
      state = "finished";
      look();
      return finished.body;
    } catch (cause) {
      const error = (end.signal.aborted ? end.signal.reason : cause) as Error;
      spool.end(error);
      await input.close().catch(() => {});
      await clear();
      throw error;
    }
  }

  const whole = work();
  whole.catch(() => {});
  look();
  return {
    whole,
    abort: (reason) => end.abort(reason),
    begun: () => spool.reached(BEGUN),
    body: { settled: false, stream: async () => spool.stream(), whole },
  };
}
