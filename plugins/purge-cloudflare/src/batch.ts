/**
 * Collects items for `delay` milliseconds and until the call before has ended, and sends them, at most `most` at once.
 * The promise of each item ends with its own batch.
 */
export function createBatch(send: (items: readonly string[]) => Promise<void>, most: number, delay: number) {
  let waiting: Set<string> | undefined;
  let sent: Promise<void> = Promise.resolve();

  async function flush(items: ReadonlySet<string>, before: Promise<void>): Promise<void> {
    await Promise.allSettled([before, new Promise((resolve) => setTimeout(resolve, delay))]);
    waiting = undefined;
    const all = [...items];
    for (let at = 0; at < all.length; at += most) await send(all.slice(at, at + most));
  }

  return function add(items: readonly string[]): Promise<void> {
    if (items.length === 0) return Promise.resolve();
    if (!waiting) {
      waiting = new Set();
      sent = flush(waiting, sent);
    }
    for (const item of items) waiting.add(item);
    return sent;
  };
}
