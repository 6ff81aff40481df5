import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { presetImagekit } from "@mediatap/preset-imagekit";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import { timing } from "@mediatap/timing";

/** The usual server: ImageKit's language, folders and web servers, images, a cache in memory, timings. */
export function presetMediatap(): MediatapConfig {
  return {
    presets: [presetImagekit()],
    plugins: [storageFs(), storageWeb(), imageSharp(), cacheMemory(), timing()],
    requestFrom: "mediatap",
  };
}

export default presetMediatap;
export type { MediatapConfig } from "@mediatap/core";
export { defineConfig } from "@mediatap/core";
export { pageStart } from "@mediatap/page-start";
export { presetDevelopment } from "@mediatap/preset-development";
export { urlImagekit } from "@mediatap/url-imagekit";
export { cacheMemory, imageSharp, presetImagekit, storageFs, storageWeb, timing };
