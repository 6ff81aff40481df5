/**
 * Collects items for `delayMs` milliseconds and until the call before has ended, and sends them, at most `maxItems` at once.
 * The promise of each item settles with its batch.
 */
export function createBatch(
  send: (items: readonly string[]) => Promise<void>,
  maxItems: number,
  delayMs: number,
) {
  let waiting: Set<string> | undefined;
  let lastFlush: Promise<void> = Promise.resolve();

  async function flush(items: ReadonlySet<string>, before: Promise<void>): Promise<void> {
    await Promise.allSettled([before, new Promise((resolve) => setTimeout(resolve, delayMs))]);
    waiting = undefined;
    const all = [...items];
    for (let at = 0; at < all.length; at += maxItems) await send(all.slice(at, at + maxItems));
  }

  return function add(items: readonly string[]): Promise<void> {
    if (items.length === 0) return Promise.resolve();
    if (!waiting) {
      waiting = new Set();
      lastFlush = flush(waiting, lastFlush);
    }
    for (const item of items) waiting.add(item);
    return lastFlush;
  };
}
