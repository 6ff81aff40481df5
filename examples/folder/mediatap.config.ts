import { defineConfig, presetMediatap } from "mediatap";

export default defineConfig({
  presets: [presetMediatap()],
  origins: { photos: { type: "FOLDER", path: "../start/media" } },
  endpoints: { default: { origins: ["photos"] } },
});
