import { availableParallelism, totalmem } from "node:os";
import type { LimitName, Limits } from "../model/limits.ts";

/** What a server as a whole may use, and not each of its processes. */
const DIVIDED_LIMITS: readonly LimitName[] = ["queueBytes", "tempBytes", "connections"];

const MB = 1024 * 1024;

/** Memory that is left to caches, whatever the number of processes … */
const CACHE_RESERVE_BYTES = 128 * MB;
/** … and to each process, for its code, buffers and what the allocator keeps. */
const PROCESS_RESERVE_BYTES = 192 * MB;
/** A process that could not make a small picture would be of no use. */
const MIN_MEMORY_BYTES = 64 * MB;

/** Part of the machine's memory that downloaded sources may take. */
const MAX_QUEUE_RATIO = 1 / 8;

/**
 * The limits of one process of a server that runs as several: together they take no more than one would, and no more memory than
 * the machine has.
 */
export function perWorkerLimits(limits: Limits, workers: number): Limits {
  const memory = perWorkerMemory(limits.memory, workers);
  const all = {
    ...limits,
    memory,
    queueBytes: Math.min(limits.queueBytes, machineMemory() * MAX_QUEUE_RATIO),
  };
  if (workers === 1) return all;
  const divided = DIVIDED_LIMITS.map((name) => [name, Math.ceil(all[name] / workers)]);
  const transforms = Math.max(1, Math.round((limits.transforms || availableParallelism()) / workers));
  return { ...all, ...Object.fromEntries(divided), transforms };
}

/** Bytes that the transforms of one process may take. `limit`: as configured, of all; 0: by the machine. */
export function perWorkerMemory(limit: number, workers: number, machine = machineMemory()): number {
  const left = Math.min(machine / 2, machine - CACHE_RESERVE_BYTES - workers * PROCESS_RESERVE_BYTES);
  const all = limit > 0 ? Math.min(limit, machine) : left;
  return Math.max(limit > 0 ? 1 : MIN_MEMORY_BYTES, Math.floor(all / workers));
}

/** Memory of the machine, or of the container (cgroup) if that has less. */
function machineMemory(): number {
  // Without a constraint it is 0, or more than there is.
  return Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
}
