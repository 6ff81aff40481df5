import { defineConfig, presetMediatap } from "mediatap";

export default defineConfig({
  presets: [presetMediatap()],
  origins: {
    current: { type: "WEB_FOLDER", baseUrl: process.env.CURRENT ?? "https://www.example.com/media" },
    archive: { type: "WEB_FOLDER", baseUrl: process.env.ARCHIVE ?? "https://old.example.com/pictures" },
  },
  endpoints: {
    // The archive is asked for what the current site does not have.
    default: { origins: ["current", "archive"] },
    // The same files under a prefix of their own, in lower quality: /small/photo.jpg
    small: { origins: ["current", "archive"], quality: 40 },
  },
});
