/** Milliseconds after which the two clocks are compared again: the wall clock can be adjusted. */
const COMPARE_INTERVAL_MS = 60_000;

let offset = Number.NaN;
let compared = 0;

/** Milliseconds since 1970 of a moment by `performance.now()`. */
export function clock(moment: number): number {
  const now = performance.now();
  if (!(now - compared < COMPARE_INTERVAL_MS) || Number.isNaN(offset)) {
    offset = Date.now() - now;
    compared = now;
  }
  return offset + moment;
}
