import type { Mask } from "./model.ts";

/** Samples per line of pixels, to find how much of a pixel is covered. */
const SUBLINES_PER_LINE = 4;

/** The mask of a frame with round corners: a byte per pixel, 255 for what stays. */
export function drawMask({ radius, size: { width, height }, inverted }: Mask): Uint8Array {
  const edges = radius === "max" ? ellipse(width, height) : corners(radius, width, height);
  const mask = new Uint8Array(width * height).fill(255);
  const covered = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    const lines = Array.from({ length: SUBLINES_PER_LINE }, (_, line) =>
      edges(y + (line + 0.5) / SUBLINES_PER_LINE),
    );
    if (lines.every(([left, right]) => left === 0 && right === width)) continue;
    covered.fill(0);
    for (const [left, right] of lines) addLine(covered, left, right);
    for (let x = 0; x < width; x++)
      mask[y * width + x] = Math.round(((covered[x] ?? 0) / SUBLINES_PER_LINE) * 255);
  }
  return inverted ? mask.map((value) => 255 - value) : mask;
}

function addLine(covered: Float64Array, left: number, right: number): void {
  for (let x = Math.floor(left); x < Math.min(covered.length, Math.ceil(right)); x++) {
    covered[x] = (covered[x] ?? 0) + Math.max(0, Math.min(x + 1, right) - Math.max(x, left));
  }
}

type Edges = (y: number) => readonly [left: number, right: number];

function ellipse(width: number, height: number): Edges {
  return (y) => {
    const half = (width / 2) * Math.sqrt(Math.max(0, 1 - ((2 * y) / height - 1) ** 2));
    return [width / 2 - half, width / 2 + half];
  };
}

/** Radii that do not fit beside each other are all made smaller by the same factor (CSS Backgrounds 3 §4.5). */
function corners(radii: Exclude<Mask["radius"], "max">, width: number, height: number): Edges {
  const [a, b, c, d] = radii;
  const factor = Math.min(1, width / (a + b), width / (c + d), height / (b + c), height / (a + d));
  const [tl, tr, br, bl] = radii.map((radius) => radius * factor) as [number, number, number, number];
  /** How far a corner's arc is from the side, `away` from where it begins. */
  const inset = (r: number, away: number) => (away > 0 ? r - Math.sqrt(Math.max(0, r * r - away * away)) : 0);
  return (y) => [
    Math.max(inset(tl, tl - y), inset(bl, y - (height - bl))),
    width - Math.max(inset(tr, tr - y), inset(br, y - (height - br))),
  ];
}
