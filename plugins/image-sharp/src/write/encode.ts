import type { Output } from "@mediatap/core";
import type { Sharp } from "sharp";
import type { Settings } from "../options.ts";
import type { Animation } from "../pixels/buffer.ts";
import type { WriteFormat } from "../plan/format.ts";

/** Quality where neither the URL nor the endpoint names one. */
const QUALITY = 80;

/**
 * AVIF needs lower figures for the same look: 80 becomes 60, and from there on the scale closes up to 100.
 */
export const avifQuality = (quality: number) =>
  Math.round(quality <= QUALITY ? Math.max(1, quality * 0.75) : 60 + (quality - QUALITY) * 2);

/** How a picture is written, beyond what was requested for. */
export interface EncodeOptions {
  readonly settings: Settings;
  /** Whether a PNG has a palette, as its source had. */
  readonly palette?: boolean;
  readonly animation?: Animation;
}

/** Sets the encoder. Settings are those measured to cost least for what they give, where work is done on request. */
export function encodeAs(
  image: Sharp,
  format: WriteFormat,
  output: Output,
  { settings, palette = false, animation = {} }: EncodeOptions,
): Sharp {
  const { lossless = false, progressive = false } = output;
  const quality = typeof output.quality === "number" ? output.quality : QUALITY;
  switch (format) {
    case "jpeg":
      return image.jpeg({ quality, progressive, optimiseCoding: true, mozjpeg: settings.mozjpeg });
    case "png":
      return image.png({ palette });
    case "webp":
      return image.webp({ quality, lossless, effort: settings.webpEffort, ...animation });
    case "avif":
      return image.avif({
        quality: avifQuality(quality),
        lossless,
        effort: settings.avifEffort,
        chromaSubsampling: lossless ? "4:4:4" : "4:2:0",
      });
    case "gif":
      return image.gif({ effort: settings.gifEffort, ...animation });
  }
}
