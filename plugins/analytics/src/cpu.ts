import { readFileSync } from "node:fs";

/** Estimated milliseconds of one core for a request without a render. */
export const REQUEST_COST = 0.1;

/** Rounds after which CPU time that is not accounted for is divided although work is in progress. */
const MAX_ROUNDS = 60;

/** Clock ticks per second in `/proc` (proc(5), `sysconf(_SC_CLK_TCK)`): 100 on all Linux systems that Node supports. */
const TICKS_PER_SECOND = 100;

/** CPU time of this process since its start, in milliseconds; on Linux with that of programs that have ended. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 + ofChildren();
}

function ofChildren(): number {
  if (process.platform !== "linux") return 0;
  try {
    // The second field, the program's name, may contain spaces. After it: cutime and cstime are the 14th and 15th.
    const fields = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1)?.split(" ") ?? [];
    const ticks = Number(fields[13]) + Number(fields[14]);
    return Number.isFinite(ticks) ? (ticks * 1000) / TICKS_PER_SECOND : 0;
  } catch {
    return 0;
  }
}

/** Somebody whose work took a part of the CPU time. */
export interface Account {
  /** Estimated milliseconds of one core since the last settlement. */
  work: number;
  addCpu(milliseconds: number): void;
}

/**
 * Divides measured CPU time among accounts by the estimated cost of the work that has ended. Time of work in progress is
 * kept for it: an account gets no more than its estimate then, corrected by how estimates compared with measurements so far.
 */
export function createCpuMeter(read: () => number = cpuTime) {
  let last = read();
  let pool = 0;
  let ratio = 1;
  let rounds = 0;
  return {
    /** `isIdle`: no render is in progress. */
    settle(accounts: Iterable<Account>, isIdle: boolean): void {
      const now = read();
      pool += Math.max(0, now - last);
      last = now;
      rounds = isIdle ? MAX_ROUNDS : rounds + 1;
      const working = [...accounts].filter(({ work }) => work > 0);
      const total = working.reduce((sum, { work }) => sum + work, 0);
      const isWhole = rounds >= MAX_ROUNDS;
      if (isWhole) rounds = 0;
      if (total === 0) {
        // Timers and the like: nobody's.
        if (isWhole) pool = 0;
        return;
      }
      if (isIdle) ratio = Math.min(20, Math.max(0.05, 0.7 * ratio + (0.3 * pool) / total));
      const spent = isWhole ? pool : Math.min(pool, total * ratio);
      for (const account of working) {
        account.addCpu((spent * account.work) / total);
        account.work = 0;
      }
      pool -= spent;
    },
  };
}
