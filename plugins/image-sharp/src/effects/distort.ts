import type { Size } from "@mediatap/core";
import type { Arc, Box, Point } from "@mediatap/core/steps";
import type { Samples } from "./samples.ts";

type Options =
  | { readonly kind: "perspective"; readonly corners: readonly Point[]; readonly canvas: Box }
  | { readonly kind: "arc"; readonly arc: Arc; readonly sinks: boolean };

/** Gives a picture another shape. */
export const pixels = (picture: Samples, options: Options): Samples =>
  warp(
    picture,
    options.kind === "arc"
      ? arc(picture, options.arc, options.sinks)
      : perspective(picture, options.corners, options.canvas),
  );

/** Where the pixels of one line of a canvas come from. */
interface Line {
  /** Position in the picture of each pixel's middle. */
  readonly u: Float64Array;
  readonly v: Float64Array;
  /** How that position moves for a pixel to the right, and for one down. */
  readonly rightU: Float64Array;
  readonly rightV: Float64Array;
  readonly downU: Float64Array;
  readonly downV: Float64Array;
  /** How much of each pixel the picture covers, 0–1: what makes its edge smooth. */
  readonly cover: Float64Array;
}

interface Shape {
  readonly canvas: Size;
  /** Fills the line whose pixels' middles lie at `y`; where nothing is covered, only `cover`. */
  trace(y: number, line: Line): void;
}

/** Samples a pixel and axis at most, if a picture shrinks. */
const MAX_SAMPLES_PER_AXIS = 8;

/** How much of a pixel lies inside of an edge, by its distance. */
const coverage = (distance: number) => Math.min(1, Math.max(0, distance + 0.5));

/** Renders a picture in another shape: four channels, clear around it. */
function warp(picture: Samples, shape: Shape): Samples {
  const { frames, width, height, channels } = picture;
  const { canvas } = shape;
  const data = new Uint8Array(canvas.width * canvas.height * 4 * frames);
  const column = () => new Float64Array(canvas.width);
  const line: Line = {
    u: column(),
    v: column(),
    rightU: column(),
    rightV: column(),
    downU: column(),
    downV: column(),
    cover: column(),
  };
  for (let y = 0; y < canvas.height; y++) {
    shape.trace(y + 0.5, line);
    for (let frame = 0; frame < frames; frame++) {
      const from = picture.data.subarray(frame * width * height * channels);
      const to = data.subarray((frame * canvas.height + y) * canvas.width * 4);
      renderLine({ ...picture, data: from }, line, to);
    }
  }
  return { data, ...canvas, channels: 4, frames };
}

/**
 * Renders one line. Each pixel is the mean of samples, more of them where the picture shrinks; each sample is taken between four
 * pixels, of which clear ones have no colour to give. All in one function: it runs for every sample.
 */
function renderLine({ data, width, height, channels }: Samples, line: Line, to: Uint8Array): void {
  const { u, v, rightU, rightV, downU, downV, cover } = line;
  const green = channels >= 3 ? 1 : 0;
  const blue = channels >= 3 ? 2 : 0;
  const alpha = channels === 2 || channels === 4 ? channels - 1 : 0;
  for (let x = 0; x < cover.length; x++) {
    if (cover[x] === 0) continue;
    const [ru, rv] = [rightU[x] as number, rightV[x] as number];
    const [du, dv] = [downU[x] as number, downV[x] as number];
    // `Math.hypot` would take ten times as long.
    const density = Math.sqrt(Math.max(ru * ru + rv * rv, du * du + dv * dv));
    const samples = Math.min(MAX_SAMPLES_PER_AXIS, Math.max(1, Math.ceil(density - 0.25)));
    let reds = 0;
    let greens = 0;
    let blues = 0;
    let weights = 0;
    for (let sample = 0; sample < samples * samples; sample++) {
      const across = ((sample % samples) + 0.5) / samples - 0.5;
      const down = (Math.floor(sample / samples) + 0.5) / samples - 0.5;
      const left = Math.min(width - 1, Math.max(0, (u[x] as number) + across * ru + down * du - 0.5));
      const top = Math.min(height - 1, Math.max(0, (v[x] as number) + across * rv + down * dv - 0.5));
      const column = Math.floor(left);
      const row = Math.floor(top);
      for (let corner = 0; corner < 4; corner++) {
        const right = corner & 1;
        const lower = corner >> 1;
        let weight = right ? left - column : 1 - left + column;
        weight *= lower ? top - row : 1 - top + row;
        // Beyond the last pixel there is none, and no weight either.
        if (weight === 0) continue;
        const at = ((row + lower) * width + column + right) * channels;
        if (alpha > 0) weight *= (data[at + alpha] as number) / 255;
        reds += weight * (data[at] as number);
        greens += weight * (data[at + green] as number);
        blues += weight * (data[at + blue] as number);
        weights += weight;
      }
    }
    if (weights === 0) continue;
    to[4 * x] = reds / weights + 0.5;
    to[4 * x + 1] = greens / weights + 0.5;
    to[4 * x + 2] = blues / weights + 0.5;
    to[4 * x + 3] = (255 * (cover[x] as number) * weights) / (samples * samples) + 0.5;
  }
}

