import { defineConfig } from "mediatap";
import { presetShop } from "./shared.ts";

export default defineConfig({
  presets: [presetShop()],
  origins: { media: { type: "WEB_FOLDER", baseUrl: process.env.STAGING ?? "https://staging.example.com" } },
  endpoints: { default: { origins: ["media"] } },
  // What is tried out here must not stay in browsers.
  cacheControl: "no-cache",
});
