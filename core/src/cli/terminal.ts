import { isatty } from "node:tty";

/** How often the terminals are checked, in milliseconds: nothing else reports that one is gone if nothing is written to it. */
const CHECK_INTERVAL_MS = 1_000;

interface TerminalWatch {
  /** Whether the process was started on a terminal that is gone. */
  isGone(): boolean;
  stop(): void;
}

/**
 * Calls `onGone` once when no terminal is left of those that the process was started on. A closed terminal sends SIGHUP to some
 * processes only, and a program that went on without one could be neither seen nor stopped. Without a terminal at start
 * (service managers, containers, `nohup`) nothing is watched.
 */
export function watchTerminal(onGone: () => void): TerminalWatch {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  // A terminal that was hung up fails all calls with EIO, so it does not count as one any more.
  const isGone = () => terminals.length > 0 && !terminals.some((fd) => isatty(fd));
  if (terminals.length === 0) return { isGone, stop() {} };
  const timer = setInterval(() => {
    if (!isGone()) return;
    clearInterval(timer);
    onGone();
  }, CHECK_INTERVAL_MS).unref();
  return { isGone, stop: () => clearInterval(timer) };
}
