import { readFileSync } from "node:fs";
import type { Finding } from "../hooks.ts";

/** Threads and processes that a server should still be able to start; a native library may crash the process if it gets none. */
const MIN_FREE_THREADS = 64;

/** Limit of threads of the control group (cgroup v1 or v2) that this process is in. Empty: none is readable. */
export function ofThreads(): Finding[] {
  const free = freeThreads();
  if (free === undefined) return [];
  if (free >= MIN_FREE_THREADS) return [{ what: "threads", state: "good", text: `${free} more are allowed` }];
  return [
    {
      what: "threads",
      state: "poor",
      text: `the control group allows ${free} more, fewer than ${MIN_FREE_THREADS}: image processing may crash`,
      advice: "raise pids.max (Docker: --pids-limit, systemd: TasksMax)",
    },
  ];
}

function freeThreads(): number | undefined {
  const own = read("/proc/self/cgroup") ?? "";
  const [, path = ""] =
    /^\d+:(?:[^:\n]*,)?pids(?:,[^:\n]*)?:(.*)$/m.exec(own) ?? /^0::(.*)$/m.exec(own) ?? [];
  // In a container the group may be the root of what is mounted, whatever its path is outside.
  for (const folder of [
    `/sys/fs/cgroup/pids${path}`,
    `/sys/fs/cgroup${path}`,
    "/sys/fs/cgroup/pids",
    "/sys/fs/cgroup",
  ]) {
    const max = read(`${folder}/pids.max`)?.trim();
    if (max !== undefined) {
      return max === "max" ? undefined : Math.max(0, Number(max) - Number(read(`${folder}/pids.current`)));
    }
  }
  return undefined;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
