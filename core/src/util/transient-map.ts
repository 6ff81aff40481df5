/**
 * A map of values that stay only briefly, such as work that is running. A deleted value is garbage at once.
 *
 * After many deletions V8 moves the entries of a `Map` to a new table. The old table keeps its entries and refers to the next one. If
 * the first table is among the old objects, all the others stay until those are collected, each with the entries that it had:
 * about half of all that were ever there, with all that they refer to.
 */
export class TransientMap<K extends string | number, V> {
  readonly #cells = new Map<K, { value: V | undefined }>();

  get size(): number {
    return this.#cells.size;
  }

  has(key: K): boolean {
    return this.#cells.has(key);
  }

  get(key: K): V | undefined {
    return this.#cells.get(key)?.value;
  }

  set(key: K, value: V): void {
    this.delete(key);
    this.#cells.set(key, { value });
  }

  delete(key: K): void {
    const cell = this.#cells.get(key);
    if (!cell) return;
    cell.value = undefined;
    this.#cells.delete(key);
  }

  /** The oldest first. */
  *entries(): Generator<[K, V]> {
    for (const [key, { value }] of this.#cells) yield [key, value as V];
  }
}
