import type { StepOf } from "@mediatap/core";
import type { Sharp } from "sharp";
import { framesOf, joinFrames, openPixels, type Pixels, pixelsOf } from "../pixels/buffer.ts";
import { openImage } from "../pixels/image.ts";

/** Standard deviations beyond which a blur does not show, and where its mask ends. */
const VISIBLE_SIGMAS = 3;
const MASK_THRESHOLD = Math.exp(-(VISIBLE_SIGMAS ** 2) / 2);

/** Composes each frame over its own blurred shadow. A picture that turned out to have no alpha casts none. */
export async function castShadows(
  pixels: Pixels,
  step: StepOf<"shadow">,
  signal: AbortSignal,
): Promise<Pixels> {
  if (pixels.channels === 1 || pixels.channels === 3) return pixels;
  const results: Pixels[] = [];
  for (const frame of framesOf(pixels)) {
    signal.throwIfAborted();
    results.push(await pixelsOf(await castShadow(frame, step)));
  }
  return joinFrames(results);
}

/** One picture with alpha. */
async function castShadow(picture: Pixels, { sigma, strength, x, y }: StepOf<"shadow">): Promise<Sharp> {
  const { width, height } = picture;
  const margin = Math.ceil(VISIBLE_SIGMAS * sigma);
  const [right, down] = [Math.round(x * width), Math.round(y * height)];
  const shade = await shadeOf(picture, { sigma, margin, right, down });
  if (!shade) return openPixels(picture);
  const input = Buffer.alloc(width * height * 4);
  for (let row = 0; row < height; row++) {
    let from = (row + margin) * (width + 2 * margin) + margin;
    for (let to = row * width * 4 + 3; to < (row + 1) * width * 4; to += 4) {
      input[to] = Math.round((shade[from++] as number) * strength);
    }
  }
  return openPixels(picture).composite([{ input, raw: { width, height, channels: 4 }, blend: "dest-over" }]);
}

interface Cast {
  readonly sigma: number;
  readonly margin: number;
  readonly right: number;
  readonly down: number;
}

/**
 * The picture's opacity moved and blurred: one sample a pixel of the canvas with a margin around it, from where a blur still
 * reaches it. `undefined` if nothing is left there.
 */
async function shadeOf(picture: Pixels, { sigma, margin, right, down }: Cast): Promise<Buffer | undefined> {
  const { width, height, channels } = picture;
  const across = overlap(-right - margin, width - right + margin, width);
  const along = overlap(-down - margin, height - down + margin, height);
  if (!across || !along) return undefined;
  const alpha = openPixels(picture)
    .extract({ left: across.from, width: across.length, top: along.from, height: along.length })
    .extractChannel(channels === 2 ? 1 : "alpha")
    .toColourspace("b-w");
  const { data, info } = await alpha.raw().toBuffer({ resolveWithObject: true });
  const shade = openImage(data, { raw: info, limitInputPixels: false }).extend({
    left: across.before,
    right: across.after,
    top: along.before,
    bottom: along.after,
    background: "black",
  });
  if (sigma >= 0.3) shade.blur({ sigma, minAmplitude: MASK_THRESHOLD });
  return shade.toColourspace("b-w").raw().toBuffer();
}

/** The part of `from`–`to` that lies on 0–`length`, and how much of it lies before and after. */
function overlap(from: number, to: number, length: number) {
  const start = Math.max(0, from);
  const end = Math.min(length, to);
  if (end <= start) return undefined;
  return { from: start, length: end - start, before: start - from, after: to - end };
}
