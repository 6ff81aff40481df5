/** Widths that images are requested in: the field `widths` of the endpoint. */
export interface Widths {
  /** Ascending, each one once. */
  readonly all: readonly number[];
  /** The smallest one that is not smaller; if there is none, the largest. */
  readonly for: (width: number) => number;
}

/** Throws `TypeError` for a list that contains no width, or something else. */
export function createWidths(list: readonly number[]): Widths {
  const all = [...new Set(list)].sort((a, b) => a - b);
  const largest = all.at(-1);
  if (largest === undefined) throw new TypeError("Expected at least one width for widths");
  for (const width of all) assertPixels("widths", width);
  return { all, for: (width) => all.find((one) => one >= width) ?? largest };
}

export function assertPixels(name: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) > 0) return;
  throw new TypeError(`Expected positive integer for ${name} but received ${String(value)}`);
}
