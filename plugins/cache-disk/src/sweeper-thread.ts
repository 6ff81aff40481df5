import { parentPort } from "node:worker_threads";
import { type Places, placesIn } from "./names.ts";
import { count, purge, touch, type Wanted } from "./sweep.ts";

/** What the thread is asked to do; it answers with the same number. */
export type Task =
  | { readonly what: "count"; readonly maxBytes: number }
  | { readonly what: "touch"; readonly uses: readonly (readonly [name: string, time: number])[] }
  | { readonly what: "purge"; readonly wanted: Wanted };

export interface Question {
  readonly id: number;
  readonly root: string;
  readonly task: Task;
}

export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: unknown;
}

function carryOut(places: Places, task: Task): unknown {
  switch (task.what) {
    case "count":
      return count(places, task.maxBytes);
    case "touch":
      return touch(places, task.uses);
    case "purge":
      return purge(places, task.wanted);
  }
}

parentPort?.on("message", async ({ id, root, task }: Question) => {
  try {
    parentPort?.postMessage({ id, result: await carryOut(placesIn(root), task) } satisfies Answer);
  } catch (error) {
    parentPort?.postMessage({ id, error } satisfies Answer);
  }
});
