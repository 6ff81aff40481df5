import type { Delivered } from "../model/rendition.ts";

export interface When {
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Work that began before is out of date; as of `monotonicNow()`, 0: none is. */
  readonly since: number;
}

/**
 * Does work under a name once among the processes of a server: this process does it, or `taken` is handed what another
 * one made meanwhile. Rejects as the work does, wherever it was done.
 */
export type Once = <T extends Delivered>(
  name: string,
  when: When,
  work: () => Promise<T>,
  taken: (found: Delivered) => T,
) => Promise<T>;
