import fs from "node:fs";
import os from "node:os";

/** Added to the process's own: such a thread still gets half of what another one gets that wants the same core. */
const NICER = 3;

const THREADS = "/proc/self/task";

/**
 * Has the threads that make pictures step back behind the one that answers, so that what lies in a cache does not wait for
 * what is being made. Threads that a native library starts inherit it. Linux alone knows a priority of threads (setpriority(2), "C
 * library/kernel differences"); elsewhere, and where it is not allowed, all stay alike.
 */
export function lowerPriority(): void {
  try {
    // libuv starts them all when the first is needed.
    fs.stat(THREADS, () => {});
    const own = os.getPriority();
    const threads = fs.readdirSync(THREADS).filter((id) => isWorker(`${THREADS}/${id}/comm`));
    for (const id of threads) os.setPriority(Number(id), Math.min(19, own + NICER));
  } catch {
    // All stay alike.
  }
}

function isWorker(file: string): boolean {
  try {
    return fs.readFileSync(file, "utf8").startsWith("libuv-worker");
  } catch {
    // It has ended meanwhile.
    return false;
  }
}
