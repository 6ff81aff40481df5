const own = Date.now;

/** Sets the system clock, as this process sees it, ahead (or back, below zero) of the real one. Timers are not affected. */
export function setClock(milliseconds: number): void {
  Date.now = () => own() + milliseconds;
}

/** The real time again. */
export function resetClock(): void {
  Date.now = own;
}
