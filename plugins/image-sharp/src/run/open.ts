import type { RenderContext, Source } from "@mediatap/core";
import type { Sharp, SharpOptions } from "sharp";
import { addsColor } from "../operations/pass.ts";
import { type Animation, openPixels } from "../pixels/buffer.ts";
import { openImage } from "../pixels/image.ts";
import { decodedSize } from "../plan/decoder.ts";
import type { ImagePlan } from "../plan/image-plan.ts";
import { readApng, renderFrames } from "../read/apng.ts";
import { decodedInput } from "../read/decoded.ts";
import { inputOf } from "../read/header.ts";

export interface Opened {
  readonly image: Sharp;
  readonly animation: Animation;
  /** sharp lets no decoder shrink if it has to convert the colours first. */
  readonly unshrunk?: true;
}

/** A source as the beginning of its first pipeline. Throws what reading or decoding it throws. */
export async function openSource(
  source: Source,
  plan: ImagePlan,
  renderContext: RenderContext,
): Promise<Opened> {
  const { header, frames, page, time, density, original, stepsPlan, keeps } = plan;
  const { limits } = renderContext;
  if (header.format === "apng" && (frames > 1 || page > 0)) {
    const apng = readApng(await source.bytes(limits.imageBytes));
    const pixels = await renderFrames(apng, { first: page, last: page + frames - 1 }, renderContext);
    return { image: openPixels(pixels), animation: frames > 1 ? apng.animation : {} };
  }
  const size = decodedSize(header, stepsPlan.known.stages, original);
  const input = header.decode
    ? await decodedInput(source, header, { page, size, ...(time !== undefined && { time }) }, renderContext)
    : await inputOf(source, header.format, limits);
  const options: SharpOptions = {
    autoOrient: true,
    failOn: "error",
    limitInputPixels: Math.floor(limits.megapixels * 1e6),
    ...(frames > 1 && { animated: true }),
    ...(page > 0 && !header.decode && { page }),
    ...(density !== undefined && { density }),
  };
  const image = openImage(input, options);
  const [first] = stepsPlan.known.stages;
  const colored = first?.kind === "pass" && addsColor(first.pass);
  if (frames === 1 && header.depth !== 16 && !colored) return { image, animation: {} };
  const meta = await image.metadata();
  // One channel would turn every colour that is added to grey.
  const unshrunk = colored && meta.channels < 3;
  if (unshrunk) image.pipelineColourspace("srgb");
  // sharp works on 16 bits in Display P3 and would leave them there.
  else if (header.depth === 16 && meta.hasProfile && !keeps) image.withIccProfile("srgb", { attach: false });
  const { loop, delay } = meta;
  return {
    image,
    ...(unshrunk && { unshrunk }),
    animation: frames > 1 ? { ...(loop !== undefined && { loop }), ...(delay && { delay }) } : {},
  };
}
