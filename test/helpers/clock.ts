let ahead = 0;
let restore: (() => void) | undefined;

/**
 * Moves the clocks of this process ahead, `Date.now()` and `performance.now()`, by so many milliseconds: a test of what
 * happens later need not wait. Timers and other processes keep their time. Undo it with `resetTime`, in `afterEach`.
 */
export function passTime(milliseconds: number): void {
  ahead += milliseconds;
  if (restore) return;
  const { now: date } = Date;
  const moment = performance.now.bind(performance);
  Date.now = () => date() + ahead;
  performance.now = () => moment() + ahead;
  restore = () => {
    Date.now = date;
    // The method of the prototype is back.
    Reflect.deleteProperty(performance, "now");
  };
}

/** The clocks of this process show the real time again. */
export function resetTime(): void {
  restore?.();
  restore = undefined;
  ahead = 0;
}
