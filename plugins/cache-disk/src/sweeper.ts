import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { ownerText, thisOwner } from "@mediatap/core/cache";
import type { Answer, Question, Task } from "./sweeper-thread.ts";

/** Milliseconds after which a thread without work ends. */
const REST = 10_000;

/** The thread's program lies beside this module, as source or as built. */
const PROGRAM = new URL(`./sweeper-thread${extname(import.meta.url)}`, import.meta.url);

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** Work on many files of a folder, in a thread that is there only while there is work, and keeps no process alive. */
export function createSweeper(root: string) {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let timer: NodeJS.Timeout | undefined;
  let last = 0;

  function wake(): Worker {
    clearTimeout(timer);
    if (worker) return worker;
    const made = new Worker(PROGRAM, { name: "cache-disk", workerData: ownerText(thisOwner()) });
    made.unref();
    made.on("message", ({ id, result, error }: Answer) => {
      if (error === undefined) waiting.get(id)?.resolve(result);
      else waiting.get(id)?.reject(error);
      waiting.delete(id);
      if (waiting.size > 0) return;
      timer = setTimeout(() => void end(made), REST).unref();
    });
    const gone = (error: unknown) => {
      if (worker === made) worker = undefined;
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    made.on("error", gone);
    made.on("exit", () => gone(new Error("the thread has ended")));
    worker = made;
    return made;
  }

  async function end(made: Worker | undefined): Promise<void> {
    if (worker === made) worker = undefined;
    await made?.terminate();
  }

  function ask(task: Task & { what: "count" }): Promise<{ bytes: number; removed: number }>;
  function ask(task: Task): Promise<unknown>;
  function ask(task: Task): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      try {
        wake().postMessage({ id, root, task } satisfies Question);
      } catch (error) {
        waiting.delete(id);
        reject(error);
      }
    });
  }

  return {
    ask,
    async close(): Promise<void> {
      clearTimeout(timer);
      await end(worker);
    },
  };
}

export type Sweeper = ReturnType<typeof createSweeper>;
