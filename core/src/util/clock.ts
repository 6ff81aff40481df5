/** Time, as the parts that decide by it get it. Tests pass one that they move themselves. */
export interface Clock {
  /** Milliseconds since 1970. Jumps when the system's clock is set. */
  now(): number;
  /** Milliseconds that only grow; for durations. */
  monotonic(): number;
  /** Calls once, after milliseconds; does not keep the process alive. Returns what cancels it. */
  after(milliseconds: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};
