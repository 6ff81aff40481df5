import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** Longest time without descriptors. It only ends a test that hangs, which would otherwise take all later ones along. */
const TIMEOUT_MS = 60_000;
/** More than it takes to start a program that raises the limit again. */
const RESERVED_DESCRIPTORS = 64;

/** Leaves this process so many descriptors, until what is returned is called, or a minute has passed. */
export function useUpDescriptors(free: number): () => void {
  const limit = (most: number) =>
    execFileSync("prlimit", [`--pid=${process.pid}`, `--nofile=${most}:`], { stdio: "pipe" });
  const before = Number(
    execFileSync("prlimit", [`--pid=${process.pid}`, "--nofile", "--output=SOFT", "--noheadings"]),
  );
  // Those that the limit is given back with: below it none may be free but these.
  const taken = Array.from({ length: RESERVED_DESCRIPTORS }, () => openSync("/dev/null", "r"));
  const giveBack = (count: number) => {
    for (const descriptor of taken.splice(0, count)) closeSync(descriptor);
  };
  const release = () => {
    clearTimeout(late);
    try {
      while (taken.length > 0) giveBack(1);
    } finally {
      // Whatever goes wrong here: what else this process does needs them.
      limit(before);
    }
  };
  const late = setTimeout(release, TIMEOUT_MS);
  limit(Math.max(...taken) + 1);
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EMFILE") {
      release();
      throw error;
    }
  }
  giveBack(free);
  return release;
}
