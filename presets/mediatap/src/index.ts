import { analytics } from "@mediatap/analytics";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig } from "@mediatap/core";
import { decodeHeic } from "@mediatap/decode-heic";
import { decodeIco } from "@mediatap/decode-ico";
import { decodePdf } from "@mediatap/decode-pdf";
import { decodePsd } from "@mediatap/decode-psd";
import { decodeRaster } from "@mediatap/decode-raster";
import { focusFaces } from "@mediatap/focus-faces";
import { imageSharp } from "@mediatap/image-sharp";
import { info } from "@mediatap/info";
import { migrate } from "@mediatap/migrate";
import { type PresetImagekitOptions, presetImagekit } from "@mediatap/preset-imagekit";
import { storageAkeneo } from "@mediatap/storage-akeneo";
import { storageAzure } from "@mediatap/storage-azure";
import { storageFs } from "@mediatap/storage-fs";
import { storageGcs } from "@mediatap/storage-gcs";
import { storageS3 } from "@mediatap/storage-s3";
import { storageWeb } from "@mediatap/storage-web";
import { svgDompurify } from "@mediatap/svg-dompurify";
import { timing } from "@mediatap/timing";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { videoRemux } from "@mediatap/video-remux";

/** Options of `presetMediatap`: those of the ImageKit language. */
export type PresetMediatapOptions = PresetImagekitOptions;

/**
 * The usual server: ImageKit's language, all places that its origins name, images, faces, videos, descriptions of files, a cache in
 * memory, timings, usage.
 */
export function presetMediatap(options: PresetMediatapOptions = {}): MediatapConfig {
  return {
    presets: [presetImagekit(options)],
    plugins: [
      storageAkeneo(),
      storageAzure(),
      storageFs(),
      storageGcs(),
      storageS3(),
      storageWeb(),
      imageSharp(),
      decodeHeic(),
      decodeIco(),
      decodePdf(),
      decodePsd(),
      decodeRaster(),
      svgDompurify(),
      focusFaces(),
      videoFfmpeg(),
      videoRemux(),
      info(),
      cacheMemory(),
      timing(),
      analytics(),
      migrate(),
    ],
    // A server of one's own says who it is; `presetImagekit` alone keeps the service's word.
    requestFrom: "mediatap",
  };
}

export default presetMediatap;
export { avifLater } from "@mediatap/avif-later";
export { cacheDisk } from "@mediatap/cache-disk";
export { cacheKeyv } from "@mediatap/cache-keyv";
export { cacheSource } from "@mediatap/cache-source";
export { cacheStorage } from "@mediatap/cache-storage";
export type { MediatapConfig } from "@mediatap/core";
export { defineConfig } from "@mediatap/core";
export { logAccess } from "@mediatap/log-access";
export { manageImagekit } from "@mediatap/manage-imagekit";
export { metrics } from "@mediatap/metrics";
export { pageConsole } from "@mediatap/page-console";
export { pageStart } from "@mediatap/page-start";
export { presetDevelopment } from "@mediatap/preset-development";
export { shareRedis } from "@mediatap/share-redis";
export { urlImagekit } from "@mediatap/url-imagekit";
export { warm } from "@mediatap/warm";
export { webhooks } from "@mediatap/webhooks";
export {
  analytics,
  cacheMemory,
  decodeHeic,
  decodeIco,
  decodePdf,
  decodePsd,
  decodeRaster,
  focusFaces,
  imageSharp,
  info,
  presetImagekit,
  storageAkeneo,
  storageAzure,
  storageFs,
  storageGcs,
  storageS3,
  storageWeb,
  svgDompurify,
  timing,
  videoFfmpeg,
  videoRemux,
};
