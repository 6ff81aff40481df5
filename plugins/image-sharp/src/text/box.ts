import { type Pixels, pixelsOf } from "../pixels/buffer.ts";
import { openImage } from "../pixels/image.ts";
import { type Ink, lineWidthOf } from "./ink.ts";
import type { TextBox } from "./style.ts";

const CHANNELS = 4;

/** The text in its box: trimmed, made as transparent as its colour, padded, on its background. */
export async function renderBox(rendered: Ink | undefined, box: TextBox): Promise<Pixels> {
  const ink = rendered && trimmed(rendered);
  const { width, height, left, right, top, bottom } = measureBox(ink, box);
  const canvas = { width: Math.max(1, left + width + right), height: Math.max(1, top + height + bottom) };
  const { background, color, align } = box;
  if (ink && !background && canvas.width === ink.width && canvas.height === ink.height && color.alpha === 1) {
    return { ...ink, channels: CHANNELS, frames: 1 };
  }
  const base = openImage({
    create: { ...canvas, channels: CHANNELS, background: background ?? { r: 0, g: 0, b: 0, alpha: 0 } },
    limitInputPixels: false,
  });
  if (ink) {
    const free = width - ink.width;
    const shift = { left: 0, center: Math.trunc(free / 2), right: free }[align];
    const over = await faded(ink, color.alpha, Math.max(0, -shift), Math.min(width, ink.width));
    base.composite([
      {
        input: over.data,
        raw: { width: over.width, height: over.height, channels: CHANNELS },
        left: left + Math.max(0, shift),
        top,
        limitInputPixels: false,
      },
    ]);
  }
  return pixelsOf(base);
}

/** The area for the text and what is around it. With a background the box has its width, else that of the text. */
export function measureBox(
  ink: { readonly width: number; readonly height: number } | undefined,
  box: TextBox,
) {
  const [top, right, bottom, left] = box.padding.map(Math.round) as [number, number, number, number];
  const width = (box.background && lineWidthOf(box)) ?? ink?.width ?? 0;
  return { width, height: ink?.height ?? 0, left, right, top, bottom };
}

/** The ink times `alpha`, and of its width only a window. */
async function faded({ data, width, height }: Ink, alpha: number, left: number, kept: number): Promise<Ink> {
  if (alpha === 1 && kept === width) return { data, width, height };
  const image = openImage(data, { raw: { width, height, channels: CHANNELS }, limitInputPixels: false });
  if (kept < width) image.extract({ left, top: 0, width: kept, height });
  if (alpha < 1) image.linear([1, 1, 1, alpha], [0, 0, 0, 0]);
  return pixelsOf(image);
}

/** Cuts rows and columns in which nothing can be seen; Pango counts room around some signs. */
function trimmed({ data, width, height }: Ink): Ink | undefined {
  const isClear = (x: number, y: number) => data[(y * width + x) * CHANNELS + 3] === 0;
  const isRowClear = (y: number) => {
    for (let x = 0; x < width; x++) if (!isClear(x, y)) return false;
    return true;
  };
  let [top, bottom, left, right] = [0, height, 0, width];
  while (top < bottom && isRowClear(top)) top++;
  while (bottom > top && isRowClear(bottom - 1)) bottom--;
  const isColumnClear = (x: number) => {
    for (let y = top; y < bottom; y++) if (!isClear(x, y)) return false;
    return true;
  };
  while (left < right && isColumnClear(left)) left++;
  while (right > left && isColumnClear(right - 1)) right--;
  if (top === bottom || left === right) return undefined;
  if (right - left === width && bottom - top === height) return { data, width, height };
  const row = (right - left) * CHANNELS;
  const cut = Buffer.allocUnsafe(row * (bottom - top));
  for (let y = top; y < bottom; y++) {
    data.copy(cut, (y - top) * row, (y * width + left) * CHANNELS, (y * width + right) * CHANNELS);
  }
  return { data: cut, width: right - left, height: bottom - top };
}
