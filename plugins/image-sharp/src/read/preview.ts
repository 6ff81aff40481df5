import type { RawFrame, RenderContext, Size, Source } from "@mediatap/core";
import { pixelsOf, rawFrame } from "../pixels/buffer.ts";
import { openImage } from "../pixels/image.ts";
import { decodedInput, isReadable, isVector } from "./decoded.ts";
import { inputOf } from "./header.ts";
import { DEFAULT_DENSITY, mediaError } from "./libvips.ts";

/** Longest side of a preview. */
const MAX_SIDE = 512;

/** The first frame, small and upright, with three channels or, if it has transparency, four. `undefined`: not a picture that is read here. */
export async function readPreview(
  source: Source,
  renderContext: RenderContext,
): Promise<RawFrame | undefined> {
  const header = await renderContext.inspect("header", source);
  if (!isReadable(header)) return undefined;
  const { limits } = renderContext;
  const factor = Math.min(1, MAX_SIDE / Math.max(header.width, header.height));
  const size: Size = isVector(header)
    ? { width: Math.ceil(header.width * factor), height: Math.ceil(header.height * factor) }
    : { width: header.width, height: header.height };
  try {
    const input = header.decode
      ? await decodedInput(source, header, { page: 0, size }, renderContext)
      : await inputOf(source, header.format, limits);
    const image = openImage(input, {
      autoOrient: true,
      failOn: "error",
      limitInputPixels: Math.floor(limits.megapixels * 1e6),
      ...(header.format === "svg" && { density: Math.max(1, DEFAULT_DENSITY * factor) }),
    })
      .resize({ width: MAX_SIDE, height: MAX_SIDE, fit: "inside", withoutEnlargement: true })
      .toColourspace("srgb")
      .timeout({ seconds: Math.max(1, Math.ceil(limits.imageWork / 1000)) });
    return rawFrame(await pixelsOf(image));
  } catch (error) {
    throw mediaError(error);
  }
}
