import type { Delivered } from "../model/rendition.ts";

/**
 * Does work under a name once among the processes of a server: this process does it, or `taken` is handed what another
 * one made meanwhile. Rejects as the work does, wherever it was done.
 */
export type Once = <T extends Delivered>(
  name: string,
  signal: AbortSignal,
  work: () => Promise<T>,
  taken: (found: Delivered) => T,
) => Promise<T>;
