import { availableParallelism } from "node:os";
import { type Flight, MediaError } from "@mediatap/core";

// What a file is must be known before its work has a price and a place in the server's queue. So that a flood of new files does
// not start as many programs, these have a short queue of their own.

const PLACES = 2 * availableParallelism();
const waiting: (() => void)[] = [];
let working = 0;

/** Does a piece of work when there is a place. Throws `EBUSY` where that takes longer than `limits.queueWait`. */
export async function inTurn<T>({ signal, limits }: Flight, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  if (working < PLACES) working++;
  else await turn(signal, limits.queueWait);
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else working--;
  }
}

/** Resolves with the place of one who has done. */
function turn(signal: AbortSignal, patience: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    const go = () => {
      settle();
      resolve();
    };
    const giveUp = (reason: unknown) => {
      settle();
      waiting.splice(waiting.indexOf(go), 1);
      reject(reason);
    };
    const onAbort = () => giveUp(signal.reason);
    const timer = setTimeout(
      () => giveUp(new MediaError("EBUSY", "The server is busy", { retryAfterSeconds: 1 })),
      patience,
    );
    signal.addEventListener("abort", onAbort, { once: true });
    waiting.push(go);
  });
}
