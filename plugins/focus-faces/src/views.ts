import type { RawFrame } from "@mediatap/core";

/** Pixels along a side of the network's input. */
export const INPUT_SIDE = 192;

/** A square part of a frame, in its pixels; it may reach beyond it. */
export interface View {
  readonly left: number;
  readonly top: number;
  readonly side: number;
}

/** Longest side of a view of a long picture, as a multiple of the shorter side. */
const MAX_VIEW_RATIO = 2;
/** Share of a view that the next one shows, too: a face that one cuts is complete in the other. */
const OVERLAP_SHARE = 0.25;
const MAX_VIEWS = 4;

interface Frame {
  readonly width: number;
  readonly height: number;
}

/** Views that cover the whole picture: one, or up to four along a very long one. */
export function viewsOf({ width, height }: Frame): readonly View[] {
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  const requested = Math.max(short * MAX_VIEW_RATIO, 1);
  const more = Math.ceil((long - requested) / (requested * (1 - OVERLAP_SHARE)));
  const count = Math.max(1, Math.min(MAX_VIEWS, more + 1));
  const side = count === 1 ? long : Math.max(requested, long / (1 + (count - 1) * (1 - OVERLAP_SHARE)));
  return grid({ width, height }, side, count);
}

/** Share of the longer side that a tile shows. */
const TILE_SHARE = 0.55;

/** Tiles, four at most. */
export function tilesOf(frame: Frame): readonly View[] {
  return grid(frame, Math.max(frame.width, frame.height) * TILE_SHARE, 2);
}

/** Squares at equal distances, so many along each side that is longer than they are. */
function grid({ width, height }: Frame, side: number, count: number): View[] {
  const along = (length: number): number[] =>
    length <= side || count === 1
      ? [(length - side) / 2]
      : Array.from({ length: count }, (_, index) => ((length - side) * index) / (count - 1));
  return along(height).flatMap((top) => along(width).map((left) => ({ left, top, side })));
}

/** A view as input of the network: colours from -1 to 1, what lies beside the picture 0. */
export function sampleView({ data, width, height }: RawFrame, { left, top, side }: View): Float32Array {
  const samples = new Float32Array(INPUT_SIDE * INPUT_SIDE * 3);
  const step = side / INPUT_SIDE;
  // So many points for each pixel that none of the frame is left out.
  const points = Math.ceil(step);
  const read = (x: number, y: number, channel: number) => data[(y * width + x) * 3 + channel] as number;
  let at = 0;
  for (let row = 0; row < INPUT_SIDE; row++) {
    for (let column = 0; column < INPUT_SIDE; column++, at += 3) {
      for (let point = 0; point < points * points; point++) {
        const x = left + (column + ((point % points) + 0.5) / points) * step - 0.5;
        const y = top + (row + (Math.floor(point / points) + 0.5) / points) * step - 0.5;
        if (x < -0.5 || y < -0.5 || x >= width - 0.5 || y >= height - 0.5) continue;
        const [x0, y0] = [Math.max(0, Math.floor(x)), Math.max(0, Math.floor(y))];
        const [x1, y1] = [Math.min(width - 1, x0 + 1), Math.min(height - 1, y0 + 1)];
        const across = Math.max(0, x - x0);
        const down = Math.max(0, y - y0);
        for (let channel = 0; channel < 3; channel++) {
          const upper = read(x0, y0, channel) * (1 - across) + read(x1, y0, channel) * across;
          const lower = read(x0, y1, channel) * (1 - across) + read(x1, y1, channel) * across;
          samples[at + channel] =
            (samples[at + channel] as number) + upper * (1 - down) + lower * down - 127.5;
        }
      }
    }
  }
  const scale = 1 / (127.5 * points * points);
  for (let index = 0; index < samples.length; index++) samples[index] = (samples[index] as number) * scale;
  return samples;
}
