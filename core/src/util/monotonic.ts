/**
 * Milliseconds by a clock that nobody sets. All processes of a machine have the same one, so its times can be compared
 * among workers; `performance.now()` begins with each process, and `Date.now()` jumps when the system clock is corrected.
 */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}
