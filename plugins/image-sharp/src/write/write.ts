import { bodyOf, type PlanResult } from "@mediatap/core";
import type { Sharp } from "sharp";
import type { Bounds } from "../effects/pool.ts";
import type { Settings } from "../options.ts";
import type { Animation, PixelBuffer } from "../pixels/buffer.ts";
import type { WriteFormat } from "../plan/format.ts";
import type { ImagePlan } from "../plan/image-plan.ts";
import { comparator, leastQuality } from "./auto-quality.ts";

/** Input of `write`. */
export interface WriteInput {
  readonly plan: ImagePlan;
  readonly animation: Animation;
  /** To be written once. */
  readonly image: Sharp;
  /** Buffers it, to be written more than once. */
  buffer(): Promise<PixelBuffer>;
  /** The pipeline with a timeout. */
  timed(image: Sharp): Sharp;
  /** Limits of work beside the pipeline. */
  bounds(): Bounds;
}

interface EncodedImage {
  readonly format: WriteFormat;
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Writes the picture: once, or, if requested, in several formats and qualities, and keeps the smallest. */
export async function write(input: WriteInput): Promise<PlanResult> {
  const { format, data, width, height } = await encodeBest(input);
  const body = bodyOf(data);
  return { body, type: `image/${format}`, format, width, height };
}

async function encodeBest(input: WriteInput): Promise<EncodedImage> {
  const { writes, settings } = input.plan;
  const [first, ...others] = writes;
  if (others.length === 0 && !first.searched) return encode(input, input.image, first.format);
  const buffer = await input.buffer();
  let best: EncodedImage | undefined;
  for (const { format, searched } of writes) {
    const at = (quality?: number) => encode(input, buffer.open(), format, quality);
    const candidate = searched
      ? await leastQuality(settings.autoQuality, buffer, at, comparator(input.bounds))
      : await at();
    if (!best || candidate.data.length < best.data.length) best = candidate;
  }
  return best as EncodedImage;
}

async function encode(
  input: WriteInput,
  image: Sharp,
  format: WriteFormat,
  quality?: number,
): Promise<EncodedImage> {
  const { writtenDensity, keeps, gainMap } = input.plan;
  applyKeeps(input.timed(image), keeps);
  if (gainMap) (image as WithGainMap).keepGainMap();
  if (writtenDensity !== undefined) {
    // An empty EXIF block first: otherwise the source's would come along.
    (keeps === "metadata" ? image : image.withExif({})).withDensity(writtenDensity);
  }
  encodeAs(image, format, input, quality);
  const { data: encoded, info } = await image.toBuffer({ resolveWithObject: true });
  const data = encoded.byteLength < MAX_COPIED_BYTES ? new Uint8Array(encoded) : encoded;
  return { format, data, width: info.width, height: info.pageHeight ?? info.height };
}

/** Smaller files are copied: libvips allocates up to 16 KB more than they need, which V8 does not count when it decides what to collect. */
const MAX_COPIED_BYTES = 64 * 1024;

/** Quality if neither the URL nor the endpoint names one. */
const DEFAULT_QUALITY = 80;

/** AVIF needs lower figures for the same look: 80 becomes 60, and from there on the scale closes up to 100. */
const avifQuality = (quality: number) =>
  Math.round(quality <= DEFAULT_QUALITY ? Math.max(1, quality * 0.75) : 60 + (quality - DEFAULT_QUALITY) * 2);

/**
 * mozjpeg's table 2, tuned for MS-SSIM: SSIMULACRA 2 of photographs 1 point higher and 3.4 % fewer bytes than with that of the JPEG
 * standard. The option `mozjpeg` brings its own.
 */
const tablesOf = ({ mozjpeg }: Settings) => (mozjpeg ? { mozjpeg } : { quantisationTable: 2 });

/** Sets the encoder. Settings are those measured to cost least for what they give, where work is done on request. */
function encodeAs(
  image: Sharp,
  format: WriteFormat,
  { plan, animation }: WriteInput,
  searched?: number,
): Sharp {
  const { output, header, settings, frames } = plan;
  const { lossless = false, progressive = false } = output;
  const quality = searched ?? (typeof output.quality === "number" ? output.quality : DEFAULT_QUALITY);
  switch (format) {
    case "jpeg":
      return image.jpeg({ quality, progressive, optimiseCoding: true, ...tablesOf(settings) });
    case "png":
      // Scaled true colours of a picture that had few would make a larger file than the source.
      return image.png({ palette: header.palette && /^a?png$/.test(header.format) && !output.lossless });
    case "webp":
      return image.webp({ quality, lossless, effort: settings.webpEffort, ...(frames > 1 && animation) });
    case "avif":
      return image.avif({
        quality: avifQuality(quality),
        lossless,
        effort: settings.avifEffort,
        chromaSubsampling: lossless ? "4:4:4" : "4:2:0",
      });
    case "gif":
      return image.gif({ effort: settings.gifEffort, ...(frames > 1 && animation) });
  }
}

/** What sharp 0.35 documents, but leaves out of its types. */
interface WithGainMap extends Sharp {
  keepGainMap(): Sharp;
}

/** Keeps the metadata or the profile. */
export function applyKeeps(image: Sharp, keeps: ImagePlan["keeps"]): Sharp {
  if (keeps === "metadata") return image.keepMetadata();
  return keeps === "profile" ? image.keepIccProfile() : image;
}