/** Moves the corners of a picture, and all else as it is seen in space. */
function perspective(picture: Size, from: readonly Point[], canvas: Box): Shape {
  const corners = from.map(([x, y]): Point => [x + canvas.left, y + canvas.top]);
  const [a, b, c, d, e, f, g, h, i] = inverse(squareTo(corners), picture);
  const sides = sidesOf(corners);
  return {
    canvas: { width: canvas.width, height: canvas.height },
    trace(y, { u, v, rightU, rightV, downU, downV, cover }) {
      for (let at = 0; at < canvas.width; at++) {
        const x = at + 0.5;
        cover[at] = insideOf(sides, x, y);
        if (cover[at] === 0) continue;
        const w = g * x + h * y + i;
        const [sourceU, sourceV] = [(a * x + b * y + c) / w, (d * x + e * y + f) / w];
        u[at] = sourceU;
        v[at] = sourceV;
        rightU[at] = (a - sourceU * g) / w;
        rightV[at] = (d - sourceV * g) / w;
        downU[at] = (b - sourceU * h) / w;
        downV[at] = (e - sourceV * h) / w;
      }
    },
  };
}

/** Rows of a projective map, one after the other. */
type Matrix = readonly [number, number, number, number, number, number, number, number, number];

/** The map of the unit square to a quadrilateral (Heckbert, Fundamentals of Texture Mapping, 1989, §2.2.3). */
function squareTo(corners: readonly Point[]): Matrix {
  const [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = corners as readonly [Point, Point, Point, Point];
  const [dx1, dx2, dx3] = [x1 - x2, x3 - x2, x0 - x1 + x2 - x3];
  const [dy1, dy2, dy3] = [y1 - y2, y3 - y2, y0 - y1 + y2 - y3];
  const area = dx1 * dy2 - dx2 * dy1;
  const g = (dx3 * dy2 - dx2 * dy3) / area;
  const h = (dx1 * dy3 - dx3 * dy1) / area;
  return [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, 1];
}

/** The map back, from the quadrilateral to a picture of that size; a common factor does not matter. */
function inverse([a, b, c, d, e, f, g, h, i]: Matrix, { width, height }: Size): Matrix {
  return [
    (e * i - f * h) * width,
    (c * h - b * i) * width,
    (b * f - c * e) * width,
    (f * g - d * i) * height,
    (a * i - c * g) * height,
    (c * d - a * f) * height,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  ];
}

/** Each side as a line: `a x + b y + c` is how far inside of it a point lies. */
function sidesOf(corners: readonly Point[]): Float64Array {
  const at = (index: number) => corners[index % 4] as Point;
  const [[x0, y0], [x1, y1], [x2, y2]] = [at(0), at(1), at(2)];
  const turn = Math.sign((x1 - x0) * (y2 - y1) - (y1 - y0) * (x2 - x1));
  return Float64Array.from(
    corners.flatMap(([x, y], index) => {
      const [nextX, nextY] = at(index + 1);
      const length = Math.hypot(nextX - x, nextY - y) * turn;
      const [a, b] = [(y - nextY) / length, (nextX - x) / length];
      return [a, b, -a * x - b * y];
    }),
  );
}

function insideOf(sides: Float64Array, x: number, y: number): number {
  let covered = 1;
  for (let at = 0; at < 12; at += 3) {
    const inside = (sides[at] as number) * x + (sides[at + 1] as number) * y + (sides[at + 2] as number);
    if (inside <= -0.5) return 0;
    if (inside < 0.5) covered *= inside + 0.5;
  }
  return covered;
}

/**
 * Bends a picture into an arc: its middle rises or sinks. The centre of the arc lies below the picture; above, for one that sinks:
 * all is then upside down, the picture twice.
 */
function arc({ width, height }: Size, { angle, radius, outer, inner, size }: Arc, sinks: boolean): Shape {
  const half = angle / 2;
  const closed = half >= Math.PI - 1e-9;
  const sign = sinks ? -1 : 1;
  return {
    canvas: size,
    trace(y, { u, v, rightU, rightV, downU, downV, cover }) {
      const up = outer - (sinks ? size.height - y : y);
      for (let at = 0; at < size.width; at++) {
        const across = at + 0.5 - size.width / 2;
        const distance = Math.max(1e-6, Math.sqrt(across * across + up * up));
        cover[at] = coverage(outer - distance) * (inner > 0 ? coverage(distance - inner) : 1);
        if (cover[at] === 0) continue;
        const turn = Math.atan2(across, up);
        if (!closed) cover[at] = (cover[at] as number) * endOf(half - Math.abs(turn), distance);
        const depth = outer - distance;
        u[at] = width / 2 + turn * radius;
        v[at] = sinks ? height - depth : depth;
        rightU[at] = (radius * up) / distance ** 2;
        rightV[at] = (-sign * across) / distance;
        downU[at] = (sign * radius * across) / distance ** 2;
        downV[at] = up / distance;
      }
    },
  };
}

/** How much of a pixel lies before an end of the arc: a straight line from the centre, at an angle from it. */
function endOf(left: number, distance: number): number {
  if (left >= Math.PI / 2) return 1;
  return left <= -Math.PI / 2 ? 0 : coverage(distance * Math.sin(left));
}
