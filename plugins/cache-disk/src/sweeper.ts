import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { ownerText, thisOwner, withTimeout } from "@mediatap/core/cache";
import type { Sweep, Swept } from "./sweeper-thread.ts";

/** Milliseconds after which a thread without work ends. */
const IDLE_TIMEOUT_MS = 10_000;

/** Milliseconds that the end of a server waits for tasks: a count of a slow disk takes long, and is repeated at the next start. */
const CLOSE_TIMEOUT_MS = 5_000;

/** The thread's program is in the same folder as this module, as source or as built. */
const PROGRAM = new URL(`./sweeper-thread${extname(import.meta.url)}`, import.meta.url);

/** Work on many files of a folder, in a thread that runs only while there is work and keeps the process alive only at the end. */
export function createSweeper(root: string) {
  let worker: Worker | undefined;
  let waiting: PromiseWithResolvers<Swept> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isClosing = false;

  async function end(): Promise<void> {
    clearTimeout(timer);
    const ended = worker;
    worker = undefined;
    await ended?.terminate();
  }

  function start(): Worker {
    const started = new Worker(PROGRAM, { name: "cache-disk", workerData: [root, ownerText(thisOwner())] });
    const onEnd = (error: unknown) => {
      if (worker !== started) return;
      worker = undefined;
      waiting?.reject(error);
    };
    started.on("message", (swept: Swept) => waiting?.resolve(swept));
    started.on("error", onEnd).on("exit", () => onEnd(new Error("the thread has ended")));
    if (!isClosing) started.unref();
    return started;
  }

  async function run(task: Sweep): Promise<Swept> {
    clearTimeout(timer);
    waiting = Promise.withResolvers();
    worker ??= start();
    worker.postMessage(task);
    return await waiting.promise.finally(() => {
      timer = setTimeout(end, IDLE_TIMEOUT_MS).unref();
    });
  }

  return {
    /** Runs a task after those before it; its result is defined only for tasks with `maxBytes`. */
    run(task: Sweep): Promise<Swept> {
      const done = last.then(() => run(task));
      last = done.catch(() => undefined);
      return done;
    },
    /** Waits for tasks, but not for long. */
    async close(): Promise<void> {
      isClosing = true;
      worker?.ref();
      await withTimeout(CLOSE_TIMEOUT_MS, last).catch(() => undefined);
      isClosing = false;
      await end();
    },
  };
}
