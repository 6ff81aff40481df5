import type { Rgba } from "@mediatap/core/steps";
import { inColor, type Samples } from "./samples.ts";

/** Steps of luminosity that are worked out: four for each that a sample can tell apart. */
const STEPS = 1020;

type Triple = [number, number, number];

const luminosity = ([r, g, b]: Triple) => 0.3 * r + 0.59 * g + 0.11 * b;

/** The colour in another luminosity: `SetLum` and `ClipColor` of Compositing and Blending 1 §10.1; parts from 0 to 1. */
function inLuminosity(color: Triple, wanted: number): Triple {
  const shift = wanted - luminosity(color);
  const moved = color.map((part) => part + shift) as Triple;
  const low = Math.min(...moved);
  const high = Math.max(...moved);
  return moved.map((part) => {
    if (low < 0) return wanted + ((part - wanted) * wanted) / (wanted - low);
    if (high > 1) return wanted + ((part - wanted) * (1 - wanted)) / (high - wanted);
    return part;
  }) as Triple;
}

interface Options {
  readonly color: Rgba;
  readonly intensity: number;
}

/** Lays hue and saturation of a colour on a picture. */
export function pixels(picture: Samples, { color, intensity }: Options): Samples {
  const colored = inColor(picture, false);
  tint(colored, color, intensity);
  return colored;
}

/** In place, on a picture of three or four channels. */
function tint({ data, channels }: Samples, { r, g, b, alpha }: Rgba, intensity: number): void {
  const weight = intensity * alpha;
  const table = new Float32Array((STEPS + 1) * 3);
  for (let step = 0; step <= STEPS; step++) {
    const shade = inLuminosity([r / 255, g / 255, b / 255], step / STEPS);
    table.set(
      shade.map((part) => part * 255 * weight + 0.5),
      step * 3,
    );
  }
  const rest = 1 - weight;
  for (let at = 0; at < data.length; at += channels) {
    const red = data[at] as number;
    const green = data[at + 1] as number;
    const blue = data[at + 2] as number;
    const step = Math.round((0.3 * red + 0.59 * green + 0.11 * blue) * 4) * 3;
    data[at] = red * rest + (table[step] as number);
    data[at + 1] = green * rest + (table[step + 1] as number);
    data[at + 2] = blue * rest + (table[step + 2] as number);
  }
}
