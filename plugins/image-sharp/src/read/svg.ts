import type { Limits } from "@mediatap/core";
import { xmlText } from "@mediatap/core/decode";
import { type Node, readSvg, type Svg, tooMany } from "./svg-parser.ts";

/** Referenced, these are read once and not drawn again. */
const UNCOUNTED_ELEMENTS: ReadonlySet<string> = new Set([
  "linearGradient",
  "radialGradient",
  "stop",
  "image",
  "path",
]);

/**
 * Refuses an SVG that must not be drawn: one that names other documents, declares entities, or comes to more than
 * `limits.svgElements` elements once every reference (`use`, patterns, masks, markers …) is followed. librsvg bounds none of
 * this by time: 2 KB of nested `use` draw for 20 seconds. Returns the estimated
 * milliseconds for each megapixel that is drawn.
 */
export function checkSvg(bytes: Uint8Array, { svgElements: limit }: Limits): number {
  const svg = readSvg(xmlText(bytes), limit);
  const { elements, cost } = weightOf(svg.root, svg, limit, new Map(), new Set());
  if (elements > limit) throw tooMany(limit);
  return cost;
}

interface Weight {
  readonly elements: number;
  /** Milliseconds for each megapixel that is drawn. */
  readonly cost: number;
}

const INFINITE_WEIGHT: Weight = { elements: Number.POSITIVE_INFINITY, cost: Number.POSITIVE_INFINITY };

/** What a node and all that it refers to come to. Stops above `limit` elements; a circle counts as endless. */
function weightOf(node: Node, svg: Svg, limit: number, known: Map<Node, Weight>, open: Set<Node>): Weight {
  const before = known.get(node);
  if (before) return before;
  if (open.has(node)) return INFINITE_WEIGHT;
  open.add(node);
  let { weight: elements, cost } = node;
  for (const reference of node.references) {
    for (const id of reference.startsWith(".") ? (svg.classes.get(reference) ?? []) : [reference]) {
      const target = svg.named.get(id);
      if (!target || UNCOUNTED_ELEMENTS.has(target.name)) continue;
      const inner = weightOf(target, svg, limit, known, open);
      elements += inner.elements;
      cost += inner.cost;
    }
    if (elements > limit) break;
  }
  open.delete(node);
  const total = { elements, cost };
  known.set(node, total);
  return total;
}
