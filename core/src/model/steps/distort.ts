import type { Size } from "../expression.ts";
import type { Point, StepOf } from "../transformation.ts";
import type { Box } from "./box.ts";

/** A picture bent into an arc, in pixels. */
export interface Arc {
  /** Angle of the arc in radians; above 0. */
  readonly angle: number;
  /** Where the picture's middle line lies, as long as the picture is wide. */
  readonly radius: number;
  /** Where the outer side of the picture lies, and the inner one. What would lie beyond the centre is cut away. */
  readonly outer: number;
  readonly inner: number;
  /** Canvas: all of the arc, and no more. */
  readonly size: Size;
}

const wholePixels = (value: number) => Math.max(1, Math.round(value));

/** The arc of a picture; the same whether it rises or sinks. */
export function arcGeometry(degrees: number, { width, height }: Size): Arc {
  const angle = (Math.abs(degrees) * Math.PI) / 180;
  const radius = width / angle;
  const outer = radius + height / 2;
  const inner = Math.max(0, radius - height / 2);
  const half = angle / 2;
  const reach = half >= Math.PI / 2 ? outer : outer * Math.sin(half);
  const depth = outer - (half <= Math.PI / 2 ? inner : outer) * Math.cos(half);
  return { angle, radius, outer, inner, size: { width: wholePixels(2 * reach), height: wholePixels(depth) } };
}

/** The canvas that holds the picture's old place and its new corners, and where the old place lies on it. */
export function perspectiveBox(corners: readonly Point[], { width, height }: Size): Box {
  const across = corners.map(([x]) => x);
  const down = corners.map(([, y]) => y);
  const left = Math.ceil(Math.max(0, -Math.min(...across)));
  const top = Math.ceil(Math.max(0, -Math.min(...down)));
  return {
    left,
    top,
    width: left + Math.ceil(Math.max(width, ...across)),
    height: top + Math.ceil(Math.max(height, ...down)),
  };
}

/** Least sine of a corner's angle: what is flatter has no inside that could be seen. */
const MIN_CORNER_SINE = 1e-3;

/** Whether the corners, in this order, are those of a shape with four sides that bulges everywhere: one that can be seen in space. */
export function isQuadrilateral(corners: readonly Point[]): boolean {
  const turns = corners.map(([x, y], index) => {
    const [x1, y1] = corners[(index + 1) % 4] as Point;
    const [x2, y2] = corners[(index + 2) % 4] as Point;
    const turn = (x1 - x) * (y2 - y1) - (y1 - y) * (x2 - x1);
    return turn / (Math.hypot(x1 - x, y1 - y) * Math.hypot(x2 - x1, y2 - y1));
  });
  return (
    turns.length === 4 &&
    (turns.every((turn) => turn > MIN_CORNER_SINE) || turns.every((turn) => turn < -MIN_CORNER_SINE))
  );
}

/** Size of the canvas after a `distort`. */
export function distortedSize(step: StepOf<"distort">, current: Size): Size {
  if (step.mode === "arc") return arcGeometry(step.angle, current).size;
  const { width, height } = perspectiveBox(step.corners, current);
  return { width, height };
}
