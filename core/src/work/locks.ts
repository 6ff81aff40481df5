import type { Logger } from "pino";
import { loopKey } from "../origin/loop.ts";

/** For whom a lease is asked. */
export interface LeaseOptions {
  /** Aborts when nobody waits for the work any more. */
  readonly signal: AbortSignal;
  /** Work that began before is out of date; as of `monotonicNow()`, 0: none is. */
  readonly since: number;
}

/** The right to do a piece of work: this process does it, and others wait for its end. */
export interface Lease {
  /**
   * Gives it back. `end`: what the work came to, told to all who wait, and for a moment to those who come late; left out:
   * one of them is to do the work. Waits for nobody, and does nothing if the lease was lost meanwhile.
   */
  release(end?: string): void;
}

/** Another machine has done the work, or found that it cannot be done. */
export interface LeaseEnd {
  readonly end: string;
}

/** A way in which machines agree on who does a piece of work: Redis. */
export interface LeaseLine {
  readonly name: string;
  /**
   * Asks for the right to do the work of a name, and waits while another machine has it. Resolves with a lease; with what
   * the work came to elsewhere; or with nothing, where that takes too long or cannot be told: then the work is done without.
   * Rejects only when `request.signal` aborts.
   */
  claim(name: string, request: LeaseOptions): Promise<Lease | LeaseEnd | undefined>;
}

/** Work that several machines may want at the same time, if there are any and a plugin has laid a line to them. */
export interface Leases {
  /** Whether there is a line. Without one every claim resolves with nothing, at once. */
  readonly isUsed: boolean;
  /** As `LeaseLine.claim` says. Names are made unique by their users. */
  claim: LeaseLine["claim"];
  /** Adds a line; the newest is used. Returns what takes it away. */
  connect(line: LeaseLine): () => void;
}

/** Without a line each machine works for itself. */
export function createLeases(log: Logger): Leases {
  const lines: LeaseLine[] = [];
  return {
    get isUsed() {
      return lines.length > 0;
    },
    async claim(name, request) {
      const line = lines.at(-1);
      try {
        return await line?.claim(`${name}${loopKey()}`, request);
      } catch (err) {
        if (request.signal.aborted) throw request.signal.reason;
        log.warn({ err, line: line?.name }, "requesting a lock failed");
        return undefined;
      }
    },
    connect(line) {
      lines.push(line);
      return () => {
        const at = lines.indexOf(line);
        if (at >= 0) lines.splice(at, 1);
      };
    },
  };
}
