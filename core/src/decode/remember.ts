import { LRUCache } from "lru-cache";
import type { RenderContext } from "../model/render-context.ts";
import type { Source, SourceFacts } from "../model/source.ts";

export interface RememberOptions<F> {
  /** Sources of which it is remembered. @default 10000 */
  readonly entries?: number;
  /** Whether a fact may be kept. @default always */
  readonly keep?: (fact: F) => boolean;
}

/**
 * Learns a fact of a source; what was learnt is known as long as the source's validators are. Who asks while it is being learnt
 * waits for it, and learns it in turn where the one who did has left. For taps of `inspect`.
 */
export function remembering<F extends object>(
  learn: (source: Source, context: RenderContext) => Promise<F | undefined>,
  { entries = 10_000, keep = () => true }: RememberOptions<F> = {},
): (source: Source, context: RenderContext) => Promise<F | undefined> {
  const known = new LRUCache<string, F>({ maxSize: entries, sizeCalculation: () => 1 });
  const learning = new Map<string, { readonly work: Promise<F | undefined>; readonly signal: AbortSignal }>();
  return async (source, context) => {
    const key = identity(source.facts);
    if (key === undefined) return learn(source, context);
    for (let other = learning.get(key); other; other = learning.get(key)) {
      const { work, signal } = other;
      const fact = await work.catch((error: unknown) => {
        if (!signal.aborted) throw error;
        return undefined;
      });
      context.signal.throwIfAborted();
      if (!signal.aborted && (!fact || keep(fact))) return fact;
    }
    const remembered = known.get(key);
    if (remembered) return remembered;
    const work = learn(source, context);
    learning.set(key, { work, signal: context.signal });
    try {
      const fact = await work;
      if (fact && keep(fact)) known.set(key, fact);
      return fact;
    } finally {
      learning.delete(key);
    }
  };
}

function identity({ origin, path, etag, lastModified, size }: SourceFacts): string | undefined {
  if (etag === undefined && lastModified === undefined) return undefined;
  return JSON.stringify([origin, path, etag, lastModified, size]);
}
