import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** Clock ticks a second in /proc (`getconf CLK_TCK`; 100 on every Linux that Node runs on). */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

interface Stat {
  readonly parent: number;
  readonly cpu: number;
  readonly resident: number;
}

/** One process of /proc/PID/stat (proc(5)): CPU in milliseconds, its ended children included. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in brackets, may hold anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const field = (number: number) => Number(fields[number - 3]);
    const ticks = field(14) + field(15) + field(16) + field(17);
    return { parent: field(4), cpu: (ticks * 1000) / TICKS_PER_SECOND, resident: field(24) * PAGE_BYTES };
  } catch {
    return undefined;
  }
}

/** A process and all below it. */
export function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    const stat = pid ? statOf(pid) : undefined;
    if (stat) children.set(stat.parent, [...(children.get(stat.parent) ?? []), pid]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** User and system time spent so far by the tree, in milliseconds. */
export const cpuOf = (root: number) => sum(treeOf(root).map((pid) => statOf(pid)?.cpu ?? 0));

/** Memory in use by the tree now, in MiB (shared pages count in each process). */
export const residentOf = (root: number) =>
  sum(treeOf(root).map((pid) => statOf(pid)?.resident ?? 0)) / 1024 ** 2;

/** Begins a new peak (proc(5), clear_refs 5); where that is not allowed, peaks are those since the start. */
export function resetPeak(root: number): void {
  for (const pid of treeOf(root)) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, "5");
    } catch {}
  }
}

/** The peak of the tree, in MiB: the peaks of its processes added up. */
export function peakOf(root: number): number {
  const peaks = treeOf(root).map((pid) => {
    try {
      return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    } catch {
      return 0;
    }
  });
  return sum(peaks) / 1024;
}

export const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Resolves when the tree has spent no time for a while: work that nobody waits for any more has ended. */
export async function waitForIdle(root: number, still = 500, longest = 60_000): Promise<void> {
  const end = performance.now() + longest;
  let before = cpuOf(root);
  let since = performance.now();
  while (performance.now() < end && performance.now() - since < still) {
    await sleep(50);
    const now = cpuOf(root);
    // One tick is what waiting itself costs.
    if (now - before > 1000 / TICKS_PER_SECOND) {
      before = now;
      since = performance.now();
    }
  }
}

/** The value below which `part` of the numbers lie; `NaN` for none. */
export function quantile(numbers: readonly number[], part: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}
