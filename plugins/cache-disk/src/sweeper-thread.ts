import { parentPort, workerData } from "node:worker_threads";
import type { Ban } from "@mediatap/core";
import { type Places, placesIn } from "./names.ts";
import { count, purge, touch } from "./sweep.ts";

/** What the thread is asked to do; it answers with the same number. */
export type Task =
  | { readonly what: "count"; readonly maxBytes: number }
  | { readonly what: "touch"; readonly uses: readonly (readonly [name: string, time: number])[] }
  | { readonly what: "purge"; readonly ban: Ban };

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
      return count(places, task.maxBytes, isWriterGone);
    case "touch":
      return touch(places, task.uses);
    case "purge":
      return purgeIn(places, task.ban);
  }
}

/** The core is loaded only where there is something to be found out: most of what is being written is this process's own. */
async function isWriterGone(writer: string): Promise<boolean> {
  if (writer === workerData) return false;
  const { isGone, parseOwner } = await import("@mediatap/core");
  const owner = parseOwner(writer);
  return owner !== undefined && isGone(owner) === true;
}

async function purgeIn(places: Places, ban: Ban): Promise<void> {
  const { isBanned } = ban.tenant === undefined ? {} : await import("@mediatap/core");
  await purge(places, ban, isBanned);
}

parentPort?.on("message", async ({ id, root, task }: Question) => {
  try {
    parentPort?.postMessage({ id, result: await carryOut(placesIn(root), task) } satisfies Answer);
  } catch (error) {
    parentPort?.postMessage({ id, error } satisfies Answer);
  }
});
