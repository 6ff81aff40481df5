import {
  type Header,
  MediaError,
  type RenderContext,
  type Size,
  type Source,
  type Transformation,
} from "@mediatap/core";
import { openImage } from "../pixels/image.ts";
import { isReadFormat } from "./sniff.ts";

/** Whether a file has pixels for this engine: libvips or a plugin decodes it. */
export const isReadable = (header: Header | undefined): header is Header =>
  header !== undefined && (header.decode !== undefined || isReadFormat(header.format));

/** It has no pixels before it is drawn. */
export const isVector = ({ format, decode }: Header): boolean => format === "svg" || decode?.vector === true;

/** Whether a file goes out as it is: a document (PDF, PSD), or an animation that is not written, if the URL requests no picture of it. */
export async function staysDocument(
  { steps, output }: Transformation,
  source: Source,
  renderContext: RenderContext,
): Promise<boolean> {
  const { format = "auto", density } = output;
  if (steps.length > 0 || density !== undefined || (format !== "auto" && format !== "source")) return false;
  return (await renderContext.inspect("kind", source))?.document === true;
}

/** The page of a file to decode, and the size that it has. */
export interface DecodeRequest {
  /** Counted from 0. */
  readonly page: number;
  /** Seconds from the beginning of a video. */
  readonly time?: number;
  /** Size in the header, or, for a drawing, the requested size. */
  readonly size: Size;
}

/**
 * The bytes of a page in a form that libvips reads, from the plugin that decodes such files. Throws what that throws, and
 * `UNIDENTIFIED` if the size of the page differs from the header.
 */
export async function decodedInput(
  source: Source,
  header: Header,
  { page, time, size }: DecodeRequest,
  renderContext: RenderContext,
): Promise<Uint8Array> {
  const vectorSize = isVector(header) ? { width: size.width, height: size.height } : {};
  const options = { ...(page > 0 && { page: page + 1 }), ...(time !== undefined && { time }), ...vectorSize };
  const decoded = await renderContext.decode(source, options);
  if (!decoded) throw new MediaError("EUNSUPPORTED", `Images of ${header.format} files are not supported`);
  // As many as the header's pixels take, which have been counted.
  const bytes = await decoded.bytes(Number.POSITIVE_INFINITY);
  const { autoOrient: decodedSize } = await openImage(bytes, { limitInputPixels: false }).metadata();
  if (decodedSize.width !== size.width || decodedSize.height !== size.height) {
    throw new MediaError("UNIDENTIFIED", "The source does not match its header");
  }
  return bytes;
}
