import {
  type Box,
  evaluate,
  type Gravity,
  type Offset,
  type Place,
  type Scope,
  type Size,
} from "@mediatap/core";

/** How far along each axis a gravity lies, from 0 to 1. */
function along(gravity: Gravity, axis: "x" | "y"): number {
  const words = gravity.split("-");
  const [first, last] = axis === "x" ? ["left", "right"] : ["top", "bottom"];
  return words.includes(first) ? 0 : words.includes(last) ? 1 : 0.5;
}

/** Where a layer lies on a picture, as layers of pictures do: a larger one is cut at the edges, any other moved inside. */
export function placeLayer(
  place: Place,
  base: Size,
  layer: Size,
  scope: Scope,
): { readonly left: number; readonly top: number; readonly shown: Box } {
  const start = (axis: "x" | "y", outer: number, inner: number) => {
    const free = outer - inner;
    if ("gravity" in place) return Math.trunc(free * along(place.gravity, axis));
    const anchor = place.anchor ? along(place.anchor, axis) : 0;
    const wanted = startOf(place[axis] ?? { by: 0, of: "edge" }, anchor * outer, outer, inner, scope);
    return Math.min(Math.max(0, free), Math.max(Math.min(0, free), Math.round(wanted)));
  };
  const left = start("x", base.width, layer.width);
  const top = start("y", base.height, layer.height);
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

function startOf(
  { by, of, fromEnd = false }: Offset,
  anchor: number,
  outer: number,
  inner: number,
  scope: Scope,
): number {
  const distance = evaluate(by, scope);
  const half = of === "center" ? inner / 2 : 0;
  return fromEnd ? outer - distance - (of === "center" ? half : inner) : anchor + distance - half;
}
