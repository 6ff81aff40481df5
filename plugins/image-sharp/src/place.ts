import {
  type Box,
  evaluate,
  type Gravity,
  type Offset,
  type Place,
  type Scope,
  type Size,
} from "@mediatap/core";

/** Where a layer lies on a picture: what of it is to be seen, and where. */
export interface Placed {
  /** The part of the layer that lies inside the picture; empty (0 wide or high) never. */
  readonly shown: Box;
  /** Its upper left corner on the picture. */
  readonly left: number;
  readonly top: number;
}

/** Part of the way along an axis. */
const ALONG: Readonly<Record<string, number>> = { left: 0, top: 0, right: 1, bottom: 1 };

/** How far along each axis a gravity lies, from 0 to 1. */
function gravityAt(gravity: Gravity): { x: number; y: number } {
  const words = gravity.split("-");
  const of = (...names: string[]) => ALONG[words.find((word) => names.includes(word)) ?? ""] ?? 0.5;
  return { x: of("left", "right"), y: of("top", "bottom") };
}

/** A layer larger than the picture is cut at the picture's edges; any other is moved inside as a whole. */
export function placeLayer(place: Place, base: Size, layer: Size, scope: Scope): Placed {
  const at = "gravity" in place ? gravityAt(place.gravity) : undefined;
  const anchor = "gravity" in place || !place.anchor ? { x: 0, y: 0 } : gravityAt(place.anchor);
  const along = (axis: "x" | "y", outer: number, inner: number) => {
    const free = outer - inner;
    if (at) return Math.trunc(free * at[axis]);
    const offset = "gravity" in place ? undefined : place[axis];
    const wanted = startOf(offset ?? { by: 0, of: "edge" }, anchor[axis] * outer, outer, inner, scope);
    return Math.min(Math.max(0, free), Math.max(Math.min(0, free), Math.round(wanted)));
  };
  const left = along("x", base.width, layer.width);
  const top = along("y", base.height, layer.height);
  const shown = {
    left: Math.max(0, -left),
    top: Math.max(0, -top),
    width: Math.min(layer.width, base.width),
    height: Math.min(layer.height, base.height),
  };
  return { shown, left: Math.max(0, left), top: Math.max(0, top) };
}

/** Where the layer begins along an axis. */
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
