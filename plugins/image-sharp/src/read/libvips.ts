import { isMediaError, MediaError, shortageOf } from "@mediatap/core";
import sharp from "sharp";

/** Dots per inch of a picture or drawing that names none. */
export const DEFAULT_DENSITY = 72;

/** Reads JPEGs with gain maps as such: else they are JPEGs as others. */
const GAIN_MAP_LOADERS = ["VipsForeignLoadUhdrFile", "VipsForeignLoadUhdrBuffer"];

/**
 * Sets libvips up for a server, once a process: no operation cache (each picture is rendered only once), one thread an operation
 * (as many operations run as there are cores), and no decoder but those that are meant to be used.
 */
export function setUpLibvips({ gainMaps }: { readonly gainMaps: boolean }): void {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({
    operation: [
      ...(gainMaps ? GAIN_MAP_LOADERS : []),
      "VipsForeignLoadJpegFile",
      "VipsForeignLoadJpegBuffer",
      "VipsForeignLoadPngFile",
      "VipsForeignLoadPngBuffer",
      "VipsForeignLoadWebpFile",
      "VipsForeignLoadWebpBuffer",
      "VipsForeignLoadHeifFile",
      "VipsForeignLoadHeifBuffer",
      "VipsForeignLoadNsgifFile",
      "VipsForeignLoadNsgifBuffer",
      "VipsForeignLoadTiffFile",
      "VipsForeignLoadTiffBuffer",
      // Never as a file: then it could name its neighbours.
      "VipsForeignLoadSvgBuffer",
    ],
  });
}

/** What libvips and its libraries write if the system refuses a thread, a file, memory or disk space (strerror(3)). */
const SHORTAGE_PATTERN =
  /resource temporarily unavailable|too many open files|cannot allocate memory|no space left on device|disk quota exceeded/i;
const RETRY_AFTER_SECONDS = 5;

/** An error of libvips as one that a client may see. Its own words can hold paths, so they stay in the cause. */
export function mediaError(cause: unknown): MediaError {
  if (isMediaError(cause)) return cause as MediaError;
  if (cause instanceof TypeError || cause instanceof RangeError) {
    return new MediaError("EINTERNAL", "The image could not be rendered", { cause });
  }
  const shortage = shortageOf(cause);
  if (shortage) return shortage;
  const text = cause instanceof Error ? cause.message : String(cause);
  if (SHORTAGE_PATTERN.test(text)) {
    return new MediaError("EBUSY", "The server is busy", { cause, retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
  if (/timeout/i.test(text))
    return new MediaError("ETIMEDOUT", "The image took too long to render", { cause });
  if (/pixel limit/i.test(text)) return new MediaError("ELIMIT", "The image has too many pixels", { cause });
  return new MediaError("UNIDENTIFIED", "The source is not a readable image", { cause });
}
