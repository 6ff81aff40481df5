/** Milliseconds after which the two clocks of the machine are compared again: one of them is set right now and then. */
const RENEWED = 60_000;

let offset = Number.NaN;
let compared = 0;

/** Milliseconds since 1970 of a moment by `performance.now()`. */
export function clock(moment: number): number {
  const now = performance.now();
  if (!(now - compared < RENEWED) || Number.isNaN(offset)) {
    offset = Date.now() - now;
    compared = now;
  }
  return offset + moment;
}
