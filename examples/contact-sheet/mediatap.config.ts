import { defineConfig, presetMediatap } from "mediatap";
import { pageSheet } from "./page.ts";
import { sections } from "./sheet.ts";

export default defineConfig({
  presets: [presetMediatap()],
  plugins: [pageSheet(sections)],
  origins: {
    photos: { type: "FOLDER", path: "../start/media" },
    portraits: { type: "FOLDER", path: "./media" },
  },
  endpoints: { default: { origins: ["photos", "portraits"] } },
  namedTransformations: { thumb: "w-160,h-120,fo-auto" },
  // Heavy pictures, many at once: who looks at them waits rather than sees holes.
  limits: { queueWait: 240_000, imageWork: 240_000, request: 240_000 },
});
