import { defineConfig, presetMediatap } from "mediatap";
import { pagePlayer } from "./page.ts";

export default defineConfig({
  presets: [presetMediatap()],
  plugins: [pagePlayer({ video: "tour.mp4" })],
  origins: { videos: { type: "FOLDER", path: "../start/media" } },
  endpoints: { default: { origins: ["videos"] } },
});
