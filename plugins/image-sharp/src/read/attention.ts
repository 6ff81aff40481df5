import type { RenderContext, Source, Spot } from "@mediatap/core";
import { fromRawFrame, openPixels } from "../pixels/buffer.ts";
import { mediaError } from "./libvips.ts";

/** The point that catches the eye, as crops with `focus: "attention"` find it. `undefined`: nothing does, or it is no picture that is read here. */
export async function readAttention(source: Source, renderContext: RenderContext): Promise<Spot | undefined> {
  const preview = await renderContext.inspect("preview", source);
  if (!preview) return undefined;
  const { width, height } = preview;
  try {
    const { info } = await openPixels(fromRawFrame(preview))
      // libvips looks only if there is something to cut off.
      .resize({ width: Math.ceil(width / 2), height, fit: "cover", position: "attention" })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { attentionX: x = 0, attentionY: y = 0 } = info;
    return x === 0 && y === 0 ? undefined : { x: x / width, y: y / height };
  } catch (error) {
    throw mediaError(error);
  }
}
