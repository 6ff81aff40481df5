import { readdirSync, readFileSync } from "node:fs";

/** Programs for videos that run on this machine with an argument that contains a text: one that no other test has. */
export function programsWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => PROGRAM.test(read(pid, "comm")) && read(pid, "cmdline").includes(text));
}

/** Those of them that this process has started; other suites run at the same time. */
export function ownProgramsWith(text: string): number[] {
  const own = new RegExp(`^PPid:\\s+${process.pid}$`, "m");
  return programsWith(text).filter((pid) => own.test(read(pid, "status")));
}

/** The arguments of a program, or none where it has ended. */
export function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
  } catch {
    return [];
  }
}

/** What starts them is one with them. */
const PROGRAM = /^(?:ffmpeg|ffprobe|setpriv|prlimit|nice)$/m;

/** The number of a process's parent. */
export const parentOf = (pid: number): number =>
  Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
