import type { Rgba } from "@mediatap/core/steps";
import { inColor, type Samples } from "./samples.ts";

/** Steps of luminosity in the lookup table: four for each that 8 bits distinguish. */
const LUMINOSITY_STEPS = 1020;

type Triple = [number, number, number];

const luminosity = ([r, g, b]: Triple) => 0.3 * r + 0.59 * g + 0.11 * b;

/** The colour in another luminosity: `SetLum` and `ClipColor` of Compositing and Blending 1 §10.1; channels from 0 to 1. */
function inLuminosity(color: Triple, target: number): Triple {
  const shift = target - luminosity(color);
  const moved = color.map((channel) => channel + shift) as Triple;
  const low = Math.min(...moved);
  const high = Math.max(...moved);
  return moved.map((channel) => {
    if (low < 0) return target + ((channel - target) * target) / (target - low);
    if (high > 1) return target + ((channel - target) * (1 - target)) / (high - target);
    return channel;
  }) as Triple;
}

interface Options {
  readonly color: Rgba;
  readonly intensity: number;
}

/** Applies the hue and saturation of a colour to a picture. */
export function pixels(picture: Samples, { color, intensity }: Options): Samples {
  const colored = inColor(picture, false);
  tint(colored, color, intensity);
  return colored;
}

/** In place, on a picture of three or four channels. */
function tint({ data, channels }: Samples, { r, g, b, alpha }: Rgba, intensity: number): void {
  const weight = intensity * alpha;
  const table = new Float32Array((LUMINOSITY_STEPS + 1) * 3);
  for (let step = 0; step <= LUMINOSITY_STEPS; step++) {
    const shade = inLuminosity([r / 255, g / 255, b / 255], step / LUMINOSITY_STEPS);
    table.set(
      shade.map((channel) => channel * 255 * weight + 0.5),
      step * 3,
    );
  }
  const baseWeight = 1 - weight;
  for (let at = 0; at < data.length; at += channels) {
    const red = data[at] as number;
    const green = data[at + 1] as number;
    const blue = data[at + 2] as number;
    const step = Math.round((0.3 * red + 0.59 * green + 0.11 * blue) * 4) * 3;
    data[at] = red * baseWeight + (table[step] as number);
    data[at + 1] = green * baseWeight + (table[step + 1] as number);
    data[at + 2] = blue * baseWeight + (table[step + 2] as number);
  }
}
