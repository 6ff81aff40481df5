import { availableParallelism } from "node:os";
import type { LimitName, Limits } from "../model/limits.ts";

/** What a server as a whole may use, and not each of its processes. */
const DIVIDED: readonly LimitName[] = ["queueBytes", "tempBytes", "connections"];

/** The limits of one process where a server runs as several: together they take no more than one would. */
export function limitsOfShare(limits: Limits, workers: number): Limits {
  if (workers === 1) return limits;
  const divided = DIVIDED.map((name) => [name, Math.ceil(limits[name] / workers)]);
  const transforms = Math.max(1, Math.round((limits.transforms || availableParallelism()) / workers));
  return { ...limits, ...Object.fromEntries(divided), transforms };
}
