import { stat } from "node:fs/promises";
import { type Header, MediaError, type RenderContext, type Source } from "@mediatap/core";
import { memoizeInspector, xmlText } from "@mediatap/core/decode";
import type { Metadata } from "sharp";
import { openImage } from "../pixels/image.ts";
import { APNG_LENGTH, framesOfPng } from "./apng.ts";
import { asStill, BRAND_LENGTH, hasStill, isAvifSequence } from "./avif.ts";
import { DECODE_COST } from "./cost.ts";
import { plainJpegHeader } from "./jpeg.ts";
import { mediaError } from "./libvips.ts";
import { SNIFF_LENGTH, sniff } from "./sniff.ts";
import { checkSvg } from "./svg.ts";

/** Reads headers. An SVG is checked against the limits of each render. */
export const createHeaderReader = (entries: number) =>
  memoizeInspector(readHeader, { entries, keep: ({ format }) => format !== "svg" });

async function readHeader(source: Source, { limits }: RenderContext): Promise<Header | undefined> {
  const head = await source.peek(SNIFF_LENGTH);
  const format = sniff(head);
  if (!format) return undefined;
  try {
    const input = await inputOf(source, format, limits);
    const plain = format === "jpeg" && plainJpegHeader(typeof input === "string" ? head : input);
    if (plain) return plain;
    const cost = format === "svg" ? checkSvg(input as Uint8Array, limits) : 0;
    // Pixels are counted by the plan, which knows how many frames are requested; nothing is decoded here.
    const meta = await openImage(input, { limitInputPixels: false, failOn: "none" }).metadata();
    const frames = format === "png" ? framesOfPng(await source.peek(APNG_LENGTH)) : 0;
    if (frames > 1) return apngHeader(meta, frames);
    return {
      format,
      width: meta.autoOrient.width,
      height: meta.autoOrient.height,
      frames: meta.pages ?? 1,
      alpha: meta.hasAlpha,
      palette: meta.isPalette,
      depth: meta.bitsPerSample ?? (meta.depth === "ushort" ? 16 : 8),
      orientation: meta.orientation ?? 1,
      ...(meta.gainMap && { gainMap: true }),
      ...(meta.isProgressive && { interlaced: true }),
      ...(format === "avif" && isAvifSequence(await source.peek(BRAND_LENGTH)) && { moves: true }),
      ...(meta.density !== undefined && { density: meta.density }),
      ...(cost > 0 && { weight: 1 + cost / DECODE_COST.svg }),
    };
  } catch (error) {
    throw mediaError(error);
  }
}

/** Frames lie on the canvas as it is stored, so an EXIF orientation has no meaning. */
function apngHeader({ width, height, isPalette }: Metadata, frames: number): Header {
  return { format: "apng", width, height, frames, alpha: true, palette: isPalette, depth: 8, orientation: 1 };
}

/** What sharp reads a source from: its file if it has one, else its bytes. An SVG always comes as bytes, in UTF-8. */
export async function inputOf(
  source: Source,
  format: string,
  limits: RenderContext["limits"],
): Promise<string | Uint8Array> {
  if (format === "svg") return Buffer.from(xmlText(await source.bytes(limits.svgBytes)));
  if (format === "avif" && isAvifSequence(await source.peek(BRAND_LENGTH))) {
    const bytes = await source.bytes(limits.imageBytes);
    if (hasStill(bytes)) return asStill(bytes);
    throw new MediaError("EUNSUPPORTED", "Not supported here: animated AVIF without a still image");
  }
  // libvips opens a file several times to find out what it is.
  if (source.file === undefined || source.isInMemory) return source.bytes(limits.imageBytes);
  const size = source.metadata.size ?? (await stat(source.file)).size;
  if (size > limits.imageBytes) {
    throw new MediaError("ELIMIT", `Expected at most ${limits.imageBytes} bytes but received ${size}`);
  }
  return source.file;
}
