import type { Size } from "@mediatap/core";
import type { Box, Paint } from "@mediatap/core/steps";
import type { Sharp } from "sharp";
import type { Fill } from "../operations/operation.ts";
import { framesOf, openPixels, type Pixels } from "../pixels/buffer.ts";
import { cornerColors, dominantColor, edgeColors, type Rgb } from "../pixels/palette.ts";

/**
 * Lays a picture on a paint that is taken from the picture itself. An animation gets its first frame's dominant colour, whatever
 * the paint, so that the background stands still.
 */
export async function fill(pixels: Pixels, { canvas, paint }: Fill): Promise<Sharp> {
  const [first] = framesOf(pixels) as [Pixels];
  const position: Box = canvas ?? { left: 0, top: 0, width: pixels.width, height: pixels.height };
  const backdrop = pixels.frames > 1 ? undefined : await backdropOf(paint, first, position);
  return backdrop ? compose(backdrop, pixels, position) : plain(pixels, position, dominantColor(first));
}

function plain(pixels: Pixels, canvas: Box, background: Rgb): Sharp {
  const image = openPixels(pixels).flatten({ background });
  return image.extend({
    left: canvas.left,
    top: canvas.top,
    right: canvas.width - pixels.width - canvas.left,
    bottom: canvas.height - pixels.height - canvas.top,
    background,
  });
}

function compose(backdrop: Pixels, { data, width, height, channels }: Pixels, { left, top }: Box): Sharp {
  return openPixels(backdrop)
    .composite([{ input: data, raw: { width, height, channels }, left, top }])
    .removeAlpha();
}

async function backdropOf(paint: Paint, picture: Pixels, canvas: Box): Promise<Pixels | undefined> {
  switch (paint.kind) {
    case "blurred":
      return blurred(picture, canvas, paint.intensity, paint.brightness);
    case "gradient":
      return paint.colors === 2 ? linear(picture, canvas) : corners(picture, canvas);
    default:
      return undefined;
  }
}

async function rgb(image: Sharp): Promise<Pixels> {
  const { data, info } = await image
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels, frames: 1 };
}

/** Blur that hides what the copy shows, where no intensity is given: of 100. */
const AUTO_INTENSITY = 25;

/** A copy that covers the canvas. It is blurred small and scaled up: the difference is invisible, and large masks are expensive. */
async function blurred(
  picture: Pixels,
  canvas: Size,
  intensity: number | "auto",
  brightness: number,
): Promise<Pixels> {
  const sigma =
    ((intensity === "auto" ? AUTO_INTENSITY : intensity) / 1000) * Math.max(canvas.width, canvas.height);
  const shrink = Math.max(1, Math.floor(sigma / 4));
  const small = {
    width: Math.max(1, Math.ceil(canvas.width / shrink)),
    height: Math.max(1, Math.ceil(canvas.height / shrink)),
  };
  const copy = openPixels(picture)
    .flatten()
    .resize({ ...small, fit: "cover" });
  if (sigma >= 0.3) copy.blur(sigma / shrink);
  if (brightness !== 0) copy.linear(1, brightness);
  const soft = await rgb(copy);
  return rgb(
    openPixels(soft).resize({ width: canvas.width, height: canvas.height, fit: "fill", kernel: "cubic" }),
  );
}

/** From one edge's colour to that of the opposite one, across the direction in which there is room. */
async function linear(picture: Pixels, canvas: Box): Promise<Pixels> {
  const across = canvas.width / picture.width >= canvas.height / picture.height;
  const [from, to] = edgeColors(picture, across);
  return smooth(across ? [[from, to]] : [[from], [to]], canvas);
}

async function corners(picture: Pixels, canvas: Size): Promise<Pixels> {
  const [topLeft, topRight, bottomLeft, bottomRight] = cornerColors(picture);
  return smooth(
    [
      [topLeft, topRight],
      [bottomLeft, bottomRight],
    ],
    canvas,
  );
}

/** Samples a side from which a gradient is scaled up: few, because they are worked out one by one. */
const GRADIENT_SIDE = 64;

/** Colours at the edges or corners, with straight transitions in between. */
function smooth(grid: readonly (readonly Rgb[])[], { width, height }: Size): Promise<Pixels> {
  const [upper, lower] = [grid[0], grid.at(-1)] as [readonly Rgb[], readonly Rgb[]];
  const data = Buffer.allocUnsafe(GRADIENT_SIDE * GRADIENT_SIDE * 3);
  for (let y = 0; y < GRADIENT_SIDE; y++) {
    for (let x = 0; x < GRADIENT_SIDE; x++) {
      const across = x / (GRADIENT_SIDE - 1);
      const color = mix(mixRow(upper, across), mixRow(lower, across), y / (GRADIENT_SIDE - 1));
      data.set([color.r, color.g, color.b], (y * GRADIENT_SIDE + x) * 3);
    }
  }
  const samples: Pixels = { data, width: GRADIENT_SIDE, height: GRADIENT_SIDE, channels: 3, frames: 1 };
  return rgb(openPixels(samples).resize({ width, height, fit: "fill", kernel: "cubic" }));
}

const mixRow = (colors: readonly Rgb[], at: number) => mix(colors[0] as Rgb, colors.at(-1) as Rgb, at);

const mix = (a: Rgb, b: Rgb, at: number): Rgb => ({
  r: Math.round(a.r + (b.r - a.r) * at),
  g: Math.round(a.g + (b.g - a.g) * at),
  b: Math.round(a.b + (b.b - a.b) * at),
});
