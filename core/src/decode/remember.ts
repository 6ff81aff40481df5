import { LRUCache } from "lru-cache";
import type { Flight } from "../model/flight.ts";
import type { Source, SourceFacts } from "../model/source.ts";

export interface RememberOptions<F> {
  /** Sources of which it is remembered. @default 10000 */
  readonly entries?: number;
  /** Whether a fact may be kept. @default always */
  readonly keep?: (fact: F) => boolean;
}

/** Learns a fact of a source; what was learnt is known as long as the source's validators are. For taps of `inspect`. */
export function remembering<F extends object>(
  learn: (source: Source, flight: Flight) => Promise<F | undefined>,
  { entries = 10_000, keep = () => true }: RememberOptions<F> = {},
): (source: Source, flight: Flight) => Promise<F | undefined> {
  const known = new LRUCache<string, F>({ max: entries });
  return async (source, flight) => {
    const key = identity(source.facts);
    const remembered = key === undefined ? undefined : known.get(key);
    if (remembered) return remembered;
    const fact = await learn(source, flight);
    if (fact && key !== undefined && keep(fact)) known.set(key, fact);
    return fact;
  };
}

function identity({ origin, path, etag, lastModified, size }: SourceFacts): string | undefined {
  if (etag === undefined && lastModified === undefined) return undefined;
  return JSON.stringify([origin, path, etag, lastModified, size]);
}
