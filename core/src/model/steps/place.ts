import { evaluate, parentScope, type Scope, type Size, scopeOf } from "../expression.ts";
import type { Gravity, Offset, Place } from "../transformation.ts";
import type { Box, Corner } from "./box.ts";
import { placeAt } from "./geometry.ts";

/** Where a layer lies on a picture. */
export interface PlacedLayer extends Corner {
  /** The part of the layer that lies inside the picture; never empty. Its upper left corner lies at `left` and `top`. */
  readonly shown: Box;
}

/** The sizes that the place of a layer depends on. */
interface LayerSizes {
  /** The picture below. */
  readonly base: Size;
  /** The layer as it is laid on it, after its own steps. */
  readonly layer: Size;
  /** The layer before them. */
  readonly original: Size;
}

/**
 * Where a layer lies. One larger than the picture is cut at the picture's edges, any other is moved inside as a whole.
 * `more`: variables besides those of the sizes. Throws `EINVAL` for an offset that has no finite value.
 */
export function placeLayer(
  place: Place,
  { base, layer, original }: LayerSizes,
  more: Scope = {},
): PlacedLayer {
  const scope = scopeOf(original, layer, { ...parentScope(base), ...more });
  const { left, top } =
    "gravity" in place
      ? placeAt(place.gravity, base, layer)
      : {
          left: startOf(place.x, along(place.anchor, "left", "right"), base.width, layer.width, scope),
          top: startOf(place.y, along(place.anchor, "top", "bottom"), base.height, layer.height, scope),
        };
  return {
    left: Math.max(0, left),
    top: Math.max(0, top),
    shown: {
      left: Math.max(0, -left),
      top: Math.max(0, -top),
      width: Math.min(layer.width, base.width),
      height: Math.min(layer.height, base.height),
    },
  };
}

/** How far along an axis an anchor lies, from 0 to 1. */
function along(anchor: Gravity = "top-left", start: string, end: string): number {
  const words = anchor.split("-");
  return words.includes(start) ? 0 : words.includes(end) ? 1 : 0.5;
}

/** Where along an axis a layer begins: below 0 only for one that is longer than the picture. */
function startOf(
  offset: Offset = { by: 0, of: "edge" },
  anchor: number,
  outer: number,
  inner: number,
  scope: Scope,
): number {
  const distance = evaluate(offset.by, scope);
  const half = offset.of === "center" ? inner / 2 : 0;
  const wanted = offset.fromEnd
    ? outer - distance - (offset.of === "center" ? half : inner)
    : anchor * outer + distance - half;
  const free = outer - inner;
  return Math.min(Math.max(0, free), Math.max(Math.min(0, free), Math.round(wanted)));
}
