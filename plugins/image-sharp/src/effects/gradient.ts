import type { Size } from "@mediatap/core";
import type { GradientLine, Rgba } from "@mediatap/core/steps";

/** Stops between colours whose opacity differs: SVG mixes them without regard to it. */
const STOP_COUNT = 32;

/** An SVG of the picture's size: a gradient whose colours are mixed premultiplied. */
export function gradientSvg(
  { width, height }: Size,
  { from, to }: GradientLine,
  colors: readonly [Rgba, Rgba],
): string {
  const [[x1, y1], [x2, y2]] = [from, to];
  const stops = stopsOf(...colors).map(
    ({ r, g, b, alpha }, index, { length }) =>
      `<stop offset="${index / (length - 1)}" stop-color="rgb(${r},${g},${b})" stop-opacity="${alpha}"/>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">`,
    `<linearGradient id="g" gradientUnits="userSpaceOnUse" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}">`,
    ...stops,
    `</linearGradient><rect width="${width}" height="${height}" fill="url(#g)"/></svg>`,
  ].join("");
}

/** Two stops where those mix right: colours of one opacity, or a clear one, which has no colour of its own. */
function stopsOf(from: Rgba, to: Rgba): Rgba[] {
  if (from.alpha === 0) return [{ ...to, alpha: 0 }, to].map(rounded);
  if (to.alpha === 0) return [from, { ...from, alpha: 0 }].map(rounded);
  if (from.alpha === to.alpha) return [from, to].map(rounded);
  return Array.from({ length: STOP_COUNT + 1 }, (_, step) => {
    const at = step / STOP_COUNT;
    const alpha = from.alpha + (to.alpha - from.alpha) * at;
    const mix = (a: number, b: number) => (a * from.alpha * (1 - at) + b * to.alpha * at) / alpha;
    return rounded({ r: mix(from.r, to.r), g: mix(from.g, to.g), b: mix(from.b, to.b), alpha });
  });
}

const rounded = ({ r, g, b, alpha }: Rgba): Rgba => ({
  r: Math.round(r),
  g: Math.round(g),
  b: Math.round(b),
  alpha,
});
