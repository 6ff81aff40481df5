/** A timer that runs only while it waits for the other side. */
export interface Clock {
  /** Milliseconds left. */
  left(): number;
  run(): void;
  pause(): void;
}

/** A clock that calls `expire` once, after it ran for `total` milliseconds. It starts running. */
export function createClock(total: number, expire: () => void): Clock {
  let left = total;
  let since = 0;
  let timer: NodeJS.Timeout | undefined;
  const clock: Clock = {
    left: () => Math.max(0, timer ? left - (performance.now() - since) : left),
    run() {
      if (timer) return;
      since = performance.now();
      timer = setTimeout(expire, left);
    },
    pause() {
      if (!timer) return;
      left = clock.left();
      clearTimeout(timer);
      timer = undefined;
    },
  };
  clock.run();
  return clock;
}
