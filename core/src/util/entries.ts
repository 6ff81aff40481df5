/** Options of an `LRUCache` for at most so many entries. Its own `max` would reserve space for all of them at the start. */
export const atMost = (entries: number) => ({ maxSize: entries, sizeCalculation: () => 1 });
