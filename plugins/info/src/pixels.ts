import type { RawFrame } from "@mediatap/core";

/** Pixels of four channels: red, green, blue and alpha. Colours are not multiplied by alpha. */
export interface Pixels {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** The frame in at most `side` pixels a side. A frame that is small enough keeps its pixels. */
export function reduced(frame: RawFrame, side: number): Pixels {
  const factor = Math.min(1, side / Math.max(frame.width, frame.height));
  const width = Math.max(1, Math.round(frame.width * factor));
  const height = Math.max(1, Math.round(frame.height * factor));
  return resized(frame, width, height);
}

/** The frame in another size, each pixel the mean of the area that it stands for. */
export function resized(frame: RawFrame, width: number, height: number): Pixels {
  const { channels } = frame;
  const data = new Uint8ClampedArray(width * height * 4);
  const [columns, rows] = [shares(frame.width, width), shares(frame.height, height)];
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      let [red, green, blue, alpha, area] = [0, 0, 0, 0, 0];
      for (const [fromY, shareY] of row) {
        for (const [fromX, shareX] of column) {
          const at = (fromY * frame.width + fromX) * channels;
          const share = shareX * shareY;
          const opaque = share * (channels === 4 ? value(frame, at + 3) / 255 : 1);
          red += opaque * value(frame, at);
          green += opaque * value(frame, at + 1);
          blue += opaque * value(frame, at + 2);
          alpha += opaque;
          area += share;
        }
      }
      const color = alpha > 0 ? [red / alpha, green / alpha, blue / alpha] : [0, 0, 0];
      data.set([...color, (255 * alpha) / area], (y * width + x) * 4);
    }
  }
  return { data, width, height };
}

const value = ({ data }: RawFrame, at: number) => data[at] as number;

/** For each of `to` pixels along a side: which of `from` pixels lie under it, and how much of each. */
function shares(from: number, to: number): readonly (readonly (readonly [at: number, share: number])[])[] {
  const step = from / to;
  return Array.from({ length: to }, (_, index) => {
    const [start, end] = [index * step, (index + 1) * step];
    const list: [number, number][] = [];
    for (let at = Math.floor(start); at < Math.min(from, Math.ceil(end - 1e-9)); at++) {
      list.push([at, Math.min(end, at + 1) - Math.max(start, at)]);
    }
    return list;
  });
}
