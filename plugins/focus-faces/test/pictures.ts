import { join } from "node:path";
import sharp, { type Sharp } from "sharp";

/** The photograph, and the face in it. */
export const PHOTO = join(import.meta.dirname, "face.jpg");
export const PHOTO_SIZE = { width: 230, height: 250 };
const FACE = { left: 66, top: 48, width: 84, height: 96 };

export interface Position {
  readonly left: number;
  readonly top: number;
  /** @default 1 */
  readonly scale?: number;
}

export const CANVAS = { width: 1200, height: 800 };

/** Edge of a mark. */
const MARK = 4;
const MAGENTA = "#ff00ff";

/**
 * The photograph at positions in a larger picture, the corners of its face marked, with something in the upper right corner that
 * catches the eye more than a face does.
 */
export async function picture(positions: readonly Position[]): Promise<Sharp> {
  const faces = await Promise.all(
    positions.map(async ({ left, top, scale = 1 }) => {
      const width = Math.round(PHOTO_SIZE.width * scale);
      const photo = await sharp(PHOTO).resize(width).png().toBuffer();
      const corners = [0, 1].flatMap((x) =>
        [0, 1].map((y) => ({
          input: { create: { width: MARK, height: MARK, channels: 3 as const, background: MAGENTA } },
          left: Math.round(left + (FACE.left + x * FACE.width) * scale) - x * MARK,
          top: Math.round(top + (FACE.top + y * FACE.height) * scale) - y * MARK,
        })),
      );
      return [{ input: photo, left, top }, ...corners];
    }),
  );
  return composed([{ input: eyeCatcher(), left: 940, top: 20 }, ...faces.flat()]);
}

const composed = async (layers: Parameters<Sharp["composite"]>[0]): Promise<Sharp> => {
  const create = { ...CANVAS, channels: 3 as const, background: "#67788a" };
  return sharp(await sharp({ create }).composite(layers).png().toBuffer());
};

/** Edges, and the colour of skin. */
function eyeCatcher(): Buffer {
  const fields = Array.from({ length: 16 }, (_, index) => {
    const [column, row] = [index % 4, Math.floor(index / 4)];
    const fill = (column + row) % 2 ? "#e8b090" : "#000";
    return `<rect x="${column * 60}" y="${row * 60}" width="60" height="60" fill="${fill}"/>`;
  });
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="240" height="240">${fields.join("")}</svg>`,
  );
}

/** How wide and high the marks of a face lie apart. */
export const MARKED = { width: FACE.width, height: FACE.height };

export interface Marks {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Marked pixels. */
  readonly pixels: number;
}

export interface Seen {
  readonly width: number;
  readonly height: number;
  /** The box around all marks; none: `undefined`. */
  readonly marks: Marks | undefined;
}

/** What is to be seen of the marks in a picture, of one of its frames. */
export async function seen(bytes: Uint8Array, page = 0): Promise<Seen> {
  const { data, info } = await sharp(bytes, { page })
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  let pixels = 0;
  const [xs, ys]: [number[], number[]] = [[], []];
  for (let position = 0; position < width * height; position++) {
    const [r = 0, g = 0, b = 0] = data.subarray(3 * position, 3 * position + 3);
    if (r < 200 || g > 90 || b < 200) continue;
    pixels++;
    xs.push(position % width);
    ys.push(Math.floor(position / width));
  }
  if (pixels === 0) return { width, height, marks: undefined };
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const marks = { left, top, width: Math.max(...xs) + 1 - left, height: Math.max(...ys) + 1 - top, pixels };
  return { width, height, marks };
}
