import { defineConfig, presetMediatap } from "mediatap";
import { storageSqlite } from "./storage-sqlite.ts";

export default defineConfig({
  presets: [presetMediatap()],
  plugins: [storageSqlite()],
  origins: { photos: { type: "SQLITE", file: process.env.PHOTOS ?? "photos.db" } },
  endpoints: { default: { origins: ["photos"] } },
});
