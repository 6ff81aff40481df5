import { setImmediate as turn } from "node:timers/promises";
import type { PlacedLayer } from "@mediatap/core/steps";
import type { Pixels } from "../pixels/buffer.ts";

/** Samples after which other work gets its turn. */
const SLICE = 250_000;

/** Moves each pixel by what the map says there: red sideways, green up and down; the middle value moves nothing. */
export async function displace(
  base: Pixels,
  map: Pixels,
  { left, top }: PlacedLayer,
  reach: { readonly x: number; readonly y: number },
): Promise<Pixels> {
  const { width, height, channels } = base;
  const data = Buffer.from(base.data);
  const rows = Math.max(1, Math.floor(SLICE / map.width));
  for (let row = 0; row < map.height; row++) {
    if (row % rows === rows - 1) await turn();
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
