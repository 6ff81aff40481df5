import type { Limits } from "@mediatap/core";
import { xmlText } from "@mediatap/core/decode";
import { type Node, readSvg, type Svg, tooMany } from "./svg-parser.ts";

/** Referenced, these are read once and not drawn again. */
const CHEAP: ReadonlySet<string> = new Set(["linearGradient", "radialGradient", "stop", "image", "path"]);

/**
 * Refuses an SVG that must not be drawn: one that names other documents, declares entities, or comes to more than
 * `limits.svgElements` elements once every reference (`use`, patterns, masks, markers …) is followed. librsvg bounds none of
 * this by time: 2 KB of nested `use` draw for 20 seconds. Returns the estimated
 * milliseconds for each megapixel that is drawn.
 */
export function checkSvg(bytes: Uint8Array, limits: Limits): number {
  const limit = limits.svgElements;
  const svg = readSvg(xmlText(bytes), limit);
  const elements = weigh("own", svg.root, svg, limit, new Map(), new Set());
  if (elements > limit) throw tooMany(limit);
  return weigh("cost", svg.root, svg, Number.POSITIVE_INFINITY, new Map(), new Set());
}

/** Elements or milliseconds of a node and of all that it refers to. Stops above `limit`; a circle counts as endless. */
function weigh(
  what: "own" | "cost",
  node: Node,
  svg: Svg,
  limit: number,
  known: Map<Node, number>,
  open: Set<Node>,
): number {
  const before = known.get(node);
  if (before !== undefined) return before;
  if (open.has(node)) return Number.POSITIVE_INFINITY;
  open.add(node);
  let total = node[what];
  for (const reference of node.references) {
    for (const id of reference.startsWith(".") ? (svg.classes.get(reference) ?? []) : [reference]) {
      const target = svg.named.get(id);
      if (target && !CHEAP.has(target.name)) total += weigh(what, target, svg, limit, known, open);
    }
    if (total > limit) break;
  }
  open.delete(node);
  known.set(node, total);
  return total;
}
