import type { Embedded, RenderContext, Source } from "@mediatap/core";
import type { Metadata } from "sharp";
import { openImage } from "../pixels/image.ts";
import { inputOf } from "./header.ts";
import { mediaError } from "./libvips.ts";
import { isReadFormat } from "./sniff.ts";

/** What a picture contains beside its pixels. `undefined`: it is no picture of samples that libvips reads. */
export async function readEmbedded(
  source: Source,
  renderContext: RenderContext,
): Promise<Embedded | undefined> {
  const header = await renderContext.inspect("header", source);
  if (!header || header.decode || header.format === "svg" || !isReadFormat(header.format)) return undefined;
  try {
    const input = await inputOf(source, header.format, renderContext.limits);
    const { space, icc, exif } = await openImage(input, {
      limitInputPixels: false,
      failOn: "none",
    }).metadata();
    return { colorSpace: colorSpaceOf(space), ...(icc && { profile: icc }), ...(exif && { exif }) };
  } catch (error) {
    throw mediaError(error);
  }
}

/** libvips also distinguishes how samples are stored; every other interpretation with three colours is RGB. */
function colorSpaceOf(space: Metadata["space"]): Embedded["colorSpace"] {
  if (space === "b-w" || space === "grey16") return "gray";
  return space === "cmyk" || space === "lab" ? space : "rgb";
}
