import { availableParallelism } from "node:os";
import { createPlaces, type RenderContext } from "@mediatap/core";

// What a file is must be known before its work has a price and a place in the server's queue. So that a flood of new files does
// not start as many programs, these have a short queue of their own.

const places = createPlaces(2 * availableParallelism());

/** Does a piece of work when there is a place. Throws `EBUSY` where that takes longer than `limits.queueWait`. */
export function inTurn<T>({ signal, limits }: RenderContext, work: () => Promise<T>): Promise<T> {
  return places.run(work, { signal, patience: limits.queueWait });
}
