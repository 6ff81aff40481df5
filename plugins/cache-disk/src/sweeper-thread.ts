import { parentPort, workerData } from "node:worker_threads";
import { type Places, placesIn } from "./names.ts";
import { compact, count, type Rules, touch } from "./sweep.ts";

/** What the thread is asked to do; it answers with the same number. */
export type Task =
  | { readonly what: "count"; readonly maxBytes: number }
  | { readonly what: "touch"; readonly uses: readonly (readonly [name: string, time: number])[] };

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

async function carryOut(places: Places, task: Task): Promise<unknown> {
  if (task.what === "touch") return touch(places, task.uses);
  await compact(places, loadRules);
  return await count(places, task.maxBytes, isWriterGone);
}

async function loadRules(): Promise<Rules> {
  const [{ matchesRule }, { parseRules }] = await Promise.all([
    import("@mediatap/core/cache"),
    import("./journal.ts"),
  ]);
  return { matches: matchesRule, parse: parseRules };
}

/** The core is loaded only where there is something to be found out: most of what is being written is this process's own. */
async function isWriterGone(writer: string): Promise<boolean> {
  if (writer === workerData) return false;
  const { isGone, parseOwner } = await import("@mediatap/core/cache");
  const owner = parseOwner(writer);
  return owner !== undefined && isGone(owner) === true;
}

parentPort?.on("message", async ({ id, root, task }: Question) => {
  try {
    parentPort?.postMessage({ id, result: await carryOut(placesIn(root), task) } satisfies Answer);
  } catch (error) {
    parentPort?.postMessage({ id, error } satisfies Answer);
  }
});
