/** Collects items for `delay` milliseconds, and hands them on, at most `most` at once; each waits for its own batch. */
export function createBatch(send: (items: readonly string[]) => Promise<void>, most: number, delay: number) {
  let waiting: Set<string> | undefined;
  let sent: Promise<void> | undefined;

  async function flush(items: ReadonlySet<string>): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, delay));
    waiting = undefined;
    const all = [...items];
    for (let at = 0; at < all.length; at += most) await send(all.slice(at, at + most));
  }

  return function add(items: readonly string[]): Promise<void> {
    if (items.length === 0) return Promise.resolve();
    if (!waiting || !sent) {
      waiting = new Set();
      sent = flush(waiting);
    }
    for (const item of items) waiting.add(item);
    return sent;
  };
}
