let ahead = 0;
/** By how much the system clock is wrong. */
let wrong = 0;
let stoppedAt: { readonly date: number; readonly moment: number } | undefined;
let restore: (() => void) | undefined;

function takeOver(): void {
  if (restore) return;
  const { now: date } = Date;
  const moment = performance.now.bind(performance);
  Date.now = () => (stoppedAt?.date ?? date()) + ahead + wrong;
  performance.now = () => (stoppedAt?.moment ?? moment()) + ahead;
  restore = () => {
    Date.now = date;
    // The method of the prototype is back.
    Reflect.deleteProperty(performance, "now");
  };
}

/**
 * Moves the clocks of this process ahead, `Date.now()` and `performance.now()`, by so many milliseconds: a test of what
 * happens later need not wait. Timers and other processes keep their time. Undo it with `resetTime`, in `afterEach`.
 */
export function passTime(milliseconds: number): void {
  takeOver();
  ahead += milliseconds;
}

/** Has these clocks stand still but for `passTime`: what is to happen soon after something else may take its time. */
export function stopTime(): void {
  takeOver();
  stoppedAt ??= { date: Date.now() - ahead - wrong, moment: performance.now() - ahead };
}

/** Sets the system clock, `Date.now()`, ahead of the real time, or behind it; the clock of `performance.now()` goes on. */
export function setClock(milliseconds: number): void {
  takeOver();
  wrong = milliseconds;
}

/** The clocks of this process show the real time again. */
export function resetTime(): void {
  restore?.();
  restore = undefined;
  stoppedAt = undefined;
  ahead = 0;
  wrong = 0;
}
