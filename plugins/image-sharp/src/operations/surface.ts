import type { Size, StepOf } from "@mediatap/core";
import type { Rgba } from "@mediatap/core/steps";
import { megapixels } from "../pixels/size.ts";
import { CLEAR, type Operation, type OperationWork, type Prices, tone } from "./operation.ts";

const round: Operation<"round"> = ({ radius }, { current }) => {
  const input = Buffer.from(maskOf(radius, current));
  // Tiled from the corner, so that each frame of an animation gets the mask.
  return {
    work: [{ slot: "over", value: { input, blend: "dest-in", tile: true, left: 0, top: 0 } }],
    alpha: true,
  };
};

/** An SVG of the picture's size: white where the picture stays. */
function maskOf(radius: StepOf<"round">["radius"], { width, height }: Size): string {
  const shape =
    radius === "max"
      ? `<ellipse cx="${width / 2}" cy="${height / 2}" rx="${width / 2}" ry="${height / 2}"/>`
      : `<path d="${roundedPath(radius, width, height)}"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shape}</svg>`;
}

/** Radii that do not fit beside each other are all made smaller by the same factor (CSS Backgrounds 3 §4.5). */
function roundedPath(
  radii: readonly [number, number, number, number],
  width: number,
  height: number,
): string {
  const [a, b, c, d] = radii;
  const factor = Math.min(1, width / (a + b), width / (c + d), height / (b + c), height / (a + d));
  const [tl, tr, br, bl] = radii.map((radius) => radius * factor) as [number, number, number, number];
  return [
    `M${tl} 0H${width - tr}A${tr} ${tr} 0 0 1 ${width} ${tr}`,
    `V${height - br}A${br} ${br} 0 0 1 ${width - br} ${height}`,
    `H${bl}A${bl} ${bl} 0 0 1 0 ${height - bl}V${tl}A${tl} ${tl} 0 0 1 ${tl} 0Z`,
  ].join("");
}

/** A colour over or under the whole picture. */
export const colorOver = (
  color: Rgba,
  blend: "dest-in" | "dest-over",
  { width, height }: Size,
): OperationWork => ({
  slot: "over",
  value: {
    input: { create: { width, height, channels: 4, background: color } },
    blend,
    tile: true,
    left: 0,
    top: 0,
  },
});

const opacity: Operation<"opacity"> = ({ value }, { current }) => ({
  work: [colorOver({ ...CLEAR, alpha: value }, "dest-in", current)],
  alpha: true,
});

const flatten: Operation<"flatten"> = ({ background }, context) => {
  const { current, alpha } = context;
  if (!alpha) return tone([], context);
  if (background.kind !== "color") {
    return { work: [{ kind: "fill", paint: background }], alpha: false };
  }
  const { color } = background;
  if (color.alpha < 1) return { work: [colorOver(color, "dest-over", current)], alpha: true };
  return { work: [{ slot: "flatten", value: color }], alpha: false };
};

const overlay: Operation<"overlay"> = (step, { current, alpha }) => {
  const mode = step.blend?.mode;
  const result = { alpha: alpha || mode === "cutout" || mode === "cutter" };
  if (mode === "displace") return { ...result, work: [{ kind: "reshape", step }] };
  // The result is as large as the layer, which only its own pixels show.
  if (mode === "cutter") return { ...result, work: [{ kind: "reshape", step }], sizeUnknown: true };
  return {
    ...result,
    work: [{ slot: "over", value: { layer: step, base: current, opaque: !result.alpha } }],
  };
};

/** Operations on edges, corners and transparency, and layers. */
export const surfaces = { round, opacity, flatten, overlay };

/** Milliseconds for a megapixel if the layer decides over the picture's pixels, which then are in memory. */
const RESHAPE_MEGAPIXEL_COST: Readonly<Record<string, number>> = { displace: 80, cutter: 60 };

export const surfacePrices: Prices = {
  round: (_step, before) => 10 + megapixels(before) * 40,
  opacity: (_step, before) => megapixels(before) * 20,
  overlay: ({ blend }, before) => 5 + megapixels(before) * (RESHAPE_MEGAPIXEL_COST[blend?.mode ?? ""] ?? 20),
};
