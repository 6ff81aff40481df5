import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** Longest time without descriptors. It only ends a test that hangs, which would otherwise take all later ones along. */
const TIMEOUT_MS = 60_000;

/** Leaves this process so many descriptors, until what is returned is called, or a minute has passed. */
export function useUpDescriptors(free: number): () => void {
  const limit = (most: number) =>
    execFileSync("prlimit", [`--pid=${process.pid}`, `--nofile=${most}:`], { stdio: "pipe" });
  const before = Number(
    execFileSync("prlimit", [`--pid=${process.pid}`, "--nofile", "--output=SOFT", "--noheadings"]),
  );
  const taken = [openSync("/dev/null", "r")];
  limit(Math.max(...taken) + 64);
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "EMFILE");
  }
  for (const descriptor of taken.splice(0, free)) closeSync(descriptor);
  const release = () => {
    clearTimeout(late);
    for (const descriptor of taken.splice(0)) closeSync(descriptor);
    limit(before);
  };
  const late = setTimeout(release, TIMEOUT_MS);
  return release;
}
