import type { Piece, Wires } from "./model.ts";

/** Joins pieces to the text of a graph from one label to another. */
export function wire(
  pieces: readonly { readonly piece: Piece; readonly factor: number }[],
  ends: {
    readonly from: string;
    readonly to: string;
    /** Before each label. */
    readonly prefix: string;
    readonly extra: Wires["extra"];
    readonly offset: (factor: number) => number;
  },
): string {
  let labels = 0;
  const label = () => `${ends.prefix}${labels++}`;
  const chains: string[] = [];
  let from = ends.from;
  let row: string[] = [];
  const close = (to: string) => {
    chains.push(`[${from}]${row.length > 0 ? row.join(",") : "null"}[${to}]`);
    row = [];
    from = to;
  };
  for (const { piece, factor } of pieces) {
    if (typeof piece === "string") {
      row.push(piece);
      continue;
    }
    if (row.length > 0) close(label());
    const to = label();
    chains.push(...piece({ from, to, label, extra: ends.extra, offset: ends.offset(factor) }));
    from = to;
  }
  close(ends.to);
  return chains.join(";");
}
