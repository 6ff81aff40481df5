import { LRUCache } from "lru-cache";
import type { RenderContext } from "../model/render-context.ts";
import type { Source, SourceMetadata } from "../model/source.ts";
import { atMost } from "../util/entries.ts";
import { TransientMap } from "../util/transient-map.ts";

interface MemoizeOptions<F> {
  /** Sources whose results are stored. @default 10000 */
  readonly entries?: number;
  /** Whether a result may be stored. @default always */
  readonly keep?: (result: F) => boolean;
}

/**
 * Memoizes a tap of `inspect`: its result is stored as long as the validators of the source stay the same. Concurrent calls for one
 * source share one run; if the caller that started it leaves, the next one starts it again.
 */
export function memoizeInspector<F extends object>(
  inspect: (source: Source, context: RenderContext) => Promise<F | undefined>,
  { entries = 10_000, keep = () => true }: MemoizeOptions<F> = {},
): (source: Source, context: RenderContext) => Promise<F | undefined> {
  const known = new LRUCache<string, F>(atMost(entries));
  const running = new TransientMap<
    string,
    { readonly work: Promise<F | undefined>; readonly signal: AbortSignal }
  >();
  return async (source, context) => {
    const key = identity(source.metadata);
    if (key === undefined) return inspect(source, context);
    for (let other = running.get(key); other; other = running.get(key)) {
      const { work, signal } = other;
      const result = await work.catch((error: unknown) => {
        if (!signal.aborted) throw error;
        return undefined;
      });
      context.signal.throwIfAborted();
      if (!signal.aborted && (!result || keep(result))) return result;
    }
    const memoized = known.get(key);
    if (memoized) return memoized;
    const work = inspect(source, context);
    running.set(key, { work, signal: context.signal });
    try {
      const result = await work;
      if (result && keep(result)) known.set(key, result);
      return result;
    } finally {
      running.delete(key);
    }
  };
}

function identity({ origin, path, etag, lastModified, size }: SourceMetadata): string | undefined {
  if (etag === undefined && lastModified === undefined) return undefined;
  return JSON.stringify([origin, path, etag, lastModified, size]);
}
