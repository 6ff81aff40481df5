import fs from "node:fs";
import os from "node:os";

/** Added to the process's own: such a thread still gets half of what another one gets that wants the same core. */
const NICE_INCREMENT = 3;

const THREADS_FOLDER = "/proc/self/task";

/**
 * Lowers the priority of the threads that render below that of the one that responds, so that cache hits do not wait for
 * renders. Threads that a native library starts inherit it. Linux alone knows a priority of threads (setpriority(2), "C
 * library/kernel differences"); elsewhere, and where it is not allowed, all have one priority.
 */
export function lowerPriority(): void {
  try {
    // libuv starts them all when the first is needed.
    fs.stat(THREADS_FOLDER, () => {});
    const own = os.getPriority();
    const threads = fs.readdirSync(THREADS_FOLDER).filter((id) => isWorker(`${THREADS_FOLDER}/${id}/comm`));
    for (const id of threads) os.setPriority(Number(id), Math.min(19, own + NICE_INCREMENT));
  } catch {
    // All have one priority.
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
