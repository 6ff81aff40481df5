import {
  type Header,
  MediaError,
  type RenderContext,
  type Size,
  type Source,
  type Transformation,
} from "@mediatap/core";
import sharp from "sharp";
import { isReadFormat } from "./sniff.ts";

/** Whether pixels can be had of a file: by libvips, or of a plugin that decodes it. */
export const isReadable = (header: Header | undefined): header is Header =>
  header !== undefined && (header.decode !== undefined || isReadFormat(header.format));

/** It has no pixels but those that it is drawn with. */
export const isVector = ({ format, decode }: Header): boolean => format === "svg" || decode?.vector === true;

/** Whether a file goes out as it is: a document (PDF, PSD), or an animation that is not written, of which no picture is asked. */
export async function staysDocument(
  { steps, output }: Transformation,
  source: Source,
  renderContext: RenderContext,
): Promise<boolean> {
  const { format = "auto", density } = output;
  if (steps.length > 0 || density !== undefined || (format !== "auto" && format !== "source")) return false;
  return (await renderContext.inspect("kind", source))?.document === true;
}

/** What of a decoded file is needed. */
export interface Part {
  /** Counted from 0. */
  readonly page: number;
  /** Seconds from the beginning of a video. */
  readonly time?: number;
  /** What the header promises, or, for a drawing, the size it is wanted in. */
  readonly size: Size;
}

/**
 * The bytes of a page in a form that libvips reads, made by the plugin that decodes such files. Throws what that throws, and
 * `UNIDENTIFIED` where the page is not what the header promised.
 */
export async function decodedInput(
  source: Source,
  header: Header,
  { page, time, size }: Part,
  renderContext: RenderContext,
): Promise<Uint8Array> {
  const wanted = isVector(header) ? { width: size.width, height: size.height } : {};
  const options = { ...(page > 0 && { page: page + 1 }), ...(time !== undefined && { time }), ...wanted };
  const decoded = await renderContext.decode(source, options);
  if (!decoded) throw new MediaError("EUNSUPPORTED", `Images of ${header.format} files are not supported`);
  // As many as the header's pixels take, which have been counted.
  const bytes = await decoded.bytes(Number.POSITIVE_INFINITY);
  const { autoOrient: found } = await sharp(bytes, { limitInputPixels: false }).metadata();
  if (found.width !== size.width || found.height !== size.height) {
    throw new MediaError("UNIDENTIFIED", "The source does not match its header");
  }
  return bytes;
}
