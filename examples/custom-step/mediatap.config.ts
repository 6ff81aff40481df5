import { cacheMemory, defineConfig, imageSharp, storageFs } from "mediatap";
import { pixelate } from "./pixelate.ts";
import { urlPixels } from "./url-pixels.ts";

export default defineConfig({
  plugins: [urlPixels(), pixelate(), storageFs(), imageSharp(), cacheMemory()],
  origins: { photos: { type: "FOLDER", path: "../start/media" } },
  endpoints: { default: { origins: ["photos"] } },
});
