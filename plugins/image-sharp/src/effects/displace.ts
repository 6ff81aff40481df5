import type { Corner } from "@mediatap/core/steps";
import type { Samples } from "./samples.ts";

interface Options extends Corner {
  /** A picture of four channels, and where it lies. */
  readonly map: Samples;
  /** Pixels that full red or green moves by. */
  readonly x: number;
  readonly y: number;
}

/** Moves each pixel by the value of the map there: red sideways, green up and down; the middle value moves nothing. */
export function pixels(base: Samples, { map, left, top, ...reach }: Options): Samples {
  const { width, height, channels } = base;
  const data = base.data.slice();
  for (let row = 0; row < map.height; row++) {
    for (let column = 0; column < map.width; column++) {
      const at = (row * map.width + column) * 4;
      const strength = (map.data[at + 3] as number) / 255;
      const shift = (sample: number) => (((map.data[at + sample] as number) - 127.5) / 127.5) * strength;
      const x = clamp(Math.round(left + column + shift(0) * reach.x), width);
      const y = clamp(Math.round(top + row + shift(1) * reach.y), height);
      const from = (y * width + x) * channels;
      const to = ((top + row) * width + left + column) * channels;
      // A call for each pixel would take most of the time.
      for (let channel = 0; channel < channels; channel++) {
        data[to + channel] = base.data[from + channel] as number;
      }
    }
  }
  return { ...base, data };
}

const clamp = (value: number, length: number) => Math.min(length - 1, Math.max(0, value));
