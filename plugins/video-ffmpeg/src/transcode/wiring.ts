import type { MaskOptions } from "./mask.ts";
import type { LayerOptions, VideoLayer } from "./overlays.ts";

/** A file that filters read beside the video: one of `Graph.layers`, `Graph.masks` or `Graph.videos`, or of those within. */
export type Extra = LayerOptions | MaskOptions | VideoLayer;

/** What a piece is wired to. */
export interface Wires {
  readonly from: string;
  readonly to: string;
  /** A label that nothing else has. */
  label(): string;
  /** The label of a further input: of its pictures, or of its sound. */
  extra(extra: Extra, track?: "sound"): string;
  /** Seconds of the result at which this run begins, in the time that the filter sees. */
  readonly offset: number;
}

/** A part of the graph: filters in a row, or a wiring of its own. */
export type Piece = string | ((wires: Wires) => readonly string[]);

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
