import assert from "node:assert/strict";
import type { Answer } from "@mediatap/test";
import sharp from "sharp";

/** Red, green, blue and alpha, each 0–255; alpha left out: opaque. */
export type Colour = readonly [number, number, number, number?];

export const RED: Colour = [255, 0, 0];
export const GREEN: Colour = [0, 255, 0];
export const BLUE: Colour = [0, 0, 255];
export const WHITE: Colour = [255, 255, 255];
export const BLACK: Colour = [0, 0, 0];
export const YELLOW: Colour = [255, 255, 0];
export const CLEAR: Colour = [0, 0, 0, 0];

/** A picture of one colour. */
export const plain = (width: number, height: number, [r, g, b, alpha = 255]: Colour) =>
  sharp({ create: { width, height, channels: 4, background: { r, g, b, alpha: alpha / 255 } } });

export const png = (width: number, height: number, colour: Colour): Promise<Buffer> =>
  plain(width, height, colour).png().toBuffer();

/** What can be seen of an answer. */
export interface Look {
  readonly width: number;
  readonly height: number;
  at(x: number, y: number): readonly number[];
  /** The box of all pixels of a colour, give or take `near` in each channel: `[left, top, width, height]`. */
  box(colour: Colour, near?: number): readonly [number, number, number, number] | undefined;
  /** Pixels of a colour. */
  count(colour: Colour, near?: number): number;
}

/** Decodes an answer's picture. Throws for anything but a 200 with a whole picture. */
export async function look({ status, headers, body }: Pick<Answer, "status" | "headers" | "body">) {
  assert.equal(status, 200, headers["ik-error"]);
  return lookAt(body);
}

/** As `look`, of encoded bytes. */
export async function lookAt(bytes: Buffer): Promise<Look> {
  const { data, info } = await sharp(bytes, { failOn: "error" })
    .toColourspace("srgb")
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const at = (x: number, y: number) => [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
  function* found(colour: Colour, near: number) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) if (isNear(at(x, y), colour, near)) yield [x, y] as const;
    }
  }
  return {
    width,
    height,
    at,
    box(colour, near = 40) {
      const points = [...found(colour, near)];
      if (points.length === 0) return undefined;
      const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
      const [left, top] = [xs, ys].map((all) => all.reduce((a, b) => Math.min(a, b)));
      const [right, bottom] = [xs, ys].map((all) => all.reduce((a, b) => Math.max(a, b)));
      return [
        left,
        top,
        (right as number) - (left as number) + 1,
        (bottom as number) - (top as number) + 1,
      ] as [number, number, number, number];
    },
    count: (colour, near = 40) => [...found(colour, near)].length,
  };
}

/** Whether a pixel has a colour. What is clear has none. */
export function isNear(pixel: readonly number[], [r, g, b, alpha = 255]: Colour, near = 8): boolean {
  if (alpha === 0) return (pixel[3] ?? 255) <= near;
  return [r, g, b, alpha].every((value, i) => Math.abs(value - (pixel[i] ?? 0)) <= near);
}

/** Points, as `"x,y"`, and the colours that are there. */
export type Points = Readonly<Record<string, Colour>>;

export function assertPoints(look: Look, points: Points, what: string, near?: number): void {
  for (const [point, colour] of Object.entries(points)) {
    const [x = 0, y = 0] = point.split(",").map(Number);
    const pixel = look.at(x, y);
    assert(
      isNear(pixel, colour, near),
      `${what}: ${pixel} at ${point} of ${look.width}x${look.height}, expected ${colour}`,
    );
  }
}
