import type { Filter, Links } from "./model.ts";

/** A filter, and how much faster the video plays at that point. */
export interface TimedFilter {
  readonly filter: Filter;
  readonly factor: number;
}

interface Ends {
  readonly from: string;
  readonly to: string;
  /** Begins each label. */
  readonly prefix: string;
  readonly extra: Links["extra"];
  readonly offset: (factor: number) => number;
}

/** Joins filters to the text of a graph from one label to another. */
export function wire(
  filters: readonly TimedFilter[],
  { from, to: end, prefix, extra, offset }: Ends,
): string {
  let labels = 0;
  const label = () => `${prefix}${labels++}`;
  const chains: string[] = [];
  let row: string[] = [];
  let at = from;
  const close = (to: string) => {
    chains.push(`[${at}]${row.length > 0 ? row.join(",") : "null"}[${to}]`);
    row = [];
    at = to;
  };
  for (const { filter, factor } of filters) {
    if (typeof filter === "string") {
      row.push(filter);
      continue;
    }
    if (row.length > 0) close(label());
    const to = label();
    chains.push(...filter({ from: at, to, label, extra, offset: offset(factor) }));
    at = to;
  }
  close(end);
  return chains.join(";");
}
